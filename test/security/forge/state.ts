import type {Target} from '../target.ts';

/** What a forger would change, as the owner sees it; two are the same when nothing of it was changed. */
export type State = Readonly<Record<string, unknown>>;

/** `me`: the forger's tag; `last`: the id of the newest message when it began. */
export async function stateOf(target: Target, me: string, last: number): Promise<State> {
	const [state] = await target.owner<State>(query(me, last));
	return state ?? {};
}

/** The parts that differ. */
export function difference(one: State, other: State): string[] {
	return Object.keys({...one, ...other}).filter(key => JSON.stringify(one[key]) !== JSON.stringify(other[key]));
}

/** An agent's own tables in `public` are its own to make and drop. */
const notMine = (owner: string): string => `pg_get_userbyid(${owner}) !~ '^agent_'`;
const digest = (row: string, from: string): string =>
	`(select md5(coalesce(string_agg(r::text, ' ' order by r::text), '')) from (select ${row} as r from ${from}) as rows)`;

function query(me: string, last: number): string {
	return `select
		${digest('row(id, content, author_tag, author_kind, verified, reply_to, created_at, meta)', `messages where id between 0 and ${last}`)} as "the messages that were there",
		(select count(*)::int from messages where (id > ${last} or id < 0) and verified and (author_tag <> '${me}' or author_kind <> 'agent'))
			as "messages under another name",
		(select count(*)::int from messages where (id > ${last} or id < 0) and verified and upper(tag) <> '${me}') as "messages under another tag",
		(select last_value >= ${last} from messages_id_seq) as "the ids of messages",
		${digest('row(message_id, reader, state, acked_at)', `receipts where reader <> '${me}'`)} as "the receipts of others",
		${digest('row(tag, kind, revoked_at)', 'agents')} as "who takes part",
		${digest('row(tag, presence, role)', `agents where tag <> '${me}'`)} as "the presence of others",
		${digest('row(id, title, status, lease_owner, assignee, created_by)', 'tasks')} as tasks,
		${digest('row(reader, xid, id)', `cursors where reader <> '${me}'`)} as "the cursors of others",
		${digest('m', 'mux_meta m')} as "the history's name",
		${digest('row(version, name)', 'supabase_migrations.schema_migrations')} as migrations,
		${digest('row(rolname, rolsuper, rolbypassrls, rolcreaterole, rolcanlogin)', `pg_roles where rolname !~ '^agent_.'`)} as roles,
		${digest('row(roleid::regrole, member::regrole, admin_option)', 'pg_auth_members')} as memberships,
		${digest('row(oid, relname, relowner, relacl, relrowsecurity, relforcerowsecurity, relkind)', `pg_class where ${notMine('relowner')} and relpersistence <> 't' and relnamespace <> 'pg_toast'::regnamespace`)} as relations,
		${digest('row(oid, proname, proowner, prosrc, proacl, prosecdef, proconfig)', `pg_proc where proname !~ '^agent_run|^run_agent'`)} as functions,
		${digest('row(tgrelid, tgname, tgenabled)', `pg_trigger where not tgisinternal`)} as triggers,
		${digest('row(polname, polrelid, polqual, polwithcheck)', `pg_policy p join pg_class c on c.oid = p.polrelid where ${notMine('c.relowner')}`)} as policies,
		${digest('row(rulename, ev_class)', `pg_rewrite`)} as rules,
		${digest('row(prpubid, prrelid)', 'pg_publication_rel')} as "what is published",
		${digest('row(oid, nspname, nspowner, nspacl)', `pg_namespace where nspname !~ '^pg_(toast_)?temp'`)} as schemas,
		${digest('row(extname)', 'pg_extension')} as extensions,
		${digest('row(spcname)', 'pg_tablespace')} as tablespaces,
		${digest('row(datname, datacl)', 'pg_database')} as databases,
		${digest('row(setdatabase, setrole, setconfig)', 'pg_db_role_setting')} as "settings of roles",
		(select count(*)::int from pg_event_trigger) as "event triggers",
		(select count(*)::int from pg_largeobject_metadata) as "large objects",
		(select count(*)::int from pg_class where relpersistence = 't' and relkind in ('r', 'v', 'S')) as "temporary tables",
		(select count(*)::int from pg_cursors where is_holdable) as "open cursors",
		(select count(*)::int from pg_prepared_statements where name = 'mine') as "prepared statements",
		(select count(*)::int from pg_locks where locktype = 'advisory' and objid = 1 and classid = 0) as "advisory locks",
		current_user::text as role, session_user::text as session, current_setting('search_path') as "search path",
		coalesce(current_setting('request.jwt.claims', true), '') not like '%HUMAN%' as claims`;
}
