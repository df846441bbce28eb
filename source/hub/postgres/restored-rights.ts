import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import {HubError} from '../files/error.ts';
import type {Log} from '../files/log.ts';
import {readSql} from '../files/read-sql.ts';

// Roles are not part of a dump: in a cluster that lacks them psql leaves out the rights and the policies that are for them, and goes
// on. One of each kind stands for all.
const rights = readSql(new URL('restored-rights.sql', import.meta.url));

// Without its role that function belongs to who restored it, and would read as that one. As in supabase/migrations, agent_sql.
const reader = readSql(new URL('result-reader.sql', import.meta.url));

/**
 * Throws HubError for a mailbox that was restored without what those who take part may do. The roles of requests have to be there;
 * the others of the mailbox are there from then on.
 */
export async function checkRights(database: Database, name: string): Promise<void> {
	const [result] = await database.run(owner, [{text: rights}]);
	const [found] = result?.rows ?? [];
	if (found === undefined) return;
	await database.run(owner, [{text: reader}]);
	if (found['whole'] === true) return;
	const [making] = await database.run(owner, [
		{text: `select to_regprocedure('agentmux.make_agent_role(text)') is not null as may`},
	]);
	if (making?.rows[0]?.['may'] === true) {
		await database.run(owner, [{text: 'select agentmux.make_agent_role(r.tag) from agentmux.agent_roles as r'}]);
	}
	throw new HubError(
		`The mailbox in ${name} was restored without its rights and policies: the roles that they are for did not exist.`,
		'They exist now. Restore the dump again, into an empty database, and start the hub with that one.',
	);
}

const lost = readSql(new URL('lost-tables.sql', import.meta.url));

/**
 * Gives the tables of agents back, which belong to who restored them where the roles of the agents did not exist. Says so, and of
 * which tables it cannot tell whose they were.
 */
export async function giveTablesBack(database: Database, log: Log): Promise<void> {
	const [result] = await database.run(owner, [{text: lost}]);
	const unknown: string[] = [];
	for (const {table, alter, tag, role} of (result?.rows ?? []) as unknown as readonly Lost[]) {
		if (tag === null || role === null) {
			unknown.push(table);
			continue;
		}
		const quotedRole = `"${role.replaceAll('"', '""')}"`;
		await database.run(owner, [
			{text: 'select agentmux.make_agent_role($1)', values: [tag]},
			{text: `${alter} ${quotedRole}`},
		]);
		log(`The table ${table} belongs to ${tag} again; it was restored without that agent's role.`);
	}
	if (unknown.length === 0) return;
	log(
		`These tables were made by agents, and the dump that they were restored from does not say by which: ${unknown.join(', ')}. Give one back with: alter table NAME owner to "agent_TAG".`,
	);
}

interface Lost {
	readonly table: string;
	/** The beginning of the statement that gives it another owner. */
	readonly alter: string;
	readonly tag: string | null;
	readonly role: string | null;
}
