import type {Database} from '../database/database.ts';
import {ownScope} from './catalog.ts';
import type {SubscriberRole} from './change-rows.ts';
import type {JsonText} from './json-text.ts';
import {readSql} from '../files/read-sql.ts';

interface Extensions {
	readonly broadcast: boolean;
	readonly presence: boolean;
}

/** What a token may do on a channel. */
export interface Rights {
	readonly read: Extensions;
	readonly write: Extensions;
}

/** On public channels. */
export const allRights: Rights = {read: {broadcast: true, presence: true}, write: {broadcast: true, presence: true}};

/** By the policies of realtime.messages for a private channel; `topic` without `realtime:`. */
export async function readRights(database: Database, topic: string, {role, claims}: SubscriberRole): Promise<Rights> {
	const text = 'select * from realtime.channel_rights($1::text, $2::text, $3::text)';
	const [result] = await database.run(ownScope, [{text, values: [topic, role, claims]}]);
	const row = result?.rows[0];
	const may = (name: string): boolean => row?.[name] === true;
	return {
		read: {broadcast: may('read_broadcast'), presence: may('read_presence')},
		write: {broadcast: may('write_broadcast'), presence: may('write_presence')},
	};
}

const noRights: Rights = {
	read: {broadcast: false, presence: false},
	write: {broadcast: false, presence: false},
};

/** Whom to ask about private channels. */
interface Asked {
	readonly database: Database;
	mayReadPrivate(role: string): Promise<boolean>;
}

/** What a role that no policy lets read any private channel may do there is not asked of the database. */
export async function privateRights(server: Asked, name: string, subscriber: SubscriberRole): Promise<Rights> {
	return (await server.mayReadPrivate(subscriber.role)) ? readRights(server.database, name, subscriber) : noRights;
}

export interface StoredMessage {
	readonly id: string;
	readonly event: JsonText;
	readonly payload: JsonText;
}

const newestQuery = readSql(new URL('sql/stored-messages.sql', import.meta.url));
const oneQuery = readSql(new URL('sql/stored-message.sql', import.meta.url));

/** The newest broadcasts of a private topic that the database holds from `since` on (milliseconds since 1970), oldest first. */
export async function storedMessages(
	database: Database,
	topic: string,
	{since, limit}: {readonly since: number; readonly limit: number},
): Promise<StoredMessage[]> {
	const [result] = await database.run(ownScope, [{text: newestQuery, values: [topic, String(since), String(limit)]}]);
	return (result?.rows ?? [])
		.map(({id, event, payload}) => ({id: String(id), event: String(event), payload: String(payload)}))
		.reverse();
}

/** One broadcast that was too large for its notice. */
export async function storedMessage(
	database: Database,
	id: string,
): Promise<{topic: string; event: JsonText; payload: JsonText} | null> {
	const [result] = await database.run(ownScope, [{text: oneQuery, values: [id]}]);
	const row = result?.rows[0];
	if (row === undefined) return null;
	return {topic: String(row['topic']), event: String(row['event']), payload: String(row['payload'])};
}
