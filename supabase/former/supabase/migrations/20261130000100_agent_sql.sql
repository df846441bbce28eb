-- SQL of an agent's own. Each agent has a role in the database, so that PostgreSQL itself says what it may: read what those
-- who take part read, insert messages under its own tag, call our functions, and have tables of its own in `public` that
-- the others read.
--
-- A role that was set can be reset, and claims are a setting that SQL can change. So a statement runs inside a security
-- definer function that belongs to the agent's role: there PostgreSQL refuses SET ROLE and its kin, ALTER SYSTEM, COPY
-- PROGRAM and transaction control. And who it is stands in a private table, under the id of the transaction.

create schema if not exists agentmux;
revoke all on schema agentmux from public;

-- Whose SQL a transaction runs. Ids of transactions begin again in a database that was dumped and restored: the time at
-- which the transaction began tells them apart. Rows of transactions that are over mean nothing; the next call removes them.
create table agentmux.acting (
  xid xid8 not null constraint acting_pkey primary key,
  started timestamptz not null default transaction_timestamp(),
  tag text not null,
  kind text not null,
  jti text,
  role text not null,
  busy boolean not null default true
);

-- The role of each agent that has run SQL; `tag` is in upper case.
create table agentmux.agent_roles (
  tag text collate "C" not null constraint agent_roles_pkey primary key,
  role text not null constraint agent_roles_role_key unique
);

revoke all on agentmux.acting, agentmux.agent_roles from public, anon, authenticated, service_role;

-- The role whose SQL this transaction runs, or null.
create function public.mux_acting() returns text
language sql stable security definer set search_path = '' as $$
  select a.role from agentmux.acting as a
  where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp()
$$;

-- As before, but an agent whose SQL runs is that agent, whatever its claims have become. Security definer, for the private
-- table; the role is read from its setting because current_user is the owner here.
create or replace function public.mux_identity() returns table (tag text, kind text, verified boolean)
language sql stable security definer set search_path = '' as $$
  with acting as (
    select a.tag, a.kind from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp()
  )
  select acting.tag, acting.kind, true from acting
  union all
  select named.tag, named.kind, named.verified
  from (
    select app ->> 'agent_tag', case when app ->> 'kind' = 'human' then 'human' else 'agent' end, true
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata') as token (app)
    where current_setting('role') = 'authenticated'
    union all
    select nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-agentmux-tag', 'agent', false
    where current_setting('role') = 'service_role'
  ) as named (tag, kind, verified)
  where not exists (select from acting) and named.tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'
$$;

-- As before, but what an agent inserts by SQL is that agent's, and verified. Which branch is taken follows from who
-- inserts, not from a setting: while an agent's SQL runs, only a trigger writes as SYSTEM (that of a watched table; an agent
-- makes no triggers).
create or replace function public.mux_message_before_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  me record;
  acting text := public.mux_acting();
  takes_part boolean := current_user = 'authenticated' or current_user = coalesce(acting, '');
begin
  new.meta := coalesce(new.meta, '{}');
  new.xid := pg_current_xact_id();
  new.created_at := clock_timestamp();
  new.author_tag := null;
  new.author_kind := null;
  new.verified := false;
  if takes_part or current_user = 'service_role' then
    select * into me from public.mux_identity();
    new.author_tag := me.tag;
    new.author_kind := me.kind;
    new.verified := coalesce(me.verified, false);
  elsif current_setting('agentmux.author', true) = 'system' and (acting is null or pg_trigger_depth() > 1) then
    new.author_tag := 'SYSTEM';
    new.author_kind := 'system';
  end if;
  if takes_part then
    perform public.mux_me();
    if me.kind <> 'human' and upper(public.mux_tag(new.content) collate "C") <> upper(me.tag collate "C") then
      raise exception using errcode = '42501',
        message = format('you are %s and may only write as %1$s, not as %s', me.tag, public.mux_tag(new.content)),
        hint = format('Begin the content with [%s].', me.tag);
    end if;
  end if;
  new.thread_id := new.id;
  if new.reply_to is not null then
    select m.thread_id into new.thread_id from public.messages as m where m.id = new.reply_to;
    if not found then
      raise exception using errcode = '23503', constraint = 'messages_reply_to_fkey', table = 'messages', schema = 'public',
        message = format('message %s, which this replies to, does not exist', new.reply_to);
    end if;
  end if;
  return new;
end $$;

-- Runs one statement with the rights of whoever owns a copy of this, and returns its rows. The copies: one for each agent,
-- made below. What the statement is, PostgreSQL's own parser says: a query that returns rows can be opened as a cursor, and
-- of any other plpgsql says what it is before anything of it has run. A statement that returns no rows is one row of null.
create function agentmux.run_statement(p_query text, p_parameters text[]) returns setof json
language plpgsql set search_path = public as $$
declare
  found_row record;
  line json;
  size bigint := 0;
  number int := 0;
  said text;
  command text;
begin
  begin
    for found_row in execute p_query
      using p_parameters[1], p_parameters[2], p_parameters[3], p_parameters[4], p_parameters[5], p_parameters[6], p_parameters[7], p_parameters[8],
      p_parameters[9], p_parameters[10], p_parameters[11], p_parameters[12], p_parameters[13], p_parameters[14], p_parameters[15], p_parameters[16]
    loop
      line := row_to_json(found_row);
      size := size + 1 + octet_length(line::text);
      number := number + 1;
      if size > 16777216 or number > 100000 then
        raise exception using errcode = '54000', message = 'the answer to this is longer than 16 MB or 100,000 rows',
          hint = 'Add a LIMIT.';
      end if;
      -- Numbers that JavaScript would round are sent as text.
      if line::text ~ '[0-9][0-9.]{15}' then
        select json_object_agg(j.key, case
          when json_typeof(j.value) = 'number' and j.value::text ~ '[0-9][0-9.]{15}' then to_json(j.value::text) else j.value end)
        into line from json_each(line) as j;
      end if;
      return next line;
    end loop;
    return;
  exception when invalid_cursor_definition then
    get stacked diagnostics said = message_text;
  end;
  if said = 'cannot open multi-query plan as cursor' then
    raise exception using errcode = '42601', message = 'one statement at a time', hint = 'Send each by itself.';
  end if;
  command := substring(said from '^cannot open ([A-Z ]+) query as cursor$');
  if command is null then
    raise exception using errcode = '42501', message = 'this statement cannot be told from one that an agent may not run',
      hint = 'The server''s lc_messages must be English for statements that return no rows.', detail = said;
  end if;
  if command = 'SELECT INTO' then
    raise exception using errcode = '42501', message = 'an agent may not run SELECT INTO', hint = 'Use CREATE TABLE AS.';
  end if;
  if command <> all (array['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'CREATE TABLE', 'CREATE TABLE AS', 'CREATE INDEX',
    'CREATE SEQUENCE', 'ALTER TABLE', 'ALTER INDEX', 'ALTER SEQUENCE', 'DROP TABLE', 'DROP INDEX', 'DROP SEQUENCE',
    'TRUNCATE TABLE', 'COMMENT']) then
    raise exception using errcode = '42501', message = format('an agent may not run %s', command),
      hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
  end if;
  execute p_query
    using p_parameters[1], p_parameters[2], p_parameters[3], p_parameters[4], p_parameters[5], p_parameters[6], p_parameters[7], p_parameters[8],
    p_parameters[9], p_parameters[10], p_parameters[11], p_parameters[12], p_parameters[13], p_parameters[14], p_parameters[15], p_parameters[16];
  return next null;
end $$;

-- The role of an agent, made at its first statement, and again where it is missing: roles are not part of a dump. One that
-- somebody else made, or that may do more than these do, is left alone for the next name.
create function agentmux.agent_role(p_tag text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  folded text := upper(p_tag collate "C");
  known text := (select r.role from agentmux.agent_roles as r where r.tag = folded);
  number int := 1;
  name text;
  body text;
begin
  if known is not null and exists (
    select from pg_catalog.pg_proc as p
    join pg_catalog.pg_roles as r on r.oid = p.proowner and r.rolname = known
    where p.oid = to_regprocedure(format('agentmux.%I(text, text[])', known)) and p.prosecdef
  ) then
    return known;
  end if;
  -- Two first statements at once; and two databases of one server, which share their roles.
  perform pg_advisory_xact_lock(hashtextextended('agentmux agent roles', 0));
  name := coalesce(known, 'agent_' || folded);
  loop
    begin
      if not exists (select from pg_catalog.pg_roles as r where r.rolname = name) then
        execute format('create role %I nologin', name);
      elsif exists (
        select from pg_catalog.pg_roles as r
        where r.rolname = name and (r.rolsuper or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication
          or exists (
            select from pg_catalog.pg_auth_members as m
            where m.member = r.oid and m.roleid <> 'authenticated'::regrole
          ))
      ) then
        raise insufficient_privilege;
      end if;
      execute format('grant authenticated to %I', name);
      execute format('grant %I to %I', name, current_user);
      execute format('grant usage, create on schema public to %I', name);
      select p.prosrc into body from pg_catalog.pg_proc as p where p.oid = 'agentmux.run_statement(text, text[])'::regprocedure;
      execute format('drop function if exists agentmux.%I(text, text[])', name);
      execute format('create function agentmux.%I(p_query text, p_parameters text[]) returns setof json
        language plpgsql security definer set search_path = public as %L', name, body);
      execute format('revoke all on function agentmux.%I(text, text[]) from public, anon, authenticated, service_role', name);
      -- A function is given only to a role that may create where it is.
      execute format('grant create on schema agentmux to %I', name);
      execute format('alter function agentmux.%I(text, text[]) owner to %I', name, name);
      execute format('revoke create on schema agentmux from %I', name);
      exit;
    exception when insufficient_privilege or duplicate_object or unique_violation then
      number := number + 1;
      if known is not null or number > 3 then
        raise exception using errcode = '42501', message = 'this database cannot give agents SQL of their own',
          detail = sqlerrm,
          hint = format('Its owner, %s, must be allowed to make roles and to grant them authenticated: alter role %1$I createrole; grant authenticated to %1$I with admin option.', current_user);
      end if;
      name := format('agent_%s_%s', folded, number);
    end;
  end loop;
  insert into agentmux.agent_roles as r (tag, role) values (folded, name) on conflict (tag) do update set role = excluded.role;
  return name;
end $$;

-- What of an expression would run as whoever touches the table: every function in it must be immutable, or PostgreSQL's own
-- and harmless. `p_tree` is how PostgreSQL keeps an expression.
create function agentmux.has_foreign_code(p_tree text) returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select from regexp_matches(p_tree, ':[a-z]*(?:func|fno)[a-z]* ([0-9]+)', 'g') as named (groups)
    join pg_catalog.pg_proc as p on p.oid = named.groups[1]::oid
    where not (p.provolatile = 'i' or p.pronamespace = 'pg_catalog'::regnamespace and (
      p.provolatile = 's' and p.proname !~ 'xml|ts_|setting|^pg_' or p.proname = any (array['nextval', 'random', 'gen_random_uuid',
        'clock_timestamp', 'timeofday', 'uuidv4', 'uuidv7'])))
  )
$$;

-- Why what the role owns is more than tables, indexes and sequences that harm nobody who touches them; null when it is not.
create function agentmux.fault_of(p_role oid) returns text
language sql stable set search_path = '' as $$
  with owned as (
    select c.* from pg_catalog.pg_class as c where c.relowner = p_role
  )
  select fault from (
    select 1, format('%s is no table, index or sequence', o.oid::regclass) from owned as o
    where o.relkind not in ('r', 'i', 'S', 't')
    union all
    select 2, format('%s is not an ordinary permanent table', o.oid::regclass) from owned as o
    where o.relpersistence <> 'p' or o.relispartition or o.reloftype <> 0 or o.relhassubclass
      or exists (select from pg_catalog.pg_inherits as i where i.inhrelid = o.oid or i.inhparent = o.oid)
    union all
    select 3, format('%s is not in the schema public', o.oid::regclass) from owned as o
    where o.relnamespace not in ('public'::regnamespace, 'pg_toast'::regnamespace)
    union all
    select 4, format('%s is in a tablespace', o.oid::regclass) from owned as o where o.reltablespace <> 0
    union all
    select 5, format('%s belongs to an agent', d.classid::regclass) from pg_catalog.pg_shdepend as d
    where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.refobjid = p_role and d.deptype = 'o'
      and d.dbid = (select b.oid from pg_catalog.pg_database as b where b.datname = current_database())
      and d.classid <> 'pg_catalog.pg_class'::regclass
      and not (d.classid = 'pg_catalog.pg_proc'::regclass
        and d.objid = (select to_regprocedure(format('agentmux.%I(text, text[])', r.rolname)) from pg_catalog.pg_roles as r where r.oid = p_role))
    union all
    select 6, format('%s has a trigger', o.oid::regclass) from owned as o join pg_catalog.pg_trigger as t on t.tgrelid = o.oid
    where not t.tgisinternal and t.tgfoid <> 'public.mux_watch_statement()'::regprocedure and t.tgname <> '0_realtime'
    union all
    select 7, format('%s has a rule', o.oid::regclass) from owned as o join pg_catalog.pg_rewrite as w on w.ev_class = o.oid
    union all
    select 8, format('%s has a deferrable constraint', o.oid::regclass) from owned as o
    join pg_catalog.pg_constraint as c on c.conrelid = o.oid where c.condeferrable
    union all
    -- Who depends on something keeps others from changing it: a table of theirs, its rows' type, a function of the mailbox.
    select 9, format('%s depends on something that is not this agent''s', o.oid::regclass) from owned as o
    join pg_catalog.pg_depend as d on d.deptype = 'n' and (
      d.classid = 'pg_catalog.pg_class'::regclass and d.objid = o.oid
      or d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid in (select a.oid from pg_catalog.pg_attrdef as a where a.adrelid = o.oid)
      or d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid in (select c.oid from pg_catalog.pg_constraint as c where c.conrelid = o.oid))
    where case d.refclassid
      when 'pg_catalog.pg_class'::regclass then
        (select f.relowner from pg_catalog.pg_class as f where f.oid = d.refobjid) <> p_role
      when 'pg_catalog.pg_type'::regclass then exists (
        select from pg_catalog.pg_type as t left join pg_catalog.pg_type as e on e.oid = t.typelem
        where t.oid = d.refobjid and (t.typtype = 'c' or e.typtype = 'c') and t.typowner <> p_role)
      when 'pg_catalog.pg_proc'::regclass then exists (
        select from pg_catalog.pg_proc as p
        where p.oid = d.refobjid and p.pronamespace in ('public'::regnamespace, 'agentmux'::regnamespace))
      else false end
    union all
    select 10, format('%s has an expression that calls more than harmless functions', o.oid::regclass) from owned as o
    where exists (select from pg_catalog.pg_constraint as c where c.conrelid = o.oid and agentmux.has_foreign_code(c.conbin::text))
      or exists (select from pg_catalog.pg_attrdef as a where a.adrelid = o.oid and agentmux.has_foreign_code(a.adbin::text))
      or exists (
        select from pg_catalog.pg_index as i where i.indexrelid = o.oid
          and (agentmux.has_foreign_code(i.indexprs::text) or agentmux.has_foreign_code(i.indpred::text)))
    union all
    select 11, format('%s has a policy', o.oid::regclass) from owned as o
    join pg_catalog.pg_policy as p on p.polrelid = o.oid where p.polname not in ('agent_results', 'agent_results_service', 'agent_results_reader')
    union all
    select 12, format('%s is granted to others', o.oid::regclass) from owned as o
    cross join lateral aclexplode(o.relacl) as acl
    where acl.grantee not in (p_role, 'authenticated'::regrole, 'service_role'::regrole, coalesce(to_regrole('result_reader'), 0::oid)::oid)
      or acl.grantee <> p_role and acl.privilege_type <> 'SELECT'
    union all
    select 13, 'a cursor outlives the statement' from pg_catalog.pg_cursors as c where c.is_holdable
  ) as faults (place, fault) order by place limit 1
$$;

-- Lets those who take part read a new table of the agent, and nobody else.
create function agentmux.share_tables(p_role oid) returns void
language plpgsql set search_path = '' as $$
declare
  found_table regclass;
begin
  for found_table in
    select c.oid from pg_catalog.pg_class as c
    where c.relowner = p_role and c.relkind = 'r' and not (c.relrowsecurity and not c.relforcerowsecurity and exists (
      select from pg_catalog.pg_policy as p where p.polrelid = c.oid and p.polname = 'agent_results'))
  loop
    execute format('alter table %s enable row level security, no force row level security', found_table);
    continue when exists (select from pg_catalog.pg_policy as p where p.polrelid = found_table and p.polname = 'agent_results');
    execute format('create policy agent_results on %s for select to authenticated using ((select public.mux_admitted()))', found_table);
    execute format('create policy agent_results_service on %s for select to service_role using (true)', found_table);
    execute format('grant select on %s to authenticated, service_role', found_table);
    if to_regrole('result_reader') is not null then
      execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
      execute format('grant select on %s to result_reader', found_table);
    end if;
  end loop;
end $$;

-- Everything that the role, or one that it could give things to, owns.
create function agentmux.belongings(p_role oid) returns bigint
language sql stable set search_path = '' as $$
  select count(*) from pg_catalog.pg_shdepend as d
  where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o' and d.refobjid <> p_role
    and d.refobjid in (select r.oid from pg_catalog.pg_roles as r where pg_has_role(p_role, r.oid, 'member'))
$$;

-- Runs one statement of the agent that the token names, and returns its rows: one of null where it returns none.
create function agentmux.agent_statement(p_query text, p_parameters text[], p_read_only boolean) returns setof json
language plpgsql set search_path = '' as $$
declare
  me text := public.mux_me();
  who record;
  role_name text;
  role_id oid;
  others bigint;
  first_word text := lower(substring(regexp_replace(p_query, '^(?:\s+|--[^\n]*(?:\n|$)|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)+', '') from '^(?:[A-Za-z_]+|\()'));
  kept jsonb := jsonb_strip_nulls(jsonb_build_object('request.jwt.claims', current_setting('request.jwt.claims', true),
    'request.headers', current_setting('request.headers', true), 'statement_timeout', current_setting('statement_timeout')));
begin
  select * into who from public.mux_identity();
  if who.kind <> 'agent' or not who.verified then
    raise exception using errcode = '42501', message = 'this runs the SQL of agents, who come with a token of their own',
      hint = 'Humans and services run theirs as the owner: agentmux sql.';
  end if;
  if current_setting('transaction_read_only') = 'on' then
    raise exception using errcode = '25006', message = 'this is a read-only transaction', hint = 'Call it with POST.';
  end if;
  if first_word is null or first_word <> all (array['(', 'select', 'with', 'values', 'table', 'insert', 'update', 'delete', 'merge',
    'explain', 'show', 'create', 'alter', 'drop', 'truncate', 'comment']) then
    raise exception using errcode = '42501', message = format('an agent may not run %s', coalesce(upper(first_word), 'this')),
      hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
  end if;
  if cardinality(p_parameters) > 16 then
    raise exception using errcode = '54023', message = 'more than 16 parameters';
  end if;
  if exists (select from agentmux.acting as a where a.xid = pg_current_xact_id_if_assigned() and a.busy) then
    raise exception using errcode = '42501', message = 'this cannot be called by SQL that runs in it';
  end if;
  role_name := agentmux.agent_role(me);
  role_id := (select r.oid from pg_catalog.pg_roles as r where r.rolname = role_name);
  -- Not those that another call is removing just now: it may take as long as its statement does.
  delete from agentmux.acting as a where a.xid in (
    select o.xid from agentmux.acting as o where o.xid < pg_snapshot_xmin(pg_current_snapshot()) for update skip locked);
  insert into agentmux.acting as a (xid, tag, kind, jti, role)
  values (pg_current_xact_id(), me, who.kind, nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'jti', role_name)
  on conflict (xid) do update set busy = true;
  others := agentmux.belongings(role_id);
  begin
    -- Ends with the block, and cannot be taken back in it.
    if p_read_only then perform set_config('transaction_read_only', 'on', true); end if;
    return query execute format('select line from agentmux.%I($1, $2) as line', role_name) using p_query, p_parameters;
  exception when query_canceled or others then
    -- Those of the session would stay with the connection.
    perform pg_catalog.pg_advisory_unlock_all();
    raise;
  end;
  -- The statement may have set a search_path that lasts. What is called from here on has its own.
  perform pg_catalog.pg_advisory_unlock_all();
  perform agentmux.settle_statement(role_id, others);
  reset all;
  perform pg_catalog.set_config(setting.key, setting.value, true) from pg_catalog.jsonb_each_text(kept) as setting;
end $$;

-- One statement of the agent that the token names: its rows as JSON, none where it returns none. $1 and so on in it are the
-- parameters, as text.
create function public.agent_sql(p_query text, p_parameters text[] default '{}', p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
begin
  return query select line from agentmux.agent_statement(p_query, p_parameters, p_read_only) as line where line is not null;
end $$;

-- Several, all of them or none: the rows of the last that returns any.
create function public.agent_script(p_statements text[], p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
declare
  statement text;
  lines json[];
  last json[];
begin
  perform public.mux_me();
  foreach statement in array coalesce(p_statements, '{}') loop
    lines := array(select line from agentmux.agent_statement(statement, '{}', p_read_only) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $$;

-- After an agent's statement: refuses what it left if that could run as somebody else, and shares its new tables.
create function agentmux.settle_statement(p_role oid, p_others bigint) returns void
language plpgsql set search_path = '' as $$
declare
  fault text := agentmux.fault_of(p_role);
begin
  if fault is null and agentmux.belongings(p_role) <> p_others then
    fault := 'what an agent makes stays its own';
  end if;
  if fault is not null then
    raise exception using errcode = '42501', message = format('an agent may not do this: %s', fault),
      hint = 'Agents have tables, indexes and sequences of their own in public, without views, triggers, rules, policies, functions and deferred constraints.';
  end if;
  perform agentmux.share_tables(p_role);
  update agentmux.acting as a set busy = false where a.xid = pg_current_xact_id();
end $$;

-- Tables that are not ours, for people to look at: read with nobody's claims, by a role that takes no part, in a transaction
-- that is read-only from then on. A view, policy or function of such a table that does something else does nothing.
create function agentmux.read_as_nobody(p_table text, p_limit int) returns setof json
language plpgsql stable security definer
set search_path = public as $$
begin
  -- That cannot be taken back in this transaction.
  perform set_config('transaction_read_only', 'on', true),
    set_config('request.jwt.claims', '', true), set_config('request.headers', '', true);
  return query execute format('select row_to_json(t) from public.%I as t limit $1', p_table) using p_limit;
end $$;

-- The first rows of a table or view in public.
create function public.result_rows(p_table text, p_limit int default 100) returns setof json
language plpgsql stable security definer set search_path = '' as $$
declare
  claims text := current_setting('request.jwt.claims', true);
  headers text := current_setting('request.headers', true);
begin
  perform public.mux_guard();
  if p_table is null then raise exception using errcode = '22023', message = 'no table is named'; end if;
  if public.mux_acting() is not null then
    raise exception using errcode = '42501', message = 'result_rows is not for SQL', hint = 'Select from the table.';
  end if;
  return query select r from agentmux.read_as_nobody(p_table, least(greatest(coalesce(p_limit, 100), 1), 1000)) as r;
  perform pg_catalog.set_config('request.jwt.claims', claims, true), pg_catalog.set_config('request.headers', headers, true);
end $$;

-- Where the owner may not make the role, whoever asks reads: read-only and without claims all the same.
do $$
begin
  if not exists (select from pg_roles where rolname = 'result_reader') then create role result_reader nologin; end if;
  grant authenticated to result_reader;
  execute format('grant result_reader to %I', current_user);
  grant usage on schema public to result_reader;
  grant create on schema agentmux to result_reader;
  alter function agentmux.read_as_nobody(text, int) owner to result_reader;
  revoke create on schema agentmux from result_reader;
exception when insufficient_privilege then
  raise notice 'no role result_reader: %', sqlerrm;
  alter function agentmux.read_as_nobody(text, int) security invoker;
  grant usage on schema agentmux to authenticated, service_role;
  alter function public.result_rows(text, int) security invoker;
end $$;

revoke all on all functions in schema agentmux from public, anon, authenticated, service_role;
revoke all on function public.mux_acting(), public.agent_sql(text, text[], boolean), public.agent_script(text[], boolean),
  public.result_rows(text, int) from public, anon, authenticated, service_role;
grant execute on function public.mux_acting(), public.result_rows(text, int) to authenticated, service_role;
grant execute on function public.agent_sql(text, text[], boolean), public.agent_script(text[], boolean) to authenticated;
do $$
begin
  if has_schema_privilege('authenticated', 'agentmux', 'usage') then
    grant execute on function agentmux.read_as_nobody(text, int) to authenticated, service_role;
  else
    execute format('grant execute on function agentmux.read_as_nobody(text, int) to %I', current_user);
  end if;
end $$;
