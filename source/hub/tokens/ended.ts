import {setTimeout as sleep} from 'node:timers/promises';
import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import {json, type Caller, type Handler, type HubRequest, type HubResponse} from '../http/http.ts';
import type {HubPaths} from '../files/paths.ts';
import {agentIn} from './claims.ts';
import {endRemembered, rememberEnded} from './ended-file.ts';
import {readSql} from '../files/read-sql.ts';

/** Why a token is refused that is signed and has not expired. */
export interface Ended {
	readonly status: 401 | 403;
	readonly code: string;
	readonly message: string;
	readonly hint: string;
}

const read = readSql(new URL('ended.sql', import.meta.url));

/**
 * A copy of what the database knows about ended tokens, so that no request waits for a query. The database checks tokens itself
 * in its policies and functions; this copy covers the rest: broadcasts, users' own tables, open sockets.
 */
export class EndedTokens {
	readonly #database: Database;
	readonly #places: HubPaths;
	#generations = new Map<string, number>();
	#tokens = new Set<string>();
	#revoked = new Set<string>();
	#remembered = JSON.stringify([{}, []]);
	#reading: Promise<void> | null = null;
	#isStale = false;
	#isOver = false;
	/** Called when more tokens may have ended. */
	onMore: () => void = () => undefined;
	/** Called before a request that may have ended tokens is answered: what those callers have under way is to end first. */
	onHeeded: (request: HubRequest) => Promise<void> = async () => undefined;

	/** `places`: the home whose keys sign the tokens. */
	constructor(database: Database, paths: HubPaths) {
		this.#database = database;
		this.#places = paths;
	}

	/**
	 * Reads what has ended, and reads it again on each announcement of the database. Resolves with the function that stops this. Rejects
	 * as the database does.
	 */
	async follow(): Promise<() => Promise<void>> {
		const unlisten = await this.#database.listen(channel, text => {
			if (isAboutTokens(text)) void this.refresh();
		});
		await endRemembered(this.#places, this.#database);
		await this.#load();
		return async () => {
			this.#isOver = true;
			await unlisten();
		};
	}

	/** Reads it again, and retries until that succeeds. */
	async refresh(): Promise<void> {
		this.#isStale = true;
		this.#reading ??= this.#read().finally(() => {
			this.#reading = null;
		});
		await this.#reading;
	}

	async #read(): Promise<void> {
		while (this.#isStale && !this.#isOver) {
			this.#isStale = false;
			try {
				await this.#load();
				this.onMore();
			} catch {
				this.#isStale = true;
				await sleep(retryAfter, undefined, {ref: false});
			}
		}
	}

	async #load(): Promise<void> {
		const [result] = await this.#database.run(owner, [{text: read}]);
		const {generations, tokens, revoked} = result?.rows[0] ?? {};
		const byTag = JSON.parse(String(generations)) as Record<string, number>;
		const ids = JSON.parse(String(tokens)) as string[];
		this.#generations = new Map(Object.entries(byTag));
		this.#tokens = new Set(ids);
		this.#revoked = new Set((JSON.parse(String(revoked)) as string[]).map(fold));
		const news = JSON.stringify([byTag, ids]);
		if (news === this.#remembered) return;
		try {
			rememberEnded(this.#places, {generations: byTag, tokens: ids});
			this.#remembered = news;
		} catch {
			// A full disk: the database has it, and the next change tries again.
		}
	}

	/** Answers what may end tokens when this hub knows of it and nothing of them goes on, so that whoever asked can rely on it. */
	heeded(handle: Handler, mayEnd: (request: HubRequest) => boolean): Handler {
		return async request => {
			const response = await handle(request);
			if (!mayEnd(request)) return response;
			await this.#refreshInTime();
			await this.onHeeded(request);
			return response;
		};
	}

	/** Not forever: the database may be away. */
	async #refreshInTime(): Promise<void> {
		await Promise.race([this.refresh(), sleep(retryAfter, undefined, {ref: false})]);
	}

	/** As find, but reads again before it refuses, so that an agent that was just restored is not turned away. */
	async findNow(caller: Caller): Promise<Ended | null> {
		if (this.find(caller) === null) return null;
		await this.#refreshInTime();
		return this.find(caller);
	}

	/** Null if the caller's token has not ended. */
	find({role, claims}: Caller): Ended | null {
		if (role !== 'authenticated') return null;
		const {agent_tag: named} = (claims['app_metadata'] ?? {}) as {readonly agent_tag?: unknown};
		if (typeof named !== 'string') return null;
		if (this.#revoked.has(fold(named))) return revoked(named);
		const {iss, jti, sid} = claims;
		const agent = agentIn(claims);
		const isEnded =
			(iss === 'agentmux' && [jti, sid].some(id => typeof id === 'string' && this.#tokens.has(id))) ||
			(agent !== null && agent.gen < (this.#generations.get(fold(named)) ?? 0));
		return isEnded ? ended(named) : null;
	}
}

const channel = 'agentmux';
/** Milliseconds. */
const retryAfter = 1000;

/** Other things are announced on the channel, too. */
function isAboutTokens(text: string): boolean {
	try {
		const notice: unknown = JSON.parse(text);
		return typeof notice === 'object' && notice !== null && 'kind' in notice && notice.kind === 'tokens';
	} catch {
		return false;
	}
}

/** A response like PostgREST's. */
export function endedResponse({status, code, message, hint}: Ended): HubResponse {
	return json(status, {code, details: null, hint, message});
}

/** With the same messages as the database (agentmux.me). */
export function revoked(tag: string): Ended {
	return {
		status: 403,
		code: '42501',
		message: `${tag} has been revoked`,
		hint: `A human can restore it: \`agentmux agents restore ${tag}\`.`,
	};
}

export function ended(tag: string): Ended {
	return {
		status: 401,
		code: 'PGRST303',
		message: `this token of ${tag} was ended`,
		hint: `Run \`agentmux join ${tag}\` in its folder to get a new one.`,
	};
}

function fold(tag: string): string {
	return tag.toUpperCase();
}
