import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {bill} from '../../docs/notices/bill.ts';
import {notices} from '../../docs/notices/notices.ts';
import {packages} from '../../docs/notices/packages.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the notices and the bill of materials are those of the packages that are installed: npm run notices', () => {
	expect(notices(packages()) === read('THIRD-PARTY-NOTICES.md')).toBe(true);
	expect(bill(packages()) === read('sbom.cdx.json')).toBe(true);
});

test('both list every dependency, with its own dependencies, and none that is only for development', () => {
	const {dependencies, devDependencies} = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
	const {components, dependencies: edges} = JSON.parse(read('sbom.cdx.json')) as {
		components: {name: string; 'bom-ref': string; hashes: object[]; licenses: object[]}[];
		dependencies: {ref: string; dependsOn: string[]}[];
	};
	const names = components.map(({name}) => name);
	expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies ?? {})));
	expect(names).toEqual(expect.arrayContaining(['react-reconciler', 'pg-protocol', 'express']));
	for (const name of ['vitest', 'rolldown', 'oxlint']) {
		expect(devDependencies).toHaveProperty(name);
		expect(names).not.toContain(name);
	}
	for (const name of Object.keys(dependencies ?? {})) expect(read('THIRD-PARTY-NOTICES.md')).toContain(`\n- ${name} `);
	const references = new Set(components.map(component => component['bom-ref']));
	expect(references.size).toBe(components.length);
	for (const {dependsOn} of edges) for (const each of dependsOn) expect(references).toContain(each);
	for (const {name, hashes, licenses} of components)
		expect([name, hashes.length, licenses.length]).toEqual([name, 1, 1]);
});

test('neither contains a date or a path', () => {
	expect(read('sbom.cdx.json')).not.toMatch(/timestamp|serialNumber|registry|resolved/);
});
