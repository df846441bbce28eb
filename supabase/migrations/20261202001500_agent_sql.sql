-- SQL that agents write. Each agent has a role in the database, so that PostgreSQL itself enforces its rights: read what all agents
-- can read, insert messages under its own tag, call our functions, and have tables in `public` that the others can read.
--
-- A role that was set can be reset, and claims are a setting that SQL can change. Therefore a statement runs inside a security
-- definer function that the agent's role owns: there PostgreSQL rejects SET ROLE and similar commands, ALTER SYSTEM, COPY PROGRAM
-- and transaction control. The identity is stored in a private table (agentmux.acting), under the id of the transaction.
--
-- One agent's SQL must not hold up others. Some functions on long texts (translate, strpos) never check whether they were cancelled,
-- so a statement, its transaction and its locks can last for minutes.

-- The role of each agent that has run SQL; `tag` is in upper case.
create table if not exists agentmux.agent_roles (
  tag text collate "C" not null constraint agent_roles_pkey primary key,
  role text not null constraint agent_roles_role_key unique
);

-- Locked while a role is created, so that only one session does it at a time.
create table if not exists agentmux.agent_role_turn ();

-- Runs one statement and returns its rows. Each agent's role owns a copy, made below, which runs with its rights. PostgreSQL's own
-- parser tells what kind of statement it is: a query that returns rows can be opened as a cursor, and for any other plpgsql names
-- the command before it runs. For a statement that returns no rows, the result is one row of null.
create or replace function agentmux.run_statement(p_query text, p_parameters text[]) returns setof json
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

-- Whether agentmux can run an agent's SQL as that role.
create or replace function agentmux.runs_sql(p_role text) returns boolean
language sql stable strict set search_path = '' as $$
  select exists (
    select from pg_catalog.pg_proc as p
    join pg_catalog.pg_roles as r on r.oid = p.proowner and r.rolname = p_role
    where p.oid = to_regprocedure(format('agentmux.%I(text, text[])', p_role)) and p.prosecdef
  )
$$;

-- Creates the role of an agent, if it is missing: roles are not part of a dump. This takes locks that all other agents need until
-- the transaction ends, so mux_make_role calls it in a separate transaction. An existing role that somebody else created, or that
-- has more rights, is not touched; the next name is tried.
create or replace function agentmux.make_agent_role(p_tag text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  folded text := upper(p_tag collate "C");
  known text;
  number int := 1;
  tries int := 0;
  name text;
  body text;
begin
  if exists (select from agentmux.agent_roles as r where r.tag = folded and agentmux.runs_sql(r.role)) then return; end if;
  -- First its own row: what holds that is not to be waited for in the turn of everyone.
  perform from agentmux.agent_roles as r where r.tag = folded for update;
  -- Two first statements at once; and two databases of one server, which share their roles.
  lock table agentmux.agent_role_turn in exclusive mode;
  known := (select r.role from agentmux.agent_roles as r where r.tag = folded);
  if agentmux.runs_sql(known) then return; end if;
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
    exception
      when internal_error then
        -- "tuple concurrently updated": somebody else changed the rights on a schema at that moment.
        tries := tries + 1;
        if tries = 5 then raise; end if;
      when insufficient_privilege or duplicate_object or unique_violation then
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
end $$;

-- Creates the role that the SQL of the calling agent needs, if there is none yet. A separate function, so that nothing else is done
-- in its transaction.
create or replace function public.mux_make_role() returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
begin
  if agentmux.acting_role() is not null or not exists (select from agentmux.identity() as i where i.kind = 'agent' and i.verified) then
    raise exception using errcode = '42501', message = 'this is for agents, who come with a token of their own, and not for SQL';
  end if;
  perform agentmux.make_agent_role(me);
end $$;

-- The role of an agent, whose row is locked until the transaction ends, so that only one statement of an agent runs at a time. If one
-- cannot be cancelled, the agent's later statements are rejected until it ends.
create or replace function agentmux.agent_role(p_tag text) returns text
language plpgsql security definer set search_path = '' set lock_timeout = '1s' as $$
declare
  known text;
begin
  select r.role into known from agentmux.agent_roles as r where r.tag = upper(p_tag collate "C") for update;
  if known is null or not agentmux.runs_sql(known) then
    raise exception using errcode = 'PT428', message = format('%s has no role in the database yet', p_tag),
      hint = 'Call mux_make_role() once, by itself, then this again.';
  end if;
  return known;
exception when lock_not_available then
  raise exception using errcode = 'PT429', message = format('an earlier statement of %s is still running', p_tag),
    detail = 'An agent runs one at a time, and some functions of long texts cannot be cancelled.',
    hint = 'Wait until it ends, then ask for less at once. Sending messages and reading the inbox work meanwhile.';
end $$;

-- Whether an expression, which would run as anyone who uses the table, calls a function that is neither immutable nor a harmless
-- one of PostgreSQL's own. `p_tree` is PostgreSQL's stored form of the expression.
create or replace function agentmux.has_foreign_code(p_tree text) returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select from regexp_matches(p_tree, ':[a-z]*(?:func|fno)[a-z]* ([0-9]+)', 'g') as named (groups)
    join pg_catalog.pg_proc as p on p.oid = named.groups[1]::oid
    where not (p.provolatile = 'i' or p.pronamespace = 'pg_catalog'::regnamespace and (
      p.provolatile = 's' and p.proname !~ 'xml|ts_|setting|^pg_' or p.proname = any (array['nextval', 'random', 'gen_random_uuid',
        'clock_timestamp', 'timeofday', 'uuidv4', 'uuidv7'])))
  )
$$;

-- Why the role owns something other than tables, indexes and sequences that are harmless to use; null if it does not.
create or replace function agentmux.fault_of(p_role oid) returns text
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
    where not t.tgisinternal and t.tgfoid <> 'agentmux.watch_statement()'::regprocedure and t.tgname <> '0_realtime'
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

-- Lets the other agents and humans of the mailbox read new tables of an agent. A comment says whose table it is, because a dump that
-- is restored without the role gives it to another owner.
create or replace function agentmux.share_tables(p_role oid) returns void
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
    execute format('create policy agent_results on %s for select to authenticated using ((select agentmux.admitted()))', found_table);
    execute format('comment on policy agent_results on %s is %L', found_table, 'table of ' || pg_catalog.pg_get_userbyid(p_role));
    execute format('create policy agent_results_service on %s for select to service_role using (true)', found_table);
    execute format('grant select on %s to authenticated, service_role', found_table);
    if to_regrole('result_reader') is not null then
      execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
      execute format('grant select on %s to result_reader', found_table);
    end if;
  end loop;
end $$;

-- The number of objects owned by roles that the role is a member of, and could give objects to.
create or replace function agentmux.belongings(p_role oid) returns bigint
language sql stable set search_path = '' as $$
  select count(*) from pg_catalog.pg_shdepend as d
  where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o' and d.refobjid <> p_role
    and d.refobjid in (select r.oid from pg_catalog.pg_roles as r where pg_has_role(p_role, r.oid, 'member'))
$$;

-- Agents create tables in `public`, where later migrations may need a name. Therefore names that begin with `mux_` or `agentmux` are
-- reserved, and all relations that new migrations create in `public` have such names: a migration neither fails because of an
-- agent's table nor mistakes it for ours.
create or replace function agentmux.reserved_names(p_role oid) returns setof pg_catalog.pg_class
language sql stable set search_path = '' as $$
  select c.* from pg_catalog.pg_class as c
  where c.relowner = p_role and c.relnamespace = 'public'::regnamespace and c.relname ~ '^(mux_|agentmux)'
$$;

-- Called after each statement of an agent: rejects objects that agents may not create, and shares the others.
create or replace function agentmux.settle_statement(p_role oid, p_others bigint) returns void
language plpgsql set search_path = '' as $$
declare
  fault text := agentmux.fault_of(p_role);
  reserved text := (select n.relname from agentmux.reserved_names(p_role) as n order by n.relname limit 1);
begin
  if fault is null and agentmux.belongings(p_role) <> p_others then
    fault := 'what an agent makes stays its own';
  end if;
  if fault is not null then
    raise exception using errcode = '42501', message = format('an agent may not do this: %s', fault),
      hint = 'Agents have tables, indexes and sequences of their own in public, without views, triggers, rules, policies, functions and deferred constraints.';
  end if;
  if reserved is not null then
    raise exception using errcode = '42939', message = format('the name %I is reserved for agentmux', reserved),
      hint = 'Choose a name that does not begin with mux_ or agentmux.';
  end if;
  perform agentmux.share_tables(p_role);
  update agentmux.acting as a set busy = false where a.xid = pg_current_xact_id();
end $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Whether a statement is nothing but a call of the mailbox, or an insert of messages, with literal values:
--   select * from task_add('a title', p_depends_on => array[1], p_run_at => now() + interval '1 hour')
--   select (task_claim('default')).id
--   with mine as (select * from task_claim()) select id, title from mine
--   insert into messages (content, reply_to) values ('[ME] done', 7) returning id
-- Its tokens become one letter each, and values are reduced to `v` from the inside out. A text that this function could read
-- differently than PostgreSQL must not pass, so it knows only a few kinds of tokens, and they have to make up the whole text.
create or replace function agentmux.is_plain(p_query text) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  token constant text := concat_ws('|', '[ \t\n\r\f]+', '--[^\n\r]*', '/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/',
    '[eE]''(?:[^''\\]|\\.|'''')*''', '''(?:[^'']|'''')*''', '\$\$(?:[^$]|\$(?!\$))*\$\$', '\$[0-9]{1,2}',
    '[0-9]{1,18}(?:\.[0-9]{1,18})?', '[A-Za-z_][A-Za-z0-9_$]*', '"[A-Za-z_][A-Za-z0-9_]*"', '::|=>|:=|\|\||[-+,.()*;]|\[|\]');
  shape text;
  size bigint;
  reduced text;
  -- One column, or all.
  columns constant text := 'C(?:,C)*';
  call_from constant text := 'SC(?:,C)*FcN?';
begin
  if length(p_query) > 300000 or current_setting('standard_conforming_strings') <> 'on' then return false; end if;
  select sum(length(t.word)), string_agg(case
      when t.word ~ '^(?:[ \t\n\r\f]|--|/\*)' then ''
      when t.word ~ '^(?:[eE]?''|\$|[0-9])' then 'v'
      when t.word = '::' then ':'
      when t.word in ('=>', ':=') then '>'
      when t.word = '||' then '|'
      when t.word ~ '^[^A-Za-z_"]' then t.word
      else case lower(trim(both '"' from t.word))
        when 'messages' then 'm'
        when 'public' then 'p'
        else case
          when lower(trim(both '"' from t.word)) = any ('{task_add,task_plan,task_claim,task_heartbeat,task_progress,task_finish,task_cancel,
            task_retry,task_assign,task_reprioritise,task_reap,agent_touch,inbox,inbox_take,receipt_ack,receipt_deliver,receipt_release,
            redact_message,seal_history,mailbox_state}'::text[]) then 'f'
          when t.word like '"%' then 'i'
          else coalesce((pg_catalog.jsonb_build_object('select', 'S', 'from', 'F', 'insert', 'I', 'into', 'T', 'values', 'V',
            'returning', 'R', 'as', 'A', 'array', 'Y', 'with', 'W', 'interval', 'L', 'limit', 'M', 'cast', 'K',
            'true', 'v', 'false', 'v', 'null', 'v', 'current_timestamp', 'v',
            'now', 'g', 'clock_timestamp', 'g', 'jsonb_build_object', 'g', 'jsonb_build_array', 'g', 'json_build_object', 'g',
            'json_build_array', 'g', 'bigint', 'y', 'int', 'y', 'integer', 'y', 'int4', 'y', 'int8', 'y', 'text', 'y',
            'jsonb', 'y', 'json', 'y', 'boolean', 'y', 'bool', 'y', 'uuid', 'y', 'timestamptz', 'y', 'real', 'y', 'numeric', 'y'))
            ->> lower(t.word), 'i') end end end, '' order by t.place)
  into size, shape
  from pg_catalog.regexp_matches(p_query, token, 'g') with ordinality as found (groups, place)
  cross join lateral (select found.groups[1] as word, found.place) as t;
  if size is distinct from length(p_query) or length(shape) > 5000 then return false; end if;
  shape := replace(replace(trim(trailing ';' from shape), 'p.', ''), 'p', 'i');
  loop
    reduced := regexp_replace(regexp_replace(regexp_replace(shape,
      'v:[yL](?:\[\])?|Y\[(?:v(?:,v)*)?\]|g\((?:v(?:,v)*)?\)|(?<![fgimy])\(v\)|[yL]v|[iy]>v|v[-+|]v|K\(vA[yL]\)', 'v', 'g'),
      '([(,\[>])[-+]v', '\1v', 'g'),
      'f\((?:v(?:,v)*)?\)', 'c', 'g');
    exit when reduced = shape;
    shape := reduced;
  end loop;
  -- N: a name that is given to something. C: a column. O: a call among what is selected.
  return shape ~ ('^' || replace(replace(replace(
    '(?:SO(?:,O)*|' || call_from || '(?:Mv)?|WiA\(' || call_from || '\)SC(?:,C)*FiN?(?:Mv)?'
      || '|ITm\([iy](?:,[iy])*\)V(?:v|\(v(?:,v)*\))(?:,(?:v|\(v(?:,v)*\)))*(?:RC(?:,C)*)?)$',
    'O', '(?:c|\(c\)\.[iy])N?'), 'C', '(?:\*|[iym](?:\.[iym]|\.\*)?N?)'), 'N', '(?:A?i)'));
end $$;

-- How many statements at the end of a script are plain. Not counted if no statement could lock what others need.
create or replace function agentmux.plain_tail(p_statements text[]) returns int
language plpgsql stable set search_path = '' as $$
declare
  tail int := 0;
begin
  if array_to_string(p_statements, ' ') !~* '\m(?:task_|agent_touch|redact_message|seal_history|mailbox_state)' then return 0; end if;
  while tail < cardinality(p_statements) and agentmux.is_plain(p_statements[cardinality(p_statements) - tail]) loop
    tail := tail + 1;
  end loop;
  return tail;
end $$;

-- Runs one statement as the calling agent and returns its rows; for a statement without rows, one row of null. `p_ends`: whether this
-- and all later statements are plain.
create or replace function agentmux.agent_statement(p_query text, p_parameters text[], p_read_only boolean, p_ends boolean) returns setof json
language plpgsql set search_path = '' as $$
declare
  me text := agentmux.me();
  who record;
  role_name text;
  role_id oid;
  others bigint;
  first_word text := lower(substring(regexp_replace(p_query, '^(?:\s+|--[^\n]*(?:\n|$)|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)+', '') from '^(?:[A-Za-z_]+|\()'));
  kept jsonb := jsonb_strip_nulls(jsonb_build_object('request.jwt.claims', current_setting('request.jwt.claims', true),
    'request.headers', current_setting('request.headers', true), 'statement_timeout', current_setting('statement_timeout')));
begin
  select * into who from agentmux.identity();
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
  insert into agentmux.acting as a (xid, tag, kind, jti, role, ends)
  values (pg_current_xact_id(), me, who.kind, nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'jti', role_name, p_ends)
  on conflict (xid) do update set busy = true, ends = excluded.ends;
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

-- Runs one statement as the calling agent, and returns its rows.
--
-- PostgREST puts the headers of a request, including the token, into a setting that any SQL can read. An agent's SQL does not need
-- them, and its results end up in transcripts, so the setting is cleared first.
create or replace function public.agent_sql(p_query text, p_parameters text[] default '{}', p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_catalog.set_config('request.headers', '', true);
  return query select line
  from agentmux.agent_statement(p_query, p_parameters, p_read_only, agentmux.plain_tail(array[p_query]) = 1) as line where line is not null;
end $$;

-- Runs several statements in one transaction, and returns the rows of the last one that has any. The plain statements at the end may
-- lock what others need.
create or replace function public.agent_script(p_statements text[], p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
declare
  -- One row of them, counted from 1, whatever array was given.
  statements text[] := array(select s from unnest(p_statements) with ordinality as s (s, place) order by s.place);
  others int := cardinality(statements) - agentmux.plain_tail(statements);
  lines json[];
  last json[];
begin
  perform agentmux.me();
  perform pg_catalog.set_config('request.headers', '', true);
  for place in 1..cardinality(statements) loop
    lines := array(select line from agentmux.agent_statement(statements[place], '{}', p_read_only, place > others) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $$;

insert into agentmux.migrations (version) values ('20261202001500');
