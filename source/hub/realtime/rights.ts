import type {Database} from '../database/database.ts';
import {ownScope} from './catalog.ts';
import type {SubscriberRole} from './changed-rows.ts';
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

/** The rights on a private channel, by the policies of realtime.messages. `topic`: without `realtime:`. */
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

/** What `privateRights` needs. */
interface RightsSource {
	readonly database: Database;
	mayReadPrivate(role: string): Promise<boolean>;
}

/** As readRights, but without a query for roles that no policy lets read any private channel. */
export async function privateRights(context: RightsSource, name: string, subscriber: SubscriberRole): Promise<Rights> {
	return (await context.mayReadPrivate(subscriber.role)) ? readRights(context.database, name, subscriber) : noRights;
}

export interface StoredMessage {
	readonly id: string;
	readonly event: JsonText;
	readonly payload: JsonText;
}

const newestQuery = readSql(new URL('sql/stored-messages.sql', import.meta.url));
const oneQuery = readSql(new URL('sql/stored-message.sql', import.meta.url));

/** The newest stored broadcasts of a private topic from `since` on (milliseconds since 1970), oldest first. */
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

/** A stored broadcast that was too large for its notice. */
export async function storedMessage(
	database: Database,
	id: string,
): Promise<{topic: string; event: JsonText; payload: JsonText} | null> {
	const [result] = await database.run(ownScope, [{text: oneQuery, values: [id]}]);
	const row = result?.rows[0];
	if (row === undefined) return null;
	return {topic: String(row['topic']), event: String(row['event']), payload: String(row['payload'])};
}
