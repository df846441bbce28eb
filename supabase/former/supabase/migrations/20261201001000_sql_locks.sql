-- What the SQL of an agent locks, others do not wait for. Some functions of long texts (translate, strpos) never look whether they
-- are cancelled: a statement that had taken the turn of the tasks and then called one of them kept everyone from finishing,
-- cancelling and putting back tasks, for as long as it computed.
--
-- So in the SQL of an agent whatever locks what others need is the last thing that its transaction does: one or more statements
-- of which each is nothing but such a call (or an insert of messages) with its values written out. Anything else that would
-- lock it is refused where the lock is taken, by whichever way it was reached. Its own messages, receipts and tables an agent
-- may lock as it likes: nobody else writes them.

-- Whether from here on only such statements follow.
alter table agentmux.acting add column ends boolean not null default false;

-- Before anything is locked that others need. `p_what` completes the sentence.
create function agentmux.guard_lock(p_what text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp() and not a.ends
  ) then
    return;
  end if;
  raise exception using errcode = '42501', message = format('an agent changes %s by a statement that does nothing else', p_what),
    detail = 'Others would have to wait until the rest of it is done.',
    hint = 'Call the function by itself, with the values written out: select * from task_add(''a title'', p_depends_on => array[1]). In a script such calls come last.';
end $$;

create function agentmux.guard_locks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.guard_lock(tg_argv[0]);
  return new;
end $$;

create trigger tasks_guard_locks before update or delete on public.tasks
  for each statement execute function agentmux.guard_locks('tasks');
-- Whoever adds a task under the same key waits for it. Any other new task is nobody's yet.
create trigger tasks_guard_key before insert on public.tasks
  for each row when (new.idem_key is not null) execute function agentmux.guard_locks('tasks');
create trigger agents_guard_locks before insert or update or delete on public.agents
  for each statement execute function agentmux.guard_locks('agents');
create trigger agent_sessions_guard_locks before insert or update or delete on public.agent_sessions
  for each statement execute function agentmux.guard_locks('agents');
create trigger lease_clock_guard_locks before update on agentmux.lease_clock
  for each statement execute function agentmux.guard_locks('tasks');
create trigger mux_meta_guard_locks before update on public.mux_meta
  for each statement execute function agentmux.guard_locks('the mailbox');

-- As before, but not in the middle of an agent's SQL.
create or replace function public.mux_take_turn() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform agentmux.guard_lock('tasks');
  lock table agentmux.task_turn in exclusive mode;
end $$;

-- As before, but not in the middle of an agent's SQL.
create or replace function public.seal_history()
returns table (epoch uuid, seq bigint, hash text, more boolean)
language plpgsql security definer set search_path = '' as $$
declare
  left_over boolean;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('the seals');
  left_over := agentmux.seal(2);
  return query select m.epoch, coalesce(s.seq, 0), coalesce(encode(s.hash, 'hex'), ''), left_over
  from public.mux_meta as m
  left join lateral (select * from agentmux.seals as l order by l.seq desc limit 1) as s on true;
end $$;

-- As before, but not in the middle of an agent's SQL, and without waiting for who replies to it or has it delivered just now.
create or replace function public.redact_message(p_id bigint, p_reason text default null, p_signature jsonb default null)
returns public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  message public.messages;
  done public.redactions;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('messages');
  select i.tag, i.kind, i.verified into me from public.mux_identity() as i;
  select m.* into message from public.messages as m where m.id = p_id for no key update;
  if not found then
    raise exception using errcode = '23503', message = format('there is no message %s', coalesce(p_id::text, 'null'));
  end if;
  if coalesce(me.verified, false) and me.kind <> 'human'
    and (message.verified and upper(message.author_tag collate "C") = upper(me.tag collate "C")) is not true
  then
    raise exception using errcode = '42501',
      message = format('you are %s and may not redact message %s: only %s may', me.tag, p_id,
        case when message.verified then message.author_tag || ' and humans' else 'humans' end);
  end if;
  if exists (select from public.redactions as r where r.message_id = p_id) then return message; end if;
  insert into public.redactions (message_id, by_tag, by_kind, verified, reason, signature)
  values (p_id, me.tag, me.kind, coalesce(me.verified, false), nullif(p_reason, ''), p_signature)
  returning * into done;
  insert into agentmux.redacted_digests (message_id, content, meta)
  values (p_id, agentmux.digest(message.content), agentmux.digest(message.meta::text));
  insert into agentmux.amending (xid, message_id) values (pg_current_xact_id(), p_id);
  update public.messages as m
  set content = agentmux.redacted_content(message.tag), meta = agentmux.redacted_meta(done)
  where m.id = p_id returning m.* into message;
  delete from agentmux.amending as a where a.message_id = p_id;
  return message;
end $$;

-- As before, but does not wait for who deletes the same ones just now.
create or replace function public.mux_event_written() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.events as e where e.id in (
    select stale.id from public.events as stale
    where stale.at < clock_timestamp() - interval '30 days' or stale.id <= new.id - 100000
    for update skip locked);
  return null;
end $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Whether a statement is nothing but a call of the mailbox, or an insert of messages, with its values written out:
--   select * from task_add('a title', p_depends_on => array[1], p_run_at => now() + interval '1 hour')
--   select (task_claim('default')).id
--   with mine as (select * from task_claim()) select id, title from mine
--   insert into messages (content, reply_to) values ('[ME] done', 7) returning id
-- Its tokens become one letter each, and what is a value becomes `v` from the inside out. What is not understood is not plain:
-- a text that this reads otherwise than PostgreSQL does must not pass, so it knows few kinds of tokens, and they have to make
-- up the whole text.
create function agentmux.is_plain(p_query text) returns boolean
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

-- How many statements at the end of a script are plain. Not looked at where none of them could lock what others need.
create function agentmux.plain_tail(p_statements text[]) returns int
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

-- ---------------------------------------------------------------------------------------------------------------------
-- As before; `p_ends`: whether only plain statements follow.
drop function agentmux.agent_statement(text, text[], boolean);
create function agentmux.agent_statement(p_query text, p_parameters text[], p_read_only boolean, p_ends boolean) returns setof json
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

-- As before.
create or replace function public.agent_sql(p_query text, p_parameters text[] default '{}', p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
begin
  return query select line
  from agentmux.agent_statement(p_query, p_parameters, p_read_only, agentmux.plain_tail(array[p_query]) = 1) as line where line is not null;
end $$;

-- As before; the plain statements at the end may lock what others need.
create or replace function public.agent_script(p_statements text[], p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
declare
  -- One row of them, counted from 1, whatever array was given.
  statements text[] := array(select s from unnest(p_statements) with ordinality as s (s, place) order by s.place);
  others int := cardinality(statements) - agentmux.plain_tail(statements);
  lines json[];
  last json[];
begin
  perform public.mux_me();
  for place in 1..cardinality(statements) loop
    lines := array(select line from agentmux.agent_statement(statements[place], '{}', p_read_only, place > others) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- As before, but a table says whose it is: a dump that is restored where the role does not exist leaves it to somebody else.
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
    execute format('create policy agent_results on %s for select to authenticated using ((select public.mux_admitted()))', found_table);
    execute format('comment on policy agent_results on %s is %L', found_table, 'table of ' || pg_catalog.pg_get_userbyid(p_role));
    execute format('create policy agent_results_service on %s for select to service_role using (true)', found_table);
    execute format('grant select on %s to authenticated, service_role', found_table);
    if to_regrole('result_reader') is not null then
      execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
      execute format('grant select on %s to result_reader', found_table);
    end if;
  end loop;
end $$;

do $$
declare
  found record;
begin
  for found in
    select c.oid::regclass as relation, a.role from agentmux.agent_roles as a
    join pg_catalog.pg_roles as r on r.rolname = a.role
    join pg_catalog.pg_class as c on c.relowner = r.oid
    join pg_catalog.pg_policy as p on p.polrelid = c.oid and p.polname = 'agent_results'
  loop
    execute format('comment on policy agent_results on %s is %L', found.relation, 'table of ' || found.role);
  end loop;
end $$;

revoke all on function agentmux.guard_lock(text), agentmux.guard_locks(), agentmux.is_plain(text), agentmux.plain_tail(text[]),
  agentmux.agent_statement(text, text[], boolean, boolean) from public, anon, authenticated, service_role;
