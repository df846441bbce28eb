import {execFileSync} from 'node:child_process';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test} from 'vitest';
import {owner} from '../../source/hub/schema/bootstrap.ts';
import {PgliteDatabase} from '../../source/hub/pglite/pglite.ts';
import {Home} from '../helpers/program.ts';

let home: Home;
let other: Home;
beforeEach(async () => {
	home = await Home.make();
	other = await Home.make();
});
afterEach(async () => {
	await home.dispose();
	await other.dispose();
});

const send = (to: Home, text: string): Promise<string> => to.output(['send', text]);
const bodies = async (of: Home): Promise<string[]> => {
	const rows = await of.json<{body: string}[]>(['sql', 'select body from messages order by id']);
	return rows.map(({body}) => body);
};
const data = (of: Home): string[] => readdirSync(join(of.path, 'data')).filter(name => name.startsWith('pg'));

/** Another backup of the same database, after a change to the backup. */
async function changed(file: string, sql: string): Promise<string> {
	const folder = `${file}.unpacked`;
	mkdirSync(folder);
	execFileSync('tar', ['-xzf', file, '-C', folder]);
	const database = await PgliteDatabase.open({directory: join(folder, 'pg')});
	await database.script(owner, sql);
	await database.close();
	execFileSync('tar', ['-czf', `${file}.changed`, '-C', folder, '.']);
	return `${file}.changed`;
}

describe('hub backup', () => {
	test('contains everything acknowledged before it while others write, and no keys', async () => {
		await send(home, 'before');
		const file = join(home.path, 'backup.tar.gz');
		let written = 0;
		const over = new AbortController();
		const writer = (async () => {
			for (; !over.signal.aborted; written += 1)
				await home.output(['sql', `insert into messages (content) values ('[W] ${written}')`]);
		})();
		const said = await home.output(['hub', 'backup', file]);
		over.abort();
		await writer;
		expect(said).toMatch(/^Wrote the mailbox to \S+backup\.tar\.gz \(\d+ messages, \d+\.\d MB\)\.\n$/);
		expect(statSync(file).mode & 0o777).toBe(0o600);
		expect(execFileSync('tar', ['-tzf', file], {encoding: 'utf8'})).toContain('pg/PG_VERSION');
		const {jwt_secret} = JSON.parse(readFileSync(join(home.path, 'data/keys.json'), 'utf8')) as {jwt_secret: string};
		expect(execFileSync('tar', ['-xzOf', file], {maxBuffer: 1 << 29}).includes(jwt_secret)).toBe(false);
		// Neither the copy nor half a file is left.
		expect(data(home)).toEqual(['pg']);
		expect(readdirSync(home.path).filter(name => name.includes('partial'))).toEqual([]);

		await other.output(['hub', 'restore', file]);
		const restored = await bodies(other);
		expect(restored[0]).toBe('before');
		// It contains what was written up to one moment, and nothing later.
		expect(restored.slice(1)).toEqual(Array.from({length: restored.length - 1}, (_, n) => String(n)));
		expect((await bodies(home)).length).toBe(written + 1);
	}, 60_000);

	test('does not replace a file, and says why it cannot write one', async () => {
		const file = join(home.path, 'there');
		writeFileSync(file, 'mine');
		expect(await home.run(['hub', 'backup', file])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining(`${file} already exists. Choose another file`),
		});
		expect(readFileSync(file, 'utf8')).toBe('mine');
		const nowhere = join(home.path, 'no/folder/backup');
		expect(await home.run(['hub', 'backup', nowhere])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining(': its folder does not exist'),
		});
		expect(data(home)).toEqual(['pg']);
		expect(await home.run(['hub', 'backup'])).toMatchObject({code: 2, stderr: expect.stringContaining('takes a FILE')});
	}, 60_000);

	test('of a database that could not be restored fails, and leaves no file', async () => {
		await send(home, 'mine');
		// A tablespace, as it was possible before they were refused.
		symlinkSync('/tmp', join(home.path, 'data/pg/pg_tblspc/99999'));
		const file = join(home.path, 'backup.tar.gz');
		const {code, stdout, stderr} = await home.run(['hub', 'backup', file]);
		expect({code, stdout}).toEqual({code: 1, stdout: ''});
		expect(stderr).toContain('its copy cannot be restored');
		expect(readdirSync(home.path).filter(name => name.startsWith('backup'))).toEqual([]);
		expect(data(home)).toEqual(['pg']);
	}, 60_000);
});

describe('a page that the disk has changed', () => {
	const toast = "' || (select reltoastrelid::regclass from pg_class where oid = 'messages'::regclass) || '";
	test.each([
		['one bit of a message', 'messages', (page: Buffer) => page.writeUInt8(page.readUInt8(8100) ^ 4, 8100)],
		['half of an index', 'messages_pkey', (page: Buffer) => page.fill(0, 4096)],
		['the header of a long text', toast, (page: Buffer) => page.fill(0, 0, 64)],
	])(
		'fails the backup with an error that names it: %s',
		async (_, relation, spoil) => {
			const long = "(select string_agg(gen_random_uuid()::text, '') from generate_series(1, 2000))";
			await home.output(['sql', `insert into messages (content) select '[A] ' || n from generate_series(1, 500) n`]);
			await home.output(['sql', `insert into messages (content) select '[A] ' || ${long} from generate_series(1, 3)`]);
			const [row] = await home.json<{path: string}[]>(['sql', `select pg_relation_filepath('${relation}') as path`]);
			await home.output(['hub', 'stop']);
			const name = row?.path ?? '';
			const path = join(home.path, 'data/pg', name);
			const bytes = readFileSync(path);
			spoil(bytes.subarray(8192, 2 * 8192));
			writeFileSync(path, bytes);
			const file = join(home.path, 'backup.tar.gz');
			const {code, stdout, stderr} = await home.run(['hub', 'backup', file]);
			expect({code, stdout}).toEqual({code: 1, stdout: ''});
			expect(stderr).toContain(
				`The database was copied, but its copy cannot be restored: page 1 of ${name} is damaged. The backup was deleted`,
			);
			expect(readdirSync(home.path).filter(each => each.startsWith('backup'))).toEqual([]);
		},
		60_000,
	);
});

describe('hub restore', () => {
	test('restores the mailbox while others are connected; they continue, and the former database is kept', async () => {
		await send(home, 'one');
		const file = join(home.path, 'backup.tar.gz');
		await home.output(['hub', 'backup', file]);
		await send(home, 'two');
		const follower = home.start(['tail', '--follow', '--json']);
		onTestFinished(() => void follower.kill());
		let heard = '';
		follower.stdout.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
		await expect.poll(() => heard, {timeout: 20_000}).toContain('two');

		const {messages, kept} = await home.json<{messages: number; kept: string}>(['hub', 'restore', file]);
		expect(messages).toBe(1);
		expect(existsSync(join(kept, 'PG_VERSION'))).toBe(true);
		expect(await bodies(home)).toEqual(['one']);
		await send(home, 'three');
		await expect.poll(() => heard, {timeout: 30_000}).toContain('three');
		expect(await bodies(home)).toEqual(['one', 'three']);
	}, 90_000);

	describe('of a file that', () => {
		let mine: Home;
		let file: string;
		beforeAll(async () => {
			mine = await Home.make();
			await send(mine, 'mine');
			writeFileSync(join(mine.path, 'config.toml'), '');
			file = join(mine.path, 'backup.tar.gz');
			await mine.output(['hub', 'backup', file]);
		});
		afterAll(() => mine.dispose());

		test.each([
			['is not there', (file: string) => `${file}.none`, /Cannot read .* \(ENOENT\)/],
			[
				'is something else',
				(file: string) => {
					writeFileSync(`${file}.else`, 'hello');
					return `${file}.else`;
				},
				/is not an agentmux backup/,
			],
			[
				'is half of one',
				(file: string) => {
					copyFileSync(file, `${file}.half`);
					truncateSync(`${file}.half`, Math.floor(statSync(file).size / 2));
					return `${file}.half`;
				},
				/is not an agentmux backup, or it is damaged\. Nothing was changed\./,
			],
			[
				'is another tar file',
				(file: string) => {
					execFileSync('tar', ['-czf', `${file}.tar`, '-C', join(file, '..'), 'config.toml']);
					return `${file}.tar`;
				},
				/is not an agentmux backup\. Nothing was changed\./,
			],
			[
				'leads out of its folder by a link',
				(file: string) => {
					symlinkSync('/', join(file, '../pg'));
					execFileSync('tar', ['-czf', `${file}.link`, '-C', join(file, '..'), 'pg']);
					return `${file}.link`;
				},
				/is not an agentmux backup, or it is damaged\. Nothing was changed\./,
			],
		])(
			'%s says so, and changes nothing',
			async (_, spoil, sentence) => {
				const {code, stdout, stderr} = await mine.run(['hub', 'restore', spoil(file)]);
				expect({code, stdout}).toEqual({code: 1, stdout: ''});
				expect(stderr).toMatch(sentence);
				expect(data(mine)).toEqual(['pg']);
				expect(await bodies(mine)).toEqual(['mine']);
			},
			60_000,
		);
	});

	test('of a backup by a newer agentmux says so, and changes nothing', async () => {
		const file = join(home.path, 'backup.tar.gz');
		await home.output(['hub', 'backup', file]);
		const newer = await changed(file, "insert into agentmux.migrations (version) values ('29991231000000')");
		await send(other, 'mine');
		const {code, stderr} = await other.run(['hub', 'restore', newer]);
		expect(code).toBe(1);
		expect(stderr).toContain('The database was made by a newer agentmux');
		expect(await bodies(other)).toEqual(['mine']);
		expect(data(other)).toEqual(['pg']);
	}, 60_000);
});
