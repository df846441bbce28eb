import {WebSocket} from 'ws';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Attempt} from '../attack.ts';
import type {Target} from '../target.ts';
import {published, roles, tables, type Role} from './expected.ts';
import {tagOf, type Tokens} from './rest.ts';

type Frame = [unknown, unknown, string, string, {[key: string]: unknown}];

/** The tables whose rows reached a socket that subscribed to all of them. */
class Listener {
	readonly heard = new Set<string>();
	readonly answered = new Set<string>();
	readonly #socket: WebSocket;
	closed = false;

	constructor(target: Target, token: string, names: readonly string[]) {
		const {url, anonKey} = target.hub;
		this.#socket = new WebSocket(`${url.replace('http', 'ws')}/realtime/v1/websocket?vsn=2.0.0&apikey=${anonKey}`);
		this.#socket.on('error', () => undefined);
		this.#socket.on('close', () => (this.closed = true));
		this.#socket.on('open', () => {
			for (const name of [...names, '*']) {
				const [schema, table] = name === '*' ? ['*', '*'] : ['public', name];
				const binding = {event: '*', schema, table};
				const config = {postgres_changes: [binding], presence: {enabled: false}};
				this.#send(name, name, `realtime:rights-${name}`, 'phx_join', {config, access_token: token});
			}
		});
		this.#socket.on('message', (data: Buffer, binary) => {
			if (binary) return;
			const [, ref, topic, event, payload] = JSON.parse(data.toString('utf8')) as Frame;
			if (event === 'system' || (event === 'phx_reply' && payload['status'] === 'error')) this.answered.add(topic);
			if (event === 'phx_reply' && typeof ref === 'string') this.answered.add(`reply ${ref}`);
			if (event !== 'postgres_changes') return;
			const {table, record, old_record} = payload['data'] as {table: string; record?: object; old_record?: object};
			if (Object.keys({...old_record, ...record}).length > 0) this.heard.add(table);
		});
	}

	#send(...frame: Frame): void {
		this.#socket.send(JSON.stringify(frame));
	}

	/** Resolves when everything that was sent before is answered. */
	async settled(): Promise<void> {
		const ref = `beat ${this.answered.size}`;
		this.#send(null, ref, 'phoenix', 'heartbeat', {});
		await until(() => this.closed || this.answered.has(`reply ${ref}`));
	}

	close(): void {
		this.#socket.close();
	}
}

/** Every table, as every role, over Realtime: a subscriber receives only rows that it may read. */
export async function listenRealtime(target: Target, {tally}: Pick<Attempt, 'tally'>, tokens: Tokens): Promise<void> {
	const names = Object.keys(tables);
	const listeners = new Map<Role, Listener>();
	for (const role of roles) listeners.set(role, new Listener(target, tokens[role], names));
	const joined = (listener: Listener): boolean =>
		listener.closed || names.every(name => listener.answered.has(`realtime:rights-${name}`));
	await until(() => [...listeners.values()].every(joined));
	await change(target);
	const entitled = [...listeners].filter(([role]) => ['agent', 'human', 'service'].includes(role));
	await until(() => entitled.every(([, {heard}]) => published.every(name => heard.has(name)))).catch(() => undefined);
	for (const [role, listener] of listeners) {
		if (!listener.closed) await listener.settled();
		for (const name of names) {
			const expected = published.includes(name) && (tables[name]?.may[role] ?? '').includes('s');
			const heard = listener.heard.has(name);
			if (heard === expected) {
				if (!heard) tally.refuse();
			} else tally.breach(`Realtime, ${target.engine}: ${role} ${heard ? 'hears' : 'does not hear'} of ${name}`);
		}
		listener.close();
	}
}

/** A change in each table that Realtime reports. */
async function change(target: Target): Promise<void> {
	const tag = tagOf('agent');
	await target.owner(`
		insert into messages (content) values ('[${tag}] heard by those who may @${tag}');
		insert into tasks (title) values ('heard by those who may');
		update agents set role = 'heard' where tag = '${tag}';
		insert into receipts (message_id, reader) select max(id), '${tag}' from messages on conflict do nothing`);
}

async function until(condition: () => boolean): Promise<void> {
	for (let waited = 0; !condition(); waited += 20) {
		if (waited > 20_000) throw new Error('waited in vain');
		await sleep(20);
	}
}
