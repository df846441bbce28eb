import {chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {folderFault, makeFolder} from '../../../source/hub/local/private-folder.ts';
import {socketCandidates, type Machine} from '../../../source/hub/local/socket-path.ts';

const linux: Machine = {platform: 'linux', runtime: '/run/user/1000', temporary: '/tmp', uid: 1000};
const paths = (state: string, machine: Machine): string[] => socketCandidates(state, machine).map(({path}) => path);

describe('where a hub listens for the programs of its user', () => {
	it('is its state folder first, then short folders of the user', () => {
		const [first, second, third, ...none] = socketCandidates('/home/me/.local/state/agentmux', linux);
		expect(first).toEqual({path: '/home/me/.local/state/agentmux/hub.sock', folder: '/home/me/.local/state/agentmux'});
		expect(second?.folder).toBe('/run/user/1000/agentmux');
		expect(third?.folder).toBe('/tmp/agentmux-1000');
		expect(none).toEqual([]);
	});

	it('never has a path that is too long for the system, and has another name for another home', () => {
		const long = `/home/me/${'x'.repeat(120)}`;
		for (const platform of ['linux', 'darwin'] as const) {
			const found = paths(long, {...linux, platform, temporary: '/var/folders/zz/0123456789abcdef0123456789abcd/T'});
			expect(found.length).toBeGreaterThan(0);
			for (const path of found) expect(Buffer.byteLength(path)).toBeLessThan(platform === 'linux' ? 108 : 104);
		}
		expect(paths(long, linux)).not.toEqual(paths(`${long}y`, linux));
		expect(paths(long, {...linux, runtime: undefined, temporary: `/tmp/${'y'.repeat(100)}`})).toEqual([]);
	});

	it('is a named pipe on Windows, which nobody can guess before it is made', () => {
		const windows: Machine = {...linux, platform: 'win32', runtime: undefined, uid: undefined};
		const [one] = socketCandidates(String.raw`C:\Users\me\AppData\Local\agentmux`, windows);
		const [other] = socketCandidates(String.raw`C:\Users\me\AppData\Local\agentmux`, windows);
		expect(one).toMatchObject({
			path: expect.stringMatching(/^\\\\\.\\pipe\\agentmux-[0-9a-f]{16}-[0-9a-f]{16}$/),
			folder: null,
		});
		expect(other?.path).not.toBe(one?.path);
	});
});

describe('a folder for it', () => {
	let base: string;
	beforeEach(() => {
		base = mkdtempSync(join(tmpdir(), 'agentmux-folder-'));
	});
	afterEach(() => rmSync(base, {recursive: true, force: true}));

	it('is made, and is private then', () => {
		expect(makeFolder(join(base, 'made'))).toBe(null);
		expect(makeFolder(join(base, 'made'))).toBe(null);
		expect(makeFolder(join(base, 'missing', 'made'))).toBe('is missing');
	});

	it.each([
		['is open to other users (mode 755)', (path: string) => (mkdirSync(path), chmodSync(path, 0o755))],
		['is open to other users (mode 770)', (path: string) => (mkdirSync(path), chmodSync(path, 0o770))],
		[
			'is a link',
			(path: string) => (mkdirSync(join(base, 'real'), {mode: 0o700}), symlinkSync(join(base, 'real'), path)),
		],
	])('is refused where it %s', (fault, plant) => {
		const folder = join(base, 'planted');
		plant(folder);
		expect([makeFolder(folder), folderFault(folder)]).toEqual([fault, fault]);
	});
});
