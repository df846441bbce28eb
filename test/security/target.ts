import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {PlayedAgent} from '../helpers/agent.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {startPostgres} from '../helpers/postgres.ts';
import {cli, Home} from '../helpers/program.ts';

export type Engine = 'PGlite' | 'PostgreSQL';

/** What an HTTP request to the hub was answered. */
export interface Answer {
	readonly status: number;
	readonly text: string;
	readonly json: unknown;
}

/** A home with a running hub of the built program, and what an attacker and a witness need of it. */
export class Target {
	readonly engine: Engine;
	readonly home: Home;
	readonly hub: TestHub;
	readonly #agents: PlayedAgent[] = [];
	readonly #stopDatabase: () => Promise<void>;

	private constructor(engine: Engine, home: Home, hub: TestHub, stopDatabase: () => Promise<void>) {
		this.engine = engine;
		this.home = home;
		this.hub = hub;
		this.#stopDatabase = stopDatabase;
	}

	static async start(engine: Engine): Promise<Target> {
		const home = await Home.make({name: 'agentmux-security-'});
		const server = engine === 'PGlite' ? null : await startPostgres();
		const env = {...home.env(), ...(server === null ? {} : {AGENTMUX_DATABASE_URL: server.connectionString})};
		const hub = await startTestHub({home: home.path, cli, env});
		return new Target(engine, home, hub, async () => server?.stop());
	}

	/** Joins an agent in a folder of its own; plays its client there. */
	async join(tag: string, ...flags: string[]): Promise<{readonly folder: string; readonly agent: PlayedAgent}> {
		const folder = join(this.home.path, `folder of ${tag}`);
		mkdirSync(folder, {recursive: true});
		await this.home.output(['join', tag, '--dir', folder, ...flags]);
		const agent = new PlayedAgent(this.home, folder);
		this.#agents.push(agent);
		return {folder, agent};
	}

	/** One request with that token, or with none. */
	async ask(token: string | null, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
		const keys = token === null ? {} : {apikey: this.hub.anonKey, authorization: `Bearer ${token}`};
		const response = await fetch(`${this.hub.url}${path}`, {
			method,
			headers: {...keys, ...(body === undefined ? {} : {'content-type': 'application/json'}), ...headers},
			...(body === undefined ? {} : {body: typeof body === 'string' ? body : JSON.stringify(body)}),
			signal: AbortSignal.timeout(120_000),
		});
		const text = await response.text();
		return {status: response.status, text, json: parsed(text)};
	}

	/** The same home, whose hub answers elsewhere or has other keys now. */
	at(changed: Pick<TestHub, 'url' | 'anonKey' | 'serviceRoleKey'>): Target {
		return new Target(this.engine, this.home, {...this.hub, ...changed}, this.#stopDatabase);
	}

	/** As the owner, who sees everything: what an attack has changed. Throws what the database refused. */
	async owner<Row = Record<string, unknown>>(query: string): Promise<Row[]> {
		const {status, text, json} = await this.ask(this.hub.serviceRoleKey, 'POST', '/v1/projects/local/database/query', {
			query,
		});
		if (status !== 201) throw new Error(`${text} in ${query.slice(0, 200)}`);
		return json as Row[];
	}

	async stop(): Promise<void> {
		await Promise.all(this.#agents.map(agent => agent.close()));
		await this.hub.stop({keep: true});
		await this.#stopDatabase();
		await this.home.dispose();
	}
}

/** One target for each engine, which attacks share that leave it as it was. */
export class Targets {
	readonly #started = new Map<Engine, Promise<Target>>();

	shared(engine: Engine): Promise<Target> {
		const target = this.#started.get(engine) ?? Target.start(engine);
		this.#started.set(engine, target);
		return target;
	}

	/** One that is spoiled by what is done to it, and ended after that. */
	async alone(engine: Engine, work: (target: Target) => Promise<void>): Promise<void> {
		const target = await Target.start(engine);
		try {
			await work(target);
		} finally {
			await target.stop();
		}
	}

	async stop(): Promise<void> {
		for (const target of this.#started.values()) await (await target).stop();
	}
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return null;
	}
}
