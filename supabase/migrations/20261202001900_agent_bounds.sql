-- Bounds on the SQL of agents: what it may call, how much of it there may be, what it leaves behind for others, and that it counts
-- for nothing when its agent has been shut out while it ran.

-- Refuses what one statement could do to everybody else before the statement can be ended:
-- - Settings, which SET cannot change here either. `exit_on_error` ends the session (on PGlite the database itself), and plans that
--   are made while indexes are switched off stay with the session.
-- - Notifications, as NOTIFY is refused: every hub reads all of them.
-- - Advisory locks by the thousand, which fill the server's table of locks: others' transactions fail then ("out of shared memory").
-- - Large objects and messages in the write-ahead log, which are written whole before anything looks whether it was cancelled.
-- - Functions that run SQL from a text, which could name all of these.
-- A function can be called only by its name, so its name is in the text. A statement that is plain holds it only in a value.
create or replace function agentmux.check_sql(p_statements text[]) returns void
language plpgsql stable set search_path = '' as $$
declare
  names constant text := '(?i)\m(?:set_config|pg_notify|pg_(?:try_)?advisory_\w+|pg_logical_emit_message|lo_creat|lo_create|lo_from_bytea'
    '|lo_import|lo_put|(?:query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite)\M';
  statement text;
  found_name text;
begin
  if cardinality(p_statements) > 1000 or (select sum(length(s)) from unnest(p_statements) as s) > 1048576 then
    raise exception using errcode = '54000', message = 'SQL of an agent has at most 1,048,576 characters and 1,000 statements',
      hint = 'Send it in parts.';
  end if;
  foreach statement in array p_statements loop
    found_name := coalesce(lower(substring(statement from names)),
      case when statement ~* '\mupdate\M' then lower(substring(statement from '(?i)\mpg_settings\M')) end,
      -- A name that is written with escapes.
      upper(substring(statement from '[uU]&"')));
    if found_name is not null and not agentmux.is_plain(statement) then
      raise exception using errcode = '42501', message = format('an agent may not use %s', found_name),
        hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
    end if;
  end loop;
end $$;

-- What may stand in an expression that PostgreSQL computes for whoever reads a table, or for the vacuum: that of an index or of a
-- virtual column. Functions whose time grows with the length of their arguments and no faster, and whose results are no longer
-- than these. Each session that opens the table computes the constants in it again, and nothing can cancel that.
create or replace function agentmux.is_light(p_function oid) returns boolean
language sql stable set search_path = '' as $$
  select p.pronamespace = 'pg_catalog'::regnamespace and p.prorettype <> 'pg_catalog.xml'::regtype and (
    p.proname = any ('{lower,upper,initcap,length,char_length,character_length,octet_length,left,right,btrim,ltrim,rtrim,md5,abs,ceil,
      ceiling,floor,date_trunc,date_part,extract,timezone,to_tsvector,cardinality,array_length,jsonb_array_length,json_array_length,
      jsonb_extract_path,jsonb_extract_path_text,json_extract_path,json_extract_path_text}'::name[])
    -- The other substring takes a pattern.
    or p.proname in ('substr', 'substring') and p.proargtypes[1] = 'pg_catalog.int4'::regtype
    or exists (select from pg_catalog.pg_cast as c where c.castfunc = p.oid)
    or exists (
      select from pg_catalog.pg_operator as o where o.oprcode = p.oid and (
        o.oprname in ('=', '<>', '<', '<=', '>', '>=', '->', '->>', '#>', '#>>')
        or o.oprname in ('+', '-', '*', '/', '%', '||') and not exists (
          select from unnest(p.proargtypes::oid[]) as a (type)
          where a.type <> all ('{int2,int4,int8,float4,float8,text,date,timestamp,timestamptz,interval}'::regtype[]))))
  )
  from pg_catalog.pg_proc as p where p.oid = p_function
$$;

create or replace function agentmux.is_heavy(p_tree text) returns boolean
language sql stable set search_path = '' as $$
  select length(p_tree) > 20000 or p_tree ~ '\{(?:JSONEXPR|XMLEXPR)\M' or exists (
    select from regexp_matches(p_tree, ':[a-z]*(?:func|fno)[a-z]* ([0-9]+)', 'g') as named (groups)
    where not agentmux.is_light(named.groups[1]::oid))
$$;

-- Why what the role owns would be a burden on others; null when it is not. Each table, index and column is read by every hub
-- whenever any table changes.
create or replace function agentmux.burden_of(p_role oid) returns text
language sql stable set search_path = '' as $$
  with owned as (
    select c.oid, c.relkind from pg_catalog.pg_class as c where c.relowner = p_role and c.relkind in ('r', 'i', 'S')
  )
  select case
    when (select count(*) from owned) > 1000 then 'these would be more than 1,000 tables, indexes and sequences'
    when (select count(*) from owned as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and a.attnum > 0) > 20000
      then 'these would be more than 20,000 columns'
    else (
      select format('%s has an expression that could take long for whoever reads the table', o.oid::regclass)
      from owned as o
      where exists (
        select from pg_catalog.pg_index as i where i.indexrelid = o.oid
          and (agentmux.is_heavy(i.indexprs::text) or agentmux.is_heavy(i.indpred::text)))
        or exists (
          select from pg_catalog.pg_attrdef as d
          join pg_catalog.pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attgenerated = 'v'
          where d.adrelid = o.oid and agentmux.is_heavy(d.adbin::text))
      limit 1)
    end
$$;

create or replace function agentmux.settle_statement(p_role oid, p_others bigint) returns void
language plpgsql set search_path = '' as $$
declare
  fault text := coalesce(agentmux.fault_of(p_role), agentmux.burden_of(p_role));
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
  -- Its token may have ended meanwhile, or the agent may have been revoked, at a hub that cannot cancel what another one runs.
  perform agentmux.me();
  perform agentmux.share_tables(p_role);
  update agentmux.acting as a set busy = false where a.xid = pg_current_xact_id();
end $$;

create or replace function public.agent_sql(p_query text, p_parameters text[] default '{}', p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.check_sql(array[p_query]);
  perform pg_catalog.set_config('request.headers', '', true);
  return query select line
  from agentmux.agent_statement(p_query, p_parameters, p_read_only, agentmux.plain_tail(array[p_query]) = 1) as line where line is not null;
end $$;

create or replace function public.agent_script(p_statements text[], p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
declare
  -- One row of them, counted from 1, whatever array was given.
  statements text[] := array(select s from unnest(p_statements) with ordinality as s (s, place) order by s.place);
  others int;
  lines json[];
  last json[];
begin
  perform agentmux.me();
  perform agentmux.check_sql(statements);
  others := cardinality(statements) - agentmux.plain_tail(statements);
  perform pg_catalog.set_config('request.headers', '', true);
  for place in 1..cardinality(statements) loop
    lines := array(select line from agentmux.agent_statement(statements[place], '{}', p_read_only, place > others) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $$;

revoke all on function agentmux.check_sql, agentmux.is_light, agentmux.is_heavy, agentmux.burden_of from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261202001900');
