import {createHmac} from 'node:crypto';
import {chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {dirname, join} from 'node:path';
import {afterEach, describe, expect, it} from 'vitest';
import {stopHub} from '../../../source/hub/process/ensure.ts';
import {transportTo} from '../../../source/hub/local/transport.ts';
import {connectMailbox} from '../../../source/gateway/connect.ts';
import {fire, placeAgent} from '../../helpers/hook.ts';
import {hear} from '../../helpers/hear.ts';
import {placesIn, startTestHub, temporaryHome, type TestHub} from '../../helpers/hub.ts';
import {Home} from '../../helpers/program.ts';
import {squat} from '../../helpers/squatter.ts';

interface State {
	readonly url: string;
	readonly socket: string | null;
	readonly proof_key: string;
	readonly pid: number;
}

const homes: string[] = [];
afterEach(async () => {
	for (const home of homes.splice(0)) {
		await stopHub(placesIn(home));
		rmSync(home, {recursive: true, force: true});
	}
});

async function start(home: string, env: NodeJS.ProcessEnv = {}): Promise<{hub: TestHub; state: State}> {
	homes.push(home);
	mkdirSync(home, {recursive: true, mode: 0o700});
	const hub = await startTestHub({home, env});
	return {hub, state: stateOf(home)};
}

const stateFile = (home: string): string => join(home, 'state', 'hub.json');
const stateOf = (home: string): State => JSON.parse(readFileSync(stateFile(home), 'utf8')) as State;

function health(options: {socketPath: string} | {port: number}, path = '/health'): Promise<Record<string, unknown>> {
	return new Promise((resolve, reject) => {
		const asked = request({...options, host: '127.0.0.1', path, agent: false}, response => {
			let text = '';
			response.on('data', (chunk: Buffer) => (text += chunk.toString()));
			response.on('end', () => resolve(JSON.parse(text) as Record<string, unknown>));
		});
		asked.on('error', reject).end();
	});
}

/** Writes, reads and subscribes like a program of this user. */
async function works(hub: TestHub, state: State): Promise<void> {
	const mailbox = connectMailbox({
		url: state.url,
		key: hub.anonKey,
		token: hub.tokenFor('CLAUDE_1'),
		transport: transportTo(state),
	});
	try {
		const heard = hear(mailbox);
		await heard.live();
		await mailbox.post({content: '[CLAUDE_1] over here @HOOKED'});
		await heard.until(() => heard.contents.includes('[CLAUDE_1] over here @HOOKED'));
	} finally {
		await mailbox.close();
	}
}

describe('the socket of a hub', () => {
	it('is in its state folder, private to this user, and names the process that answers', async () => {
		const {hub, state} = await start(temporaryHome());
		const path = join(hub.paths.state, 'hub.sock');
		expect(state.socket).toBe(path);
		const modes = [path, dirname(path), stateFile(hub.home)].map(each => (lstatSync(each).mode & 0o777).toString(8));
		expect(modes).toEqual(['600', '700', '600']);
		expect(await health({socketPath: path})).toMatchObject({status: 'ok', pid: hub.pid});
		await works(hub, state);
		await hub.stop({keep: true});
		expect(lstatSync(path, {throwIfNoEntry: false})).toBeUndefined();
	});

	it('is created in a short folder of the user if the path of the home is too long', async () => {
		const home = temporaryHome();
		homes.push(home);
		const deep = join(home, 'x'.repeat(60), 'y'.repeat(60));
		const {hub, state} = await start(deep, {XDG_RUNTIME_DIR: ''});
		expect(state.socket).not.toBe(join(hub.paths.state, 'hub.sock'));
		expect(lstatSync(dirname(state.socket ?? '')).mode & 0o777).toBe(0o700);
		await works(hub, state);
	});

	it('replaces the socket that a killed hub left behind', async () => {
		const home = temporaryHome();
		const {hub: first} = await start(home);
		await first.kill();
		const {hub, state} = await start(home);
		expect(state.socket).toBe(join(hub.paths.state, 'hub.sock'));
		await works(hub, state);
	});

	it('is recreated when somebody removes it', async () => {
		const {hub, state} = await start(temporaryHome());
		rmSync(state.socket ?? '');
		await expect
			.poll(() => lstatSync(state.socket ?? '', {throwIfNoEntry: false})?.isSocket(), {timeout: 30_000, interval: 200})
			.toBe(true);
		await works(hub, stateOf(hub.home));
	});
});

const isRoot = process.getuid?.() === 0;
/** What may be at the path of the socket's folder, by the message about it. */
const squats: readonly (readonly [fault: string, squat: (folder: string) => void])[] = [
	['is open to other users (mode 777)', folder => (mkdirSync(folder), chmodSync(folder, 0o777))],
	['is a link', folder => symlinkSync('/tmp', folder)],
	[
		'belongs to another user (uid 65534)',
		folder => (mkdirSync(folder, {mode: 0o700}), chownSync(folder, 65_534, 65_534)),
	],
];

describe('where no socket can be made', () => {
	/** Neither the home nor the folder for temporary files has room for the path. */
	async function startWithout(): Promise<{hub: TestHub; state: State}> {
		const home = temporaryHome();
		homes.push(home);
		const deep = join(home, 'x'.repeat(60), 'y'.repeat(60));
		mkdirSync(deep, {recursive: true});
		const found = await start(deep, {XDG_RUNTIME_DIR: '', TMPDIR: deep});
		expect(found.state.socket).toBeNull();
		return found;
	}

	it('the hub proves itself by TCP before it is sent a token', async () => {
		const {hub, state} = await startWithout();
		const port = Number(new URL(state.url).port);
		const nonce = 'a-nonce-of-the-client';
		const proof = createHmac('sha256', state.proof_key).update(`${nonce}|${port}`).digest('base64url');
		expect(await health({port}, `/health?challenge=${nonce}`)).toEqual({status: 'ok', proof});
		expect(await health({port}, '/health?challenge=short')).toEqual({status: 'ok'});
		await works(hub, state);
		placeAgent(hub.home, 'HOOKED', {key: hub.anonKey, token: hub.tokenFor('HOOKED')});
		const {stdout} = await fire({home: hub.home, tag: 'HOOKED', event: 'UserPromptSubmit'});
		expect(stdout).toContain('over here');
	});

	it.each(squats.filter(([fault]) => isRoot || !fault.startsWith('belongs')))(
		'because its folder %s, says so, and is reached by TCP',
		async (fault, squatFolder) => {
			const home = temporaryHome();
			homes.push(home);
			const folder = join(home, `agentmux-${process.getuid?.() ?? 'me'}`);
			squatFolder(folder);
			const deep = join(home, 'x'.repeat(60), 'y'.repeat(60));
			const {hub, state} = await start(deep, {XDG_RUNTIME_DIR: '', TMPDIR: home});
			expect(state.socket).toBeNull();
			expect(readFileSync(join(hub.paths.logs, 'hub.log'), 'utf8')).toContain(
				`No socket in ${folder}: it ${fault}. Look who put it there, and remove it.`,
			);
			await works(hub, state);
			const env = {AGENTMUX_HOME: deep, XDG_RUNTIME_DIR: '', TMPDIR: home};
			expect(await Home.at(deep).output(['hub', 'status'], {env})).toMatch(/^socket +none; your programs use TCP/m);
		},
	);

	it('its programs use TCP if the folder of its socket has since been opened to others', async () => {
		const {hub, state} = await start(temporaryHome());
		expect(state.socket).toBe(join(hub.paths.state, 'hub.sock'));
		chmodSync(hub.paths.state, 0o755);
		await works(hub, state);
	});

	it('another program at its address is sent a challenge and nothing else', async () => {
		const {hub, state} = await startWithout();
		await hub.kill();
		const squatter = await squat(Number(new URL(state.url).port));
		try {
			writeFileSync(stateFile(hub.home), JSON.stringify({...state, pid: squatter.pid}));
			placeAgent(hub.home, 'HOOKED', {key: hub.anonKey, token: hub.tokenFor('HOOKED')});
			expect(await fire({home: hub.home, tag: 'HOOKED', event: 'UserPromptSubmit'})).toMatchObject({
				code: 0,
				stdout: '',
			});
			const mailbox = connectMailbox({
				url: state.url,
				key: hub.anonKey,
				token: hub.tokenFor('CLAUDE_1'),
				transport: transportTo(state),
			});
			await expect(mailbox.channels()).rejects.toThrow(
				'cannot be reached: something other than the hub is listening there',
			);
			await mailbox.close();
			await expect(
				transportTo(state).fetch(`${state.url}/rest/v1/messages`, {headers: {apikey: hub.serviceRoleKey}}),
			).rejects.toThrow('fetch failed');
			const said = squatter
				.heard()
				.split('\r\n')
				.filter(line => line !== '' && !line.startsWith('host: 127.0.0.1:'));
			expect(said.length).toBeGreaterThan(1);
			for (const line of said) expect(line).toMatch(/^GET \/health\?challenge=[\w-]{32} HTTP\/1\.1$/);
			expect(readFileSync(join(hub.paths.logs, 'hook.log'), 'utf8')).toContain('A program other than the hub answers');
		} finally {
			await squatter.stop();
		}
	});
});
