import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {owner} from '../../../source/hub/schema/bootstrap.ts';
import {WorkerDatabase} from '../../../source/hub/pglite/worker-database.ts';
import {newDirectory} from '../../helpers/prepared.ts';

const folder = mkdtempSync(join(tmpdir(), 'agentmux-new-directory-'));
let database: WorkerDatabase;

beforeAll(async () => {
	const directory = join(folder, 'pg');
	await newDirectory(directory);
	database = await WorkerDatabase.open({directory, timeout: 60_000});
});
afterAll(async () => {
	await database.close();
	rmSync(folder, {recursive: true, force: true});
});

/** The pages that a statement reads, those that its triggers and functions read included. */
async function pagesRead(text: string): Promise<number> {
	const [result] = await database.run(owner, [{text: `explain (analyze, buffers, format json) ${text}`}]);
	const answer = result?.rows[0]?.['QUERY PLAN'];
	const [{Plan: plan}] = (typeof answer === 'string' ? JSON.parse(answer) : answer) as [{Plan: Record<string, number>}];
	return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
}

const statements = {
	'a message': `insert into messages (content) values ('[CLAUDE_1] hello @CLAUDE_2')`,
	'a task': `insert into tasks (title, assignee) values ('index the sources', 'CLAUDE_2')`,
	'the state of the mailbox': 'select * from mailbox_state()',
};

test('in its first session reads as little for the thousandth row as for the tenth, before any vacuum', async () => {
	const few = new Map<string, number>();
	for (let nth = 0; nth < 10; nth += 1)
		for (const [name, sql] of Object.entries(statements)) few.set(name, await pagesRead(sql));
	await database.script(
		owner,
		`insert into messages (content) select '[CLAUDE_' || n % 5 + 1 || '] ' || n || ' @CLAUDE_2' from generate_series(1, 1000) as n;
		insert into tasks (title) select 'step ' || n from generate_series(1, 300) as n`,
	);
	const grown: string[] = [];
	for (const [name, sql] of Object.entries(statements)) {
		const pages = await pagesRead(sql);
		if (pages > 2 * (few.get(name) ?? 0) + 10) grown.push(`${name}: ${few.get(name)} pages, then ${pages}`);
	}
	expect(grown).toEqual([]);
});
