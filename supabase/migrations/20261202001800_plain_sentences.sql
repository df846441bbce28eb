-- Error messages of earlier migrations in plainer English. Functions are replaced as a whole; nothing but sentences changes.

-- The identity's tag, or an error that says what is missing.
create or replace function agentmux.me() returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  me text := (select tag from agentmux.identity());
begin
  if me is null then
    raise exception using errcode = '42501',
      message = case current_setting('role')
        when 'authenticated' then 'this token does not name an agent'
        when 'service_role' then 'this request does not say which tag it acts as'
        else 'plain SQL has no identity' end,
      hint = case current_setting('role')
        when 'authenticated' then 'It needs app_metadata.agent_tag; `agentmux join` creates such a token.'
        when 'service_role' then 'Send the header x-agentmux-tag.'
        else 'Call this over REST with a token, or write to the table itself.' end;
  end if;
  if not agentmux.admitted() then
    if agentmux.token_holds() or exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me collate "C") and a.revoked_at is not null
    ) then
      raise exception using errcode = '42501', message = format('%s has been revoked', me),
        hint = format('A human can restore it: `agentmux agents restore %s`.', me);
    end if;
    raise exception using errcode = '42501', message = format('this token of %s was ended', me),
      hint = format('Run `agentmux join %s` in its folder to get a new one.', me);
  end if;
  return me;
end $$;

-- Keeps the SQL of an agent from holding locks that others wait for. Some functions on long texts (translate, strpos) never check
-- whether they were cancelled. A statement that had locked the tasks and then called one of them kept everyone from finishing,
-- cancelling and requeuing tasks for as long as it ran. Therefore an agent's SQL may lock what others need only at the end of
-- its transaction: in one or more statements that consist of nothing but such a call (or an insert of messages) with literal
-- values. Everything else that would take such a lock is rejected here, before the lock is taken. An agent's own messages,
-- receipts and tables may be locked at any time, because nobody else writes them. `p_what` completes the sentence.
create or replace function agentmux.guard_lock(p_what text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp() and not a.ends
  ) then
    return;
  end if;
  raise exception using errcode = '42501', message = format('an agent can only change %s with a statement that does nothing else', p_what),
    detail = 'Otherwise others would have to wait until the rest of the statement is done.',
    hint = 'Call only the function, with literal values: select * from task_add(''a title'', p_depends_on => array[1]). In a script, such calls must come last.';
end $$;

-- Revokes or restores an agent: for humans, the service role and the owner. Returns the agent's row.
create or replace function agentmux.set_revoked(p_tag text, p_revoked boolean) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  changed public.agents;
  me record;
begin
  select * into me from agentmux.identity();
  if current_setting('role') in ('anon', 'authenticated') then
    perform agentmux.me();
    if me.kind <> 'human' then
      raise exception using errcode = '42501', message = 'only a human may revoke and restore agents';
    end if;
  end if;
  -- A revoked identity could not restore itself.
  if p_revoked and upper(me.tag collate "C") = upper(p_tag collate "C") then
    raise exception using errcode = '22023', message = format('you are %s and cannot revoke yourself', me.tag);
  end if;
  update public.agents as a
  set revoked_at = case when p_revoked then coalesce(a.revoked_at, clock_timestamp()) end
  where upper(a.tag collate "C") = upper(p_tag collate "C")
  returning a.* into changed;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $$;

-- Rejects a dependency or a parent that would close a circle.
create or replace function agentmux.refuse_circle() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  circle bigint[];
begin
  -- Of two who add one half of a circle each, the second sees the first.
  perform agentmux.take_turn();
  circle := agentmux.circle_of(new.id);
  if circle is not null then
    raise exception using errcode = '22023',
      message = format('task %s would be blocked for ever: %s', new.id, agentmux.circle_words(circle)),
      hint = case tg_op when 'INSERT' then format('Task %s was not added. ', new.id) else '' end
        || 'Leave out one of these dependencies.';
  end if;
  return null;
end $$;

-- Rejects a dependency on a task that failed, was cancelled or does not exist: the dependent task could never run.
create or replace function agentmux.refuse_lost_dependency() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  lost record;
begin
  -- Of one who adds the edge and one whose task fails, the second sees the first.
  perform agentmux.take_turn();
  select n as id, d.status into lost from unnest(new.depends_on) as n left join public.tasks as d on d.id = n
  where d.status is null or d.status in ('failed', 'dead', 'cancelled') order by n limit 1;
  if found then
    raise exception using errcode = '22023',
      message = format('task %s would be blocked for ever: task %s, which it depends on, %s', new.id, lost.id,
        case when lost.status is null then 'does not exist' else format('is %s', lost.status) end),
      hint = case tg_op when 'INSERT' then format('Task %s was not added. ', new.id) else '' end
        || format('Leave out that dependency%s.', case when lost.status is null then '' else ', or try that task again first' end);
  end if;
  return null;
end $$;

-- Finishes a task. If not ok, it is tried again after 2, 4, 8 ... seconds, at most an hour, times 0.5 to 1.5 by chance, and is dead
-- after max_attempts. Finishing again with the same outcome returns the same row, until another agent claims the task; a different
-- outcome is rejected.
create or replace function public.task_finish(p_id bigint, p_token bigint, p_ok boolean default true, p_result jsonb default null,
  p_result_table text default null, p_error text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
  fate bytea := agentmux.digest(jsonb_build_array(coalesce(p_ok, false), p_result, p_result_table, p_error)::text);
  before bytea;
  again timestamptz;
begin
  perform agentmux.take_turn();
  select c.outcome into before from agentmux.claims as c join public.tasks as t on t.id = c.task_id
  where c.task_id = p_id and c.token = p_token and t.lease_token = p_token and t.status <> 'running'
    and upper(c.owner collate "C") = me and c.outcome is not null;
  if found then
    if before <> fate then
      raise exception using errcode = '55000', message = format('claim %s of task %s was already finished with a different outcome', p_token, p_id),
        hint = 'The first outcome stands. Send a message to add something.';
    end if;
    return query select t.* from public.tasks as t where t.id = p_id;
    return;
  end if;
  perform agentmux.resume_claim(p_id, p_token);
  if not coalesce(p_ok, false) then
    select clock_timestamp() + agentmux.backoff(t.attempts) * (0.5 + random()) into again from public.tasks as t where t.id = p_id;
  end if;
  return query
  with ended as (
    update public.tasks as t set
      status = case when p_ok then 'done' when t.attempts >= t.max_attempts then 'dead' else 'queued' end,
      progress = case when p_ok then 1 else 0 end,
      run_at = again,
      result = coalesce(p_result, t.result), result_table = coalesce(p_result_table, t.result_table),
      last_error = case when p_ok then null else left(coalesce(p_error, 'no reason was given'), 10000) end
    where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
    returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, outcome, again_at) select ended.id, p_token, me, fate, again from ended
    on conflict (task_id) do update set token = excluded.token, lapsed = false, outcome = fate, again_at = again
  ) select * from ended;
end $$;

-- Watches a table for a tag. There is one trigger for each kind of change, because triggers for several cannot have transition tables.
create or replace function public.watch_table(p_table text, p_to_tag text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := agentmux.watch_target(p_table);
  found record;
  kind text;
begin
  if p_to_tag collate "C" !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' or p_to_tag is null then
    raise exception using errcode = '22023', message = format('%L is not a tag', p_to_tag),
      hint = 'A tag is a letter followed by up to 31 letters, digits, _ or -.';
  end if;
  select c.relkind, c.relpersistence into found from pg_catalog.pg_class as c where c.oid = target;
  if found.relkind not in ('r', 'p') or found.relpersistence = 't' then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target);
  end if;
  if target in ('public.messages'::regclass, 'public.channel_entries'::regclass, 'public.receipts'::regclass,
    'public.cursors'::regclass, 'public.agents'::regclass) then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target),
      hint = 'Messages change this table, so each message would cause another one.';
  end if;
  foreach kind in array array['insert', 'update', 'delete'] loop
    execute format('create or replace trigger %I after %s on %s referencing %s table as changed
      for each statement execute function agentmux.watch_statement(%L)',
      format('mux_watch_%s_%s', kind, lower(p_to_tag)), kind, target, case kind when 'delete' then 'old' else 'new' end, p_to_tag);
  end loop;
end $$;

-- Creates the role that the SQL of the calling agent needs, if there is none yet. A separate function, so that nothing else is done
-- in its transaction.
create or replace function public.mux_make_role() returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
begin
  if agentmux.acting_role() is not null or not exists (select from agentmux.identity() as i where i.kind = 'agent' and i.verified) then
    raise exception using errcode = '42501', message = 'only an agent with its own token can call this, and not from SQL';
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
      hint = 'Call mux_make_role() in a separate request, then try again.';
  end if;
  return known;
exception when lock_not_available then
  raise exception using errcode = 'PT429', message = format('an earlier statement of %s is still running', p_tag),
    detail = 'An agent can run only one statement at a time, and some functions on long texts cannot be cancelled.',
    hint = 'Wait until it ends, then request less at a time. Sending messages and reading the inbox still work.';
end $$;

comment on column public.agents.sessions is 'the number of running clients of this agent, as far as they have reported';
comment on column public.tasks.run_at is 'not before this time; null: immediately';
comment on column public.tasks.assignee is 'only this tag may claim it; null: any tag';
comment on table public.events is 'the state of a task or an agent from then on';
comment on table public.redactions is 'who redacted which message';

insert into agentmux.migrations (version) values ('20261202001800');
