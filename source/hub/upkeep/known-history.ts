import {join} from 'node:path';
import {owner} from '../schema/bootstrap.ts';
import {DatabaseAway, type Database} from '../database/database.ts';
import type {Log} from '../files/log.ts';
import {readJsonFile, writePrivateFile} from '../files/private-file.ts';
import {readSql} from '../files/read-sql.ts';

/** The newest message of a database when this machine last looked. These columns never change, not even by redaction. */
interface Newest {
	/** `embedded`, or `user@host:port/database`. */
	readonly place: string;
	readonly epoch: string;
	readonly xid: string;
	readonly id: number;
	/** When it was written: microseconds since 1970. */
	readonly at: string;
}

/** Milliseconds between two checks. */
const every = 10_000;
/** The maximum number of databases; the oldest are dropped. */
const most = 20;

const newestQuery = readSql(new URL('newest.sql', import.meta.url));

/** If several hubs notice it, the first one changes the epoch. */
const renewal = readSql(new URL('new-epoch.sql', import.meta.url));

/** The first hub to notice it does it; see supabase/migrations, restored_xids. */
const adoption = 'select agentmux.adopt_xids() as adopted';

export interface KnownHistoryOptions {
	readonly log: Log;
	/** Whether the folder still belongs to this hub and has room. */
	readonly mayWrite: () => boolean;
}

export interface KnownHistory {
	/** Checks that the message that was the newest still exists; if not, gives the database a new epoch. */
	look(): Promise<void>;
	/** Checks once more and stops. */
	end(): Promise<void>;
}

/**
 * Records the newest message of the database in a file in `state`, outside the database. If that message is gone later, an older copy
 * of the database was restored or a standby took over: the history was replaced. Numbers that belong to the former history (what was
 * read, where the chain of hashes ended) do not apply to the new one, so it gets a new epoch. Followers notice a replaced history by
 * themselves, and sooner.
 */
export function knownHistory(
	database: Database,
	place: string,
	state: string,
	{log, mayWrite}: KnownHistoryOptions,
): KnownHistory {
	const file = join(state, 'newest.json');
	let known = read(file).find(newest => newest.place === place) ?? null;
	let working: Promise<void> = Promise.resolve();

	const work = async (): Promise<void> => {
		const [restored] = await database.run(owner, [{text: adoption}]);
		if (restored?.rows[0]?.['adopted'] === true) {
			log(
				'The database was restored from a dump of another server, whose transaction numbers were higher. This is another history now; new messages follow those that were restored.',
			);
		}
		if (known !== null) {
			const {epoch, id, xid, at} = known;
			const [renewed] = await database.run(owner, [{text: renewal, values: [epoch, id, xid, at]}]);
			if (renewed?.rows.length === 1) {
				log(
					`Message #${id}, the newest one, is gone: an older copy of the database was restored, or the server lost its latest writes. This is another history now.`,
				);
			}
		}
		const [found] = await database.run(owner, [{text: newestQuery}]);
		const row = found?.rows[0] as Omit<Newest, 'place'> | undefined;
		const newest = row === undefined ? null : {place, ...row};
		if (newest === null || (known !== null && isSame(newest, known)) || !mayWrite()) return;
		known = newest;
		const others = read(file).filter(other => other.place !== place);
		writePrivateFile(file, `${JSON.stringify({databases: [...others, newest].slice(-most)}, null, '\t')}\n`);
	};
	const look = (): Promise<void> => (working = working.catch(() => undefined).then(work));
	const lookQuietly = (): Promise<void> =>
		look().catch((error: unknown) => {
			if (error instanceof DatabaseAway) return;
			log(`The newest message cannot be remembered: ${error instanceof Error ? error.message : String(error)}`);
		});
	const timer = setInterval(() => void lookQuietly(), every);
	return {
		look: lookQuietly,
		async end() {
			clearInterval(timer);
			await lookQuietly();
		},
	};
}

function isSame(one: Newest, other: Newest): boolean {
	return one.epoch === other.epoch && one.xid === other.xid && one.id === other.id && one.at === other.at;
}

/** Empty if the file is missing or damaged; it is then written again. */
function read(file: string): Newest[] {
	try {
		const databases: unknown = readJsonFile(file)?.['databases'];
		return Array.isArray(databases) ? databases.filter(isNewest) : [];
	} catch {
		return [];
	}
}

function isNewest(value: unknown): value is Newest {
	if (typeof value !== 'object' || value === null) return false;
	const {place, epoch, xid, id, at} = value as Partial<Record<keyof Newest, unknown>>;
	return [place, epoch, xid, at].every(text => typeof text === 'string') && Number.isSafeInteger(id);
}
