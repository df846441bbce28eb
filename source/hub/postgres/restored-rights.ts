import {owner} from '../schema/bootstrap.ts';
import type {Database} from '../database/database.ts';
import {HubError} from '../files/error.ts';
import type {Log} from '../files/log.ts';

// Roles are not part of a dump: in a cluster that lacks them psql leaves out the rights and the policies that are for them, and goes
// on. One of each kind stands for all.
const rights = `
	select coalesce(
		has_table_privilege('authenticated', m.oid, 'select') and has_any_column_privilege('authenticated', m.oid, 'insert')
		and has_table_privilege('service_role', m.oid, 'insert')
		and has_schema_privilege('authenticated', 'public', 'usage')
		and has_function_privilege('authenticated', to_regprocedure('public.mux_me()'), 'execute')
		and exists (select from pg_policy as p where p.polrelid = m.oid and p.polname = 'messages_read'), false) as whole
	from pg_class as m where m.oid = to_regclass('public.messages')`;

// Without its role that function belongs to who restored it, and would read as that one. As in supabase/migrations, agent_sql.
const reader = `
	do $$
	declare
		found_table regclass;
	begin
		if to_regrole('result_reader') is not null or not exists (
			select from pg_proc as p where p.oid = to_regprocedure('agentmux.read_as_nobody(text, int)') and p.prosecdef
		) then
			return;
		end if;
		create role result_reader nologin;
		grant authenticated to result_reader;
		execute format('grant result_reader to %I', current_user);
		grant usage on schema public to result_reader;
		grant create on schema agentmux to result_reader;
		alter function agentmux.read_as_nobody(text, int) owner to result_reader;
		revoke create on schema agentmux from result_reader;
		for found_table in select p.polrelid from pg_policy as p where p.polname = 'agent_results' loop
			execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
			execute format('grant select on %s to result_reader', found_table);
		end loop;
	end $$`;

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

const lost = `
	select c.relname as table, format('alter table public.%I owner to', c.relname) as alter, r.tag, r.role
	from pg_class as c
	join pg_policy as p on p.polrelid = c.oid and p.polname = 'agent_results'
	left join agentmux.agent_roles as r on r.role = substring(obj_description(p.oid, 'pg_policy') from '^table of (.+)$')
	where c.relnamespace = 'public'::regnamespace and pg_get_userbyid(c.relowner) = current_user
	order by c.relname`;

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
