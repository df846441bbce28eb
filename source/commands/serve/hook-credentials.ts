import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {dial, type HubAddress} from '../../hub/local/dial.ts';
import {readOwnFile} from '../../hub/files/whole-file.ts';
import {updateToken, readCredentials} from '../../join/files/credentials-file.ts';
import type {RpcOptions} from '../../join/hook/rpc.ts';
import {readKeptToken} from '../../join/kept-token.ts';
import {addressFault} from '../../mailbox/address.ts';
import type {Tag} from '../../mailbox/tag.ts';
import type {Paths} from '../../paths.ts';

/** What a hook knows beside the files. */
interface Surroundings {
	readonly env: NodeJS.ProcessEnv;
	/** Milliseconds until the hook gives up. */
	readonly left: () => number;
}

/** Milliseconds that a request takes at least: with less left, there is nothing to wait for. */
const minTime = 40;

/** Chooses like loadConfig does for the agent's MCP server: the environment's Supabase first, then the one that join used. */
export async function hookCredentials({data, state}: Paths, tag: Tag, {env, left}: Surroundings): Promise<RpcOptions> {
	const credentials = readCredentials(data, tag);
	const named = env['SUPABASE_URL']?.trim() ?? '';
	const url = named === '' ? (credentials?.url ?? null) : named;
	if (url !== null) {
		const fault = addressFault(url);
		if (fault !== null) throw new Error(`the address of its Supabase project ${fault}`);
		// The key that join kept is only for the address that it kept.
		const key = keyIn(env) ?? (named === '' ? (credentials?.key ?? null) : null);
		if (key === null)
			throw new Error('a Supabase project is configured, but the client has no key for it in its environment');
		const {account = null} = credentials ?? {};
		if (account === null || account.url !== url) return {url, key, tag};
		return {url, key, token: await tokenOf(state, tag, account.id, left), tag};
	}
	if (credentials === null) throw new Error(`${tag} has not joined here: run \`agentmux join ${tag}\` in its folder`);
	if (credentials.token === null || credentials.key === null) {
		throw new Error(`${tag} joined a Supabase project, but SUPABASE_URL is not set where the client runs`);
	}
	const hub = await hubOf(state, left);
	const {key, token} = credentials;
	const keep = (next: string) => updateToken(data, tag, token, {key, token: next});
	return {url: hub.url, key, token, tag, dial: () => dial(hub), keep};
}

/**
 * The token that the agent's server or a command keeps. Signing in takes longer than a hook may, so this only waits: at the start
 * of a session the server may be signing in just now.
 */
async function tokenOf(state: string, tag: Tag, account: string, left: () => number): Promise<string> {
	for (;;) {
		const kept = readKeptToken(state, tag, account);
		if (kept !== null) return kept.token;
		if (left() < minTime) {
			throw new Error('it has not signed in yet: its mailbox server does that when the client starts it');
		}
		await new Promise(resolve => {
			setTimeout(resolve, 10);
		});
	}
}

function keyIn(env: NodeJS.ProcessEnv): string | null {
	const found = ['SECRET', 'SERVICE_ROLE', 'PUBLISHABLE', 'ANON']
		.map(name => env[`SUPABASE_${name}_KEY`]?.trim())
		.find(key => key !== undefined && key !== '');
	return found ?? null;
}

/** The running hub. If its file is damaged and its socket exists, waits for the hub to rewrite the file. */
async function hubOf(state: string, left: () => number): Promise<HubAddress> {
	for (;;) {
		const hub = readHub(state);
		if (hub !== null && isAlive(hub.pid)) return hub;
		if (hub !== null || left() < minTime || !existsSync(join(state, 'hub.sock'))) {
			// None has run, it was stopped, or it died.
			throw new Error('the hub is not running: start it with `agentmux hub start`');
		}
		await new Promise(resolve => {
			setTimeout(resolve, 10);
		});
	}
}

/** Does not use the hub's own reader, which would load more code. Null if the file is missing or damaged. */
function readHub(state: string): (HubAddress & {readonly pid: number}) | null {
	try {
		const {url, socket, proof_key, pid} = JSON.parse(readOwnFile(join(state, 'hub.json'))) as {
			readonly [name in keyof HubAddress | 'pid']?: unknown;
		};
		const isComplete = typeof url === 'string' && typeof proof_key === 'string' && typeof pid === 'number';
		return isComplete && (typeof socket === 'string' || socket === null) ? {url, socket, proof_key, pid} : null;
	} catch {
		return null;
	}
}

/** Whether the process exists. If not, its port may belong to another program by now. */
function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
}
