import {execFileSync} from 'node:child_process';
import {
	chmodSync,
	chownSync,
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {checkHome} from '../../../source/hub/home/check.ts';
import {fire, placeAgent} from '../../helpers/hook.ts';
import {placesIn} from '../../helpers/hub.ts';
import {Home} from '../../helpers/program.ts';

const files = [
	'data/keys.json',
	'data/hub.lock',
	'data/port',
	'data/human-key.json',
	'data/agents/CLAUDE_1.json',
	'state/hub.json',
	'state/start.lock',
	'state/tokens/CLAUDE_1.json',
	'logs/hub.log',
	'logs/hook.log',
];
const folders = ['data', 'state', 'logs', 'data/agents', 'state/tokens', 'data/pg'];
const isRoot = process.getuid?.() === 0;

/** What another user, or this user by mistake, may have put at the path of a file, and the message about it. */
const plants: {readonly [what: string]: {readonly plant: (path: string) => void; readonly says: RegExp}} = {
	'a link': {
		plant: path => symlinkSync(elsewhere(), path),
		says: /is a link, and may lead elsewhere/,
	},
	'a link that leads nowhere': {
		plant: path => symlinkSync(join(base, 'nowhere'), path),
		says: /is a link, and may lead elsewhere/,
	},
	'a second name of another file': {
		plant: path => linkSync(elsewhere(), path),
		says: /is a file with another name \(a hard link\)/,
	},
	'a pipe': {
		plant: path => void execFileSync('sh', ['-c', 'mkfifo -m 600 "$0"', path]),
		says: /is not an ordinary file/,
	},
	...(isRoot
		? {
				"another user's file": {
					plant(path: string) {
						writeFileSync(path, 'planted', {mode: 0o600});
						chownSync(path, 65_534, 65_534);
					},
					says: /belongs to another user \(uid 65534\)/,
				},
			}
		: {}),
};

let base: string;
let home: string;
beforeEach(() => {
	base = mkdtempSync(join(tmpdir(), 'agentmux-home-check-'));
	home = join(base, 'home');
	writeFileSync(elsewhere(), 'not to be touched', {mode: 0o600});
	for (const folder of folders) mkdirSync(join(home, folder), {recursive: true, mode: 0o700});
});
afterEach(() => rmSync(base, {recursive: true, force: true}));

/** What a planted link leads to. */
const elsewhere = (): string => join(base, 'elsewhere');
const check = (): string[] => checkHome(placesIn(home));
const mode = (path: string): string => (lstatSync(join(home, path)).mode & 0o777).toString(8);

describe('each file that must be this user’s alone', () => {
	it.each(files.flatMap(file => Object.keys(plants).map(what => [file, what] as const)))(
		'%s is refused when it is %s, and its target is not changed',
		(file, what) => {
			const {plant, says} = plants[what] ?? {plant: () => undefined, says: /^$/};
			plant(join(home, file));
			expect(check).toThrow(says);
			expect(check).toThrow(join(home, file));
			expect(existsSync(join(base, 'nowhere'))).toBe(false);
			expect(readFileSync(elsewhere(), 'utf8')).toBe('not to be touched');
			expect(lstatSync(elsewhere()).mode & 0o777).toBe(0o600);
		},
	);

	it.each(files.flatMap(file => [0o644, 0o666, 0o640].map(bits => [file, bits] as const)))(
		'%s is mended when it has mode %o, and that is said once',
		(file, bits) => {
			writeFileSync(join(home, file), 'text');
			chmodSync(join(home, file), bits);
			expect(check()).toEqual([expect.stringContaining(`${join(home, file)}; it is private now (mode 0600)`)]);
			expect(mode(file)).toBe('600');
			expect(check()).toEqual([]);
		},
	);
});

describe('each folder that must be this user’s alone', () => {
	it.each(folders.flatMap(folder => [0o755, 0o777].map(bits => [folder, bits] as const)))(
		'%s is mended when it has mode %o, and that is said once',
		(folder, bits) => {
			chmodSync(join(home, folder), bits);
			expect(check()).toHaveLength(1);
			expect(mode(folder)).toBe('700');
			expect(check()).toEqual([]);
		},
	);

	it.runIf(isRoot).each(folders)("%s is refused when it is another user's, or a link of another user's", folder => {
		const path = join(home, folder);
		chownSync(path, 65_534, 65_534);
		expect(check).toThrow(/belongs to another user/);
		rmSync(path, {recursive: true});
		mkdirSync(join(base, 'real'), {mode: 0o700});
		symlinkSync(join(base, 'real'), path);
		execFileSync('chown', ['-h', '65534:65534', path]);
		expect(check).toThrow(/belongs to another user/);
	});

	it('may be a link that this user made to a folder of his own', () => {
		rmSync(join(home, 'data'), {recursive: true});
		mkdirSync(join(base, 'disk'), {mode: 0o700});
		symlinkSync(join(base, 'disk'), join(home, 'data'));
		expect(check()).toEqual([]);
	});

	it('is refused in a folder where others could replace it', () => {
		chmodSync(home, 0o777);
		expect(check).toThrow(/Every user of this machine can replace agentmux's files in/);
		chmodSync(home, 0o1777);
		expect(check()).toEqual([]);
	});
});

describe('each folder above the home', () => {
	it("is refused where a group other than the user's own may replace it", () => {
		chmodSync(home, 0o770);
		expect(check()).toEqual([]);
		if (!isRoot) return;
		chownSync(home, 0, 12_345);
		expect(check).toThrow(/Every user in the group 12345 can replace agentmux's files in .*home/);
		chmodSync(home, 0o1770);
		expect(check()).toEqual([]);
		chmodSync(home, 0o750);
		expect(check()).toEqual([]);
	});

	it.runIf(isRoot)('is refused where it is another user’s, however it is closed', () => {
		for (const bits of [0o700, 0o755, 0o1777]) {
			chownSync(base, 65_534, 65_534);
			chmodSync(base, bits);
			expect(check).toThrow(/belongs to another user \(uid 65534\), who could replace agentmux's files in it/);
		}
	});

	it('is checked through links, too', () => {
		const disk = join(base, 'disk');
		mkdirSync(join(disk, 'data'), {recursive: true, mode: 0o700});
		rmSync(join(home, 'data'), {recursive: true});
		symlinkSync(join(disk, 'data'), join(home, 'data'));
		expect(check()).toEqual([]);
		chmodSync(disk, 0o777);
		expect(check).toThrow(`Every user of this machine can replace agentmux's files in ${disk}`);
	});
});

describe('by the program', () => {
	/** The environment of a human's terminal, even if an agent runs the test. */
	const env = {CLAUDECODE: undefined, CLAUDE_CODE_ENTRYPOINT: undefined};
	let own: Home;
	beforeEach(async () => {
		own = await Home.make();
	});
	afterEach(async () => {
		rmSync(join(own.path, 'data', 'hub.lock'), {force: true});
		await own.dispose();
	});

	it('names the planted file in an error, and starts nothing', async () => {
		mkdirSync(join(own.path, 'data'), {mode: 0o700, recursive: true});
		symlinkSync(join(base, 'nowhere'), join(own.path, 'data', 'hub.lock'));
		for (const args of [['send', 'hello'], ['hub', 'start'], ['agents'], []]) {
			const {code, stderr} = await own.run(args, {env});
			expect([args, code, stderr.trim().split('\n')]).toEqual([
				args,
				1,
				[expect.stringContaining('is a link, and may lead')],
			]);
		}
		expect(existsSync(join(base, 'nowhere'))).toBe(false);
	});

	it('repairs modes that let others read, says so once on stderr, and goes on', async () => {
		await own.output(['send', 'hello'], {env});
		chmodSync(join(own.path, 'data', 'keys.json'), 0o644);
		const first = await own.run(['tail'], {env});
		expect([first.code, first.stdout]).toEqual([0, expect.stringContaining('hello')]);
		expect(first.stderr).toContain('keys.json; it is private now (mode 0600).');
		expect(await own.run(['tail'], {env})).toMatchObject({code: 0, stderr: ''});
	});

	it('closes a config file with a key in it, and leaves another as it is', async () => {
		const config = join(own.path, 'config.toml');
		writeFileSync(config, 'tag = "ME"\n', {mode: 0o644});
		expect((await own.run(['config'], {env})).stderr).toBe('');
		writeFileSync(config, '[supabase]\nurl = "http://127.0.0.1:9"\nkey = "k"\n');
		expect((await own.run(['config'], {env})).stderr).toContain('config.toml; it is private now');
		expect(lstatSync(config).mode & 0o777).toBe(0o600);
	});

	it('says that the config file is a dangling link, and who owns its folder', async () => {
		const folder = join(own.path, 'dotfiles');
		const config = join(own.path, 'config.toml');
		mkdirSync(folder);
		symlinkSync(join(folder, 'config.toml'), config);
		expect(await own.run(['config'], {env})).toMatchObject({
			code: 1,
			stdout: '',
			stderr: `agentmux: The config file ${config} is a link that leads nowhere. Create the file that it leads to, or remove the link.\n`,
		});
		writeFileSync(join(folder, 'config.toml'), 'tag = "ME"\n');
		expect(await own.run(['config'], {env})).toMatchObject({code: 0, stderr: ''});
		chmodSync(folder, 0o777);
		expect(await own.run(['config'], {env})).toMatchObject({
			code: 1,
			stderr: expect.stringContaining(`Every user of this machine can replace agentmux's files in ${folder}`),
		});
	});

	it('a hook follows no link, waits for no pipe, and says so in its log', async () => {
		placeAgent(own.path, 'HOOKED', {key: 'k', token: 't'});
		rmSync(join(own.path, 'data/agents/HOOKED.json'));
		execFileSync('sh', ['-c', 'mkfifo "$0"', join(own.path, 'data/agents/HOOKED.json')]);
		expect(await fire({home: own.path, tag: 'HOOKED', event: 'Stop'})).toMatchObject({code: 0, stdout: '', stderr: ''});
		const log = join(own.path, 'logs', 'hook.log');
		expect(readFileSync(log, 'utf8')).toContain('is not an ordinary file');
		rmSync(log);
		symlinkSync(elsewhere(), log);
		expect(await fire({home: own.path, tag: 'HOOKED', event: 'Stop'})).toMatchObject({code: 0, stdout: '', stderr: ''});
		expect(readFileSync(elsewhere(), 'utf8')).toBe('not to be touched');
	});
});
