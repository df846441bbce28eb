import {relative} from 'node:path';
import {BaseSequencer, type TestSpecification} from 'vitest/node';

/** The files that take longest, by the time of the processor that they and their programs take. */
const longest: readonly string[] = [
	'test/commands/commands.test.ts',
	'test/schema/upgrade.test.ts',
	'test/hub/tokens.test.ts',
	'test/schema/search.test.ts',
	'test/join/hook.test.ts',
	'test/hub/life.test.ts',
	'test/hub/postgres.test.ts',
	'test/hub/backup.test.ts',
	'test/models/leases.test.ts',
	'test/contract/hub.test.ts',
	'test/hub/server.test.ts',
	'test/e2e/live.test.ts',
];

/**
 * Begins with those, so that none of them is left when all others are done. Vitest itself goes project by project, and within one
 * by what it remembers of earlier runs, which is nothing after `npm ci`.
 */
export class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const {root} = this.ctx.config;
		const place = ({moduleId}: TestSpecification): number => {
			const at = longest.indexOf(relative(root, moduleId).replaceAll('\\', '/'));
			return at === -1 ? longest.length : at;
		};
		const usual = await super.sort(files);
		return usual.toSorted((one, other) => place(one) - place(other));
	}
}
