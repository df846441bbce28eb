-- The board speaks: who is concerned hears of it, a task that is ready finds an idle agent, and nothing of an attempt is lost.

-- Why a task came to stand as it does, and who did that: events.reason.
alter table public.events add column if not exists reason text
  constraint events_reason_at_most_500_characters check (char_length(reason) <= 500);
comment on column public.events.reason is 'of a task: why it failed, was put back, cancelled or retried';

-- The queues that an agent has asked for work: an idle one is offered theirs first.
create table if not exists agentmux.workers (
  tag text collate "C" not null,
  queue text not null,
  at timestamptz not null default clock_timestamp(),
  constraint workers_pkey primary key (tag, queue)
);
comment on column agentmux.workers.tag is 'the tag in upper case';
create index if not exists workers_queue on agentmux.workers (queue);

-- The queued tasks that can be claimed, and to whom each was offered. Without a foreign key: its lock on the task would make a claim
-- pass it over (skip locked) while its offer is written.
create table if not exists agentmux.offers (
  task_id bigint not null constraint offers_pkey primary key,
  since timestamptz not null default clock_timestamp(),
  tag text collate "C",
  at timestamptz,
  times int not null default 0,
  message_id bigint,
  is_reported boolean not null default false
);
comment on column agentmux.offers.since is 'when it was first seen to be ready';
comment on column agentmux.offers.tag is 'the tag in upper case, to which it was offered last; null: nobody yet';
comment on column agentmux.offers.is_reported is 'whether somebody was told that nobody claims it';
create index if not exists offers_tag on agentmux.offers (tag);

-- The sessions whose agent was told what it holds.
create table if not exists agentmux.reminded (
  tag text collate "C" not null,
  session text not null,
  constraint reminded_pkey primary key (tag, session)
);

-- When the offers were last looked at. Whoever has the row looks, and nobody else at the same time.
create table if not exists agentmux.offer_clock (
  one boolean not null default true constraint offer_clock_pkey primary key constraint offer_clock_one_row check (one),
  at timestamptz not null default '-infinity'
);
insert into agentmux.offer_clock default values on conflict do nothing;

-- What this transaction did to tasks of which others should hear. Told when it commits, in one message to each.
create table if not exists agentmux.task_news (
  id bigint generated always as identity constraint task_news_pkey primary key,
  to_tag text collate "C" not null,
  task_id bigint not null,
  line text not null
);

alter table agentmux.workers enable row level security;
alter table agentmux.offers enable row level security;
alter table agentmux.reminded enable row level security;
alter table agentmux.offer_clock enable row level security;
alter table agentmux.task_news enable row level security;
revoke all on agentmux.workers, agentmux.offers, agentmux.reminded, agentmux.offer_clock, agentmux.task_news from public, anon, authenticated, service_role;

-- ---- Words

-- A text by others within a sentence of SYSTEM's: quoted, on one line, and without mentions.
create or replace function agentmux.quoted(p_text text, p_max int) returns text
language sql immutable strict set search_path = '' as $$
  select regexp_replace(to_json(case when char_length(p_text) > p_max then left(p_text, p_max) || '…' else p_text end)::text,
    '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\\u0040', 'g')
$$;

-- `Task #5 "Port the parser"`; a task with steps is a plan.
create or replace function agentmux.task_name(p_id bigint) returns text
language sql stable set search_path = '' as $$
  select format('%s #%s %s', case when exists (select from public.tasks as step where step.parent_id = t.id) then 'Plan' else 'Task' end,
    t.id, agentmux.quoted(t.title, 80))
  from public.tasks as t where t.id = p_id
$$;

-- `7 of 10 steps done, 1 dead, 2 cancelled`, of all tasks below a plan that are not plans themselves.
create or replace function agentmux.plan_counts(p_id bigint) returns text
language sql stable set search_path = '' as $$
  select format('%s of %s %s done', count(*) filter (where t.status = 'done'), count(*), case count(*) when 1 then 'step' else 'steps' end)
    || coalesce(', ' || nullif(concat_ws(', ',
      nullif(count(*) filter (where t.status = 'dead'), 0) || ' dead',
      nullif(count(*) filter (where t.status = 'cancelled'), 0) || ' cancelled'), ''), '')
  from public.tasks as t
  where t.id in (select agentmux.task_tree(p_id)) and t.id <> p_id
    and not exists (select from public.tasks as step where step.parent_id = t.id)
$$;

-- Who has done what this transaction does; null: the database itself, because a lease ran out.
create or replace function agentmux.actor() returns text
language sql stable security definer set search_path = '' as $$
  select case when coalesce(current_setting('agentmux.reaping', true), '') <> 'on' then (select i.tag from agentmux.identity() as i) end
$$;

-- The name by which the log knows the caller.
create or replace function agentmux.caller_name() returns text
language sql stable security definer set search_path = '' as $$
  select coalesce((select i.tag from agentmux.identity() as i),
    case current_setting('role') when 'service_role' then 'a service key' else 'plain SQL' end)
$$;

-- ---- Who is concerned is told

-- Notes a sentence for these tags, except the one who did it. What was noted is told when the transaction commits.
create or replace function agentmux.tell(p_task bigint, p_tags text[], p_line text) returns void
language sql volatile security definer set search_path = '' as $$
  insert into agentmux.task_news (to_tag, task_id, line)
  select min(t), p_task, p_line from unnest(p_tags) as t
  where t is not null and upper(t collate "C") is distinct from upper(agentmux.actor() collate "C")
  group by upper(t collate "C") order by 1
$$;

-- The humans, for what needs one.
create or replace function agentmux.humans() returns text[]
language sql stable set search_path = '' as $$
  select coalesce(array_agg(a.tag order by a.tag), '{HUMAN}') from public.agents as a where a.kind = 'human' and a.revoked_at is null
$$;

-- Posts a message of SYSTEM's about tasks. It asks nothing: mark_read acks it.
create or replace function agentmux.post_about_tasks(p_to text, p_tasks bigint[], p_text text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  before text := coalesce(current_setting('agentmux.author', true), '');
  posted bigint;
begin
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content, meta)
  values (format('[SYSTEM] @%s %s', p_to, p_text), jsonb_build_object('tasks', to_jsonb(p_tasks)))
  returning id into posted;
  perform set_config('agentmux.author', before, true);
  return posted;
end $$;

-- Tells each of them in one message what was noted for it: the first ten sentences, and how many more there are.
create or replace function agentmux.tell_news() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  heap record;
begin
  if not exists (select from agentmux.task_news) then return null; end if;
  for heap in
    with gone as (delete from agentmux.task_news returning *),
    numbered as (select gone.*, row_number() over (partition by upper(gone.to_tag) order by gone.id) as place from gone)
    select min(n.to_tag) as to_tag, array_agg(distinct n.task_id) as tasks,
      string_agg(n.line, E'\n' order by n.id) filter (where n.place <= 10)
        || case when count(*) > 10 then format(E'\nand %s more', count(*) - 10) else '' end as text
    from numbered as n group by upper(n.to_tag) order by upper(n.to_tag)
  loop
    perform agentmux.post_about_tasks(heap.to_tag, heap.tasks, heap.text);
  end loop;
  return null;
end $$;

drop trigger if exists task_news_tell on agentmux.task_news;
create constraint trigger task_news_tell after insert on agentmux.task_news deferrable initially deferred
  for each row execute function agentmux.tell_news();

-- An offer has done its work: the task was claimed, assigned, or has ended.
create or replace function agentmux.end_offer(p_id bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  ended agentmux.offers;
begin
  delete from agentmux.offers as o where o.task_id = p_id returning o.* into ended;
  if ended.message_id is not null then perform agentmux.ack(ended.tag, array[ended.message_id], 'task'); end if;
end $$;

-- Notes who is concerned by a task's end. A step's end is not told: its plan's is. Who was working on a step that is cancelled is
-- told to stop.
create or replace function agentmux.task_ended() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  is_plan boolean;
  line text;
  broken record;
  other record;
begin
  if old.status = 'queued' then perform agentmux.end_offer(new.id); end if;
  if new.status = 'running' and new.lease_owner is not null then
    -- What else was offered to it is for others now.
    for other in
      select o.task_id, o.tag, o.message_id from agentmux.offers as o
      where o.tag = upper(new.lease_owner collate "C") for update skip locked
    loop
      if other.message_id is not null then perform agentmux.ack(other.tag, array[other.message_id], 'task'); end if;
      update agentmux.offers as o set tag = null, at = null, message_id = null where o.task_id = other.task_id;
    end loop;
  end if;
  if new.status not in ('done', 'failed', 'dead', 'cancelled') or old.status not in ('queued', 'running') then return null; end if;
  if new.status = 'cancelled' and old.lease_owner is not null then
    perform agentmux.tell(new.id, array[old.lease_owner],
      format('%s is not yours any more: %s.', agentmux.task_name(new.id), coalesce(agentmux.quoted(new.last_error, 300), 'it was cancelled')));
  end if;
  if new.parent_id is not null then return null; end if;
  is_plan := exists (select from public.tasks as step where step.parent_id = new.id);
  line := agentmux.task_name(new.id);
  if not is_plan then
    line := line || case new.status
      when 'done' then format(' is done%s.', ' by ' || old.lease_owner)
      when 'dead' then format(' is dead after %s %s%s: %s.', new.attempts, case new.attempts when 1 then 'attempt' else 'attempts' end,
        ', the last by ' || old.lease_owner, agentmux.quoted(new.last_error, 300))
      else format(' is %s: %s.', new.status, coalesce(agentmux.quoted(new.last_error, 300), 'no reason was given')) end;
  elsif new.status = 'done' then
    line := format('%s is through: %s.', line, agentmux.plan_counts(new.id));
  else
    select t.id, t.status, t.last_error into broken from public.tasks as t
    where t.id in (select agentmux.task_tree(new.id)) and t.id <> new.id and t.status = 'dead' order by t.updated_at desc limit 1;
    line := format('%s %s: %s.', line, case new.status when 'cancelled' then 'is cancelled' else 'has failed' end, agentmux.plan_counts(new.id));
    if found then line := line || format(' Step #%s is dead: %s.', broken.id, agentmux.quoted(broken.last_error, 300)); end if;
    if new.status = 'cancelled' and new.last_error is not null then line := line || ' ' || agentmux.quoted(new.last_error, 300) || '.'; end if;
  end if;
  perform agentmux.tell(new.id, array[new.created_by]
    -- Whose lease ran out does not know it.
    || case when new.status = 'dead' then array[old.lease_owner] else '{}' end
    || case when new.status in ('dead', 'failed') then agentmux.humans() else '{}' end, line);
  return null;
end $$;

-- After the other triggers, in the order of their names: what is counted has been changed by then.
create or replace trigger tasks_told after update of status on public.tasks
  for each row when (old.status <> new.status) execute function agentmux.task_ended();

-- ---- Attempts and their reasons

-- Changes of only the progress are recorded at most every five seconds: the row itself has the latest value. An event from the
-- future, written while the clock was ahead, does not count. force_custom_plan: a plan that was made while the table was empty would
-- scan all of it.
create or replace function agentmux.task_history() returns trigger
language plpgsql security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if tg_op = 'UPDATE' and new.status = old.status and new.lease_owner is not distinct from old.lease_owner
    and exists (select from public.events as e where e.task_id = new.id
      and e.at > new.updated_at - interval '5 seconds' and e.at <= new.updated_at)
  then
    return null;
  end if;
  insert into public.events (kind, at, task_id, tag, state, progress, reason)
  values ('task', new.updated_at, new.id, coalesce(new.lease_owner, old.lease_owner), new.status, new.progress,
    case when tg_op = 'UPDATE' and new.status <> old.status and new.status not in ('running', 'done')
      then left(coalesce(nullif(current_setting('agentmux.reason', true), ''), new.last_error), 500) end);
  return null;
end $$;

-- The attempts at a task: by whom, from when until when, how far it came, and how and why each ended. Kept as long as the events are.
create or replace function public.task_attempts(p_id bigint) returns table (attempt int, owner text, begun_at timestamptz,
  ended_at timestamptz, outcome text, progress real, reason text)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  perform public.mux_guard();
  return query
  with stood as (
    select e.*, lag(e.state) over (order by e.at, e.id) as state_before, lag(e.tag) over (order by e.at, e.id) as tag_before
    from public.events as e where e.task_id = p_id
  ), begun as (
    select s.* from stood as s where s.state = 'running' and (s.state_before is distinct from 'running' or s.tag_before is distinct from s.tag)
  )
  select (row_number() over (order by b.at, b.id))::int, b.tag, b.at, ended.at, ended.state, coalesce(ended.progress, last.progress), ended.reason
  from begun as b
  left join lateral (
    select s.* from stood as s where (s.at, s.id) > (b.at, b.id) and (s.state <> 'running' or s.tag is distinct from b.tag)
    order by s.at, s.id limit 1
  ) as ended on true
  left join lateral (
    select s.progress from stood as s
    where s.state = 'running' and (s.at, s.id) >= (b.at, b.id) and (ended.id is null or (s.at, s.id) < (ended.at, ended.id))
    order by s.at desc, s.id desc limit 1
  ) as last on true
  order by b.at, b.id limit 100;
end $$;

-- ---- Leases follow life

-- The last client of an agent has signed off or is dead: the leases of that agent end within seconds, in which it may come back.
-- Rows that somebody is changing at this moment are left to that.
create or replace function agentmux.owner_left() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  with held as (
    select t.id from public.tasks as t
    where t.status = 'running' and upper(t.lease_owner collate "C") = upper(new.tag collate "C")
      and t.lease_until > clock_timestamp() + interval '10 seconds'
    for update skip locked
  ) update public.tasks as t set lease_until = clock_timestamp() + interval '10 seconds' from held where t.id = held.id;
  return null;
end $$;

create or replace trigger agents_left after update of presence on public.agents
  for each row when (new.presence = 'away' and old.presence <> 'away') execute function agentmux.owner_left();

create or replace function agentmux.has_session(p_tag text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.agent_sessions as s
    where s.tag = upper(p_tag collate "C") and s.seen_at > clock_timestamp() - interval '5 minutes')
$$;

-- Requeues tasks whose leases have expired (dead after max_attempts); returns how many. Writes nothing if no task is leased. A lease
-- of an owner whose client lives is not taken away, for an hour at most: it may have been claimed with plain SQL, or its server was
-- restarted. An owner who has gone away does not lose an attempt. What was noted and how far it came stays for the next.
create or replace function agentmux.reap(p_period interval default null, p_resumed boolean default false) returns int
language plpgsql security definer set search_path = '' as $$
declare
  expired bigint[];
begin
  if not exists (select from public.tasks as t where t.status = 'running') then return 0; end if;
  perform agentmux.observe_leases(p_period, p_resumed);
  if not exists (select from public.tasks as t where t.status = 'running' and t.lease_until < clock_timestamp()) then return 0; end if;
  perform agentmux.take_turn();
  with lost as (
    select t.id, t.lease_token, t.lease_owner from public.tasks as t
    where t.status = 'running' and t.lease_until < clock_timestamp()
      and not (t.lease_until > clock_timestamp() - interval '1 hour' and agentmux.has_session(t.lease_owner))
    for update skip locked
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, lapsed)
    select lost.id, lost.lease_token, lost.lease_owner, true from lost
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = true, outcome = null, again_at = null
    returning c.task_id
  ) select coalesce(array_agg(kept.task_id), '{}') into expired from kept;
  perform set_config('agentmux.reaping', 'on', true);
  update public.tasks as t set
    status = case when t.attempts >= t.max_attempts and not owner.is_away then 'dead' else 'queued' end,
    attempts = t.attempts - owner.is_away::int,
    run_at = null,
    last_error = case when owner.is_away then format('%s went away', t.lease_owner) else format('the lease of %s ran out', t.lease_owner) end
  from (
    select lost.id, exists (select from public.agents as a
      where upper(a.tag collate "C") = upper(lost.lease_owner collate "C") and a.presence = 'away') as is_away
    from public.tasks as lost where lost.id = any (expired)
  ) as owner
  where t.id = owner.id;
  perform set_config('agentmux.reaping', '', true);
  return cardinality(expired);
end $$;

-- Gives a task that was requeued because its lease expired back to its last owner, with the former claim, unless another one has
-- claimed it since, or it was cancelled or assigned to another agent. This does not count as another attempt.
create or replace function agentmux.resume_claim(p_id bigint, p_token bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
  task public.tasks;
begin
  if not exists (select from agentmux.claims as c where c.task_id = p_id and c.token = p_token and c.lapsed) then return; end if;
  perform agentmux.take_turn();
  select t.* into task from public.tasks as t join agentmux.claims as c on c.task_id = t.id
  where t.id = p_id and t.status in ('queued', 'dead') and t.lease_token = p_token
    and c.token = p_token and c.lapsed and upper(c.owner collate "C") = me
    and (t.assignee is null or upper(t.assignee collate "C") = me)
  for update of t;
  if not found then return; end if;
  -- What died with it lives again.
  if task.status = 'dead' then perform agentmux.requeue(p_id); end if;
  perform agentmux.begin_lease();
  update agentmux.claims as c set lapsed = false where c.task_id = p_id;
  update public.tasks as t set status = 'running', lease_owner = c.owner, lease_until = agentmux.lease(60),
    -- The attempt that an owner who went away did not lose is this one.
    attempts = task.attempts + (task.last_error = format('%s went away', c.owner))::int, last_error = null
  from agentmux.claims as c where t.id = p_id and c.task_id = p_id;
end $$;

-- ---- Claiming, finishing, cancelling, retrying

drop function if exists public.task_claim(text, int, bigint);
-- Claims a task for the caller: the given one, or the next that is ready. First come tasks that are assigned to the caller, in any
-- queue; then those of p_queue, or without it those of `default` and of the queues in which the caller has claimed before. Among these,
-- the highest priority first, then the oldest. Tasks with steps, with a later run_at, with dependencies that are not done,
-- or with another assignee are not claimed. p_hold: no next task if the caller holds that many; null: no bound.
create or replace function public.task_claim(p_queue text default null, p_lease int default 60, p_id bigint default null,
  p_hold int default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(agentmux.me() collate "C");
  queues text[];
  instant timestamptz;
  chosen bigint;
  former record;
begin
  perform agentmux.reap();
  if p_id is null then
    queues := case when p_queue is not null then array[p_queue]
      else array(select w.queue from agentmux.workers as w where w.tag = folded union select 'default') end;
    if p_hold is not null and p_hold <= (select count(*) from public.tasks as t
      where t.status = 'running' and upper(t.lease_owner collate "C") = folded) then return; end if;
  end if;
  instant := clock_timestamp();
  select t.id into chosen from public.tasks as t
  where t.status = 'queued'
    -- A back-off that is longer than the longest is one from before the clock was set back.
    and (t.run_at is null or t.run_at <= instant
      or (t.attempts > 0 and t.run_at > instant + 1.5 * agentmux.backoff(t.attempts)
        and exists (select from agentmux.claims as c where c.task_id = t.id and c.again_at = t.run_at)))
    and (t.id = p_id or (p_id is null and (t.queue = any (queues) or t.assignee is not null)))
    and (t.assignee is null or upper(t.assignee collate "C") = folded)
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and not exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
  order by t.assignee is null, t.priority desc, t.id
  limit 1 for update of t skip locked;
  if p_id is null then
    insert into agentmux.workers as w (tag, queue) select folded, q from unnest(queues) as q
    on conflict (tag, queue) do update set at = excluded.at where w.at < excluded.at - interval '1 hour';
    delete from agentmux.workers as w where w.tag = folded and w.at < clock_timestamp() - interval '30 days';
  end if;
  if chosen is null then return; end if;
  perform agentmux.begin_lease();
  select c.owner, c.lapsed into former from agentmux.claims as c where c.task_id = chosen;
  if former.lapsed and upper(former.owner collate "C") <> folded then
    perform agentmux.tell(chosen, array[former.owner], format('%s is not yours any more: %s claimed it after your lease had ended.',
      agentmux.task_name(chosen), me));
  end if;
  return query
  with claimed as (
    update public.tasks as t set status = 'running', lease_owner = me, lease_token = t.lease_token + 1,
      lease_until = agentmux.lease(p_lease), attempts = t.attempts + 1
    where t.id = chosen returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner) select claimed.id, claimed.lease_token, me from claimed
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = false, outcome = null, again_at = null
  ) select * from claimed;
end $$;

-- What the caller has claimed and not finished, the oldest first.
create or replace function public.task_held() returns setof public.tasks
language plpgsql stable security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
begin
  return query select t.* from public.tasks as t
  where t.status = 'running' and upper(t.lease_owner collate "C") = me order by t.id limit 100;
end $$;

drop function if exists public.task_finish(bigint, bigint, boolean, jsonb, text, text);
-- Finishes a task. If not ok, it is tried again after 2, 4, 8 ... seconds, at most an hour, times 0.5 to 1.5 by chance, and is dead
-- after max_attempts, or at once with p_dead. Finishing again with the same outcome returns the same row, until another agent claims
-- the task; a different outcome is rejected.
create or replace function public.task_finish(p_id bigint, p_token bigint, p_ok boolean default true, p_result jsonb default null,
  p_result_table text default null, p_error text default null, p_dead boolean default false)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
  is_last boolean := coalesce(p_dead, false) and not coalesce(p_ok, false);
  fate bytea := agentmux.digest((jsonb_build_array(coalesce(p_ok, false), p_result, p_result_table, p_error)
    || case when is_last then '["dead"]' else '[]' end::jsonb)::text);
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
  if not coalesce(p_ok, false) and not is_last then
    select clock_timestamp() + agentmux.backoff(t.attempts) * (0.5 + random()) into again from public.tasks as t where t.id = p_id;
  end if;
  return query
  with ended as (
    update public.tasks as t set
      status = case when p_ok then 'done' when is_last or t.attempts >= t.max_attempts then 'dead' else 'queued' end,
      progress = case when p_ok then 1 else t.progress end,
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

drop function if exists public.task_cancel(bigint);
-- Cancels a task with all its steps. The lock is taken first, so that what guard_task found is still true when the task is changed.
create or replace function public.task_cancel(p_id bigint, p_reason text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  tree bigint[];
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'cancel');
  with recursive below as (
    select t.id from public.tasks as t where t.id = p_id and t.status in ('queued', 'running')
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select array_agg(id) into tree from below;
  return query with cancelled as (
    update public.tasks as t set status = 'cancelled',
      last_error = left('cancelled by ' || agentmux.caller_name() || coalesce(': ' || nullif(p_reason, ''), ''), 10000)
    where t.id = any (tree) and t.status in ('queued', 'running') returning t.*
  ) select * from cancelled where id = p_id;
end $$;

-- Does the work of task_retry, without checking who may. A plan is requeued with all its steps that were not done, except those
-- that wait for a task which stays cancelled: they could never run, and the plan would never end. Their last_error names that
-- task, and so does the error when they are retried themselves. Notes and progress stay: whoever takes it next goes on from there.
create or replace function agentmux.requeue(p_id bigint) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  automatic constant text := 'task %, which it depends on, is %';
  meant public.tasks;
  lost record;
  again bigint[];
  more bigint[];
  circle bigint[];
begin
  select t.* into meant from public.tasks as t where t.id = p_id for update;
  if not found or meant.status not in ('failed', 'dead', 'cancelled') then return; end if;
  again := array(select t.id from public.tasks as t where t.id in (select agentmux.task_tree(p_id)) and (t.id = p_id
    or t.status in ('failed', 'dead')
    or (t.status = 'cancelled' and (meant.status = 'cancelled' or t.last_error like automatic))));
  again := again || array(with recursive above as (
    select meant.parent_id as id
    union
    select t.parent_id from public.tasks as t join above on t.id = above.id
  ) select t.id from public.tasks as t join above on t.id = above.id where t.status in ('failed', 'dead', 'cancelled', 'done'));
  select d.id, d.status into lost from unnest(meant.depends_on) as n join public.tasks as d on d.id = n
  where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again) order by d.id limit 1;
  if found then
    raise exception using errcode = '55000', message = format('task %s depends on task %s, which is %s', p_id, lost.id, lost.status),
      hint = format('Retry task %s: what waits for it comes back with it.', lost.id);
  end if;
  select n as id into lost from unnest(meant.depends_on) as n
  where not exists (select from public.tasks as d where d.id = n) order by n limit 1;
  if found then
    raise exception using errcode = '55000', message = format('task %s depends on task %s, which was deleted', p_id, lost.id),
      hint = 'Add it again without that.';
  end if;
  loop
    more := array(select t.id from public.tasks as t
      where t.id = any (again) and t.id <> p_id and t.status = 'cancelled' and t.id in (select agentmux.task_tree(p_id)) and (
        exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n
          where d.id is null or (d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)))
        or exists (select from public.tasks as plan
          where plan.id = t.parent_id and plan.status = 'cancelled' and plan.id <> all (again))));
    exit when more = '{}';
    again := array(select n from unnest(again) as n where n <> all (more));
  end loop;
  loop
    more := array(select t.id from public.tasks as t
      where t.status = 'cancelled' and t.depends_on && again and t.last_error like automatic and t.id <> all (again)
        and not exists (select from unnest(t.depends_on) as n join public.tasks as d on d.id = n
          where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)));
    exit when more = '{}';
    again := again || more;
  end loop;
  update public.tasks as t set status = 'queued', attempts = 0, run_at = null,
      progress = case when t.status = 'done' then 0 else t.progress end,
      -- Who takes it next should know what went wrong.
      last_error = case when t.status = 'dead' then t.last_error end
  where t.id = any (again);
  -- What was done meanwhile may be open again, and with it a circle.
  for lost in select t.id from public.tasks as t where t.id = any (again)
    and (t.parent_id is not null or exists (select from public.tasks as step where step.parent_id = t.id)) order by t.id
  loop
    circle := agentmux.circle_of(lost.id);
    if circle is not null then
      raise exception using errcode = '55000', message = format('task %s would be blocked for ever: %s', p_id, agentmux.circle_words(circle)),
        hint = 'Cancel one of these tasks first.';
    end if;
  end loop;
  return query select t.* from public.tasks as t where t.id = p_id;
end $$;

drop function if exists public.task_retry(bigint);
-- Requeues a failed, dead or cancelled task, with all its attempts left.
create or replace function public.task_retry(p_id bigint, p_reason text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'retry');
  perform set_config('agentmux.reason', 'retried by ' || agentmux.caller_name() || coalesce(': ' || nullif(p_reason, ''), ''), true);
  return query select * from agentmux.requeue(p_id);
  perform set_config('agentmux.reason', '', true);
end $$;

-- Assigns a queued task, so that only that tag may claim it; null: any tag may. In a plan, all queued steps are assigned. To whom it
-- was assigned before is told.
create or replace function public.task_assign(p_id bigint, p_assignee text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  former text[];
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'assign');
  former := array(select distinct t.assignee from public.tasks as t
    where t.id in (select agentmux.task_tree(p_id)) and t.status = 'queued' and t.assignee is not null
      and upper(t.assignee collate "C") is distinct from upper(p_assignee collate "C")
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued'));
  return query with changed as (
    update public.tasks as t set assignee = p_assignee
    where t.id in (select agentmux.task_tree(p_id)) and t.status = 'queued'
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued')
    returning t.*
  ) select * from changed where id = p_id;
  if former <> '{}' then
    perform agentmux.tell(p_id, former, format('%s is not yours any more: %s assigned it to %s.', agentmux.task_name(p_id),
      agentmux.caller_name(), coalesce(p_assignee, 'any agent')));
  end if;
end $$;

-- It is to be offered to somebody else, or again.
create or replace function agentmux.task_assigned() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.end_offer(new.id);
  return null;
end $$;

create or replace trigger tasks_assigned after update of assignee on public.tasks
  for each row when (old.assignee is distinct from new.assignee) execute function agentmux.task_assigned();

-- Checks once for each plan who may add steps to it, and derives its progress once, however many steps a statement adds: a hundred
-- times took longer than a statement may on a busy machine.
create or replace function agentmux.steps_added() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  plan bigint;
begin
  for plan in select distinct a.parent_id from added as a where a.parent_id is not null order by a.parent_id loop
    perform agentmux.guard_task(plan, 'add a step to');
    perform agentmux.task_derive(plan);
  end loop;
  return null;
end $$;

drop trigger if exists tasks_added on public.tasks;
drop trigger if exists tasks_before_insert_step on public.tasks;
drop function if exists agentmux.guard_step();
create or replace trigger tasks_steps_added after insert on public.tasks referencing new table as added
  for each statement execute function agentmux.steps_added();

drop function if exists public.task_plan(text, jsonb, boolean, text, text, int, bigint, int, bigint[], text, bigint);
-- Adds a plan, which is a task with steps, in one transaction, so that it cannot be claimed or end before all steps were added.
-- Returns the task, then its steps, in order. With p_in_order each step depends on the one before it, and the first on p_depends_on;
-- otherwise each depends on p_depends_on. Adding another plan with the same idem_key to the same queue returns the first. p_assignee:
-- only this tag may claim the steps.
create or replace function public.task_plan(p_title text, p_steps jsonb, p_in_order boolean default true, p_body text default '',
  p_queue text default 'default', p_priority int default 0, p_parent_id bigint default null, p_position int default 0,
  p_depends_on bigint[] default '{}', p_idem_key text default null, p_message_id bigint default null, p_assignee text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  steps jsonb := case when jsonb_typeof(p_steps) = 'array' then p_steps else '[]' end;
  heading public.tasks;
  in_order boolean := coalesce(p_in_order, true);
  needed bigint[];
  batch record;
  added bigint;
begin
  perform public.mux_guard();
  if jsonb_array_length(steps) not between 1 and 100 then
    raise exception using errcode = '22023', message = 'a plan is an array of 1 to 100 steps';
  end if;
  select t.* into heading from public.task_add(p_title, p_body, p_queue, p_priority, p_parent_id, p_position, p_depends_on,
    p_idem_key => p_idem_key, p_message_id => p_message_id, p_assignee => p_assignee) as t;
  if not exists (select from public.tasks as t where t.parent_id = heading.id) then
    needed := heading.depends_on;
    -- One after the other if they wait for each other, so that the search for circles finds none behind it; otherwise all at once.
    for batch in
      select min(s.place)::int as first, jsonb_agg(s.value order by s.place) as steps
      from jsonb_array_elements(steps) with ordinality as s (value, place)
      group by case when in_order then s.place end order by 1
    loop
      with inserted as (
        insert into public.tasks (title, body, queue, priority, parent_id, position, depends_on, message_id, created_by, assignee)
        select s.value ->> 'title', coalesce(s.value ->> 'body', ''), heading.queue, heading.priority, heading.id,
          batch.first + s.place::int - 1, needed, heading.message_id, (select i.tag from agentmux.identity() as i), heading.assignee
        from jsonb_array_elements(batch.steps) with ordinality as s (value, place) order by s.place
        returning id
      ) select max(id) into added from inserted;
      if in_order then needed := array[added]; end if;
    end loop;
  end if;
  return query select t.* from public.tasks as t where t.id = heading.id or t.parent_id = heading.id
    order by t.id <> heading.id, t.position, t.id;
end $$;

-- ---- A task that is ready finds an idle agent

-- The idle agent to which a ready task is to be offered; null: nobody now. It can be woken, holds no task, and no other task was
-- offered to it in the last minutes. Those who have claimed in that queue come first: whoever of them is busy now will look for the next
-- one when it is done, so that others are woken only after a minute. Who added it is asked to do it only where it has claimed before:
-- it may wait for another who is away. Among equals, who was woken least recently.
create or replace function agentmux.agent_for(p_task public.tasks) returns text
language sql stable security definer set search_path = '' as $$
  with living as (
    select a.tag, upper(a.tag collate "C") as folded, a.presence, a.wake from public.agents as a
    where a.kind = 'agent' and a.revoked_at is null and agentmux.has_session(a.tag)
      and (p_task.assignee is null or upper(a.tag collate "C") = upper(p_task.assignee collate "C"))
      -- An idle agent that cannot be woken does not count.
      and (a.presence <> 'idle' or a.wake is not null)
  ), team as (
    select l.*,
      case when exists (select from agentmux.workers as w where w.tag = l.folded and w.queue = p_task.queue) then 0
        else 1 end as rank,
      l.presence = 'idle'
        and exists (select from public.agent_sessions as s where s.tag = l.folded and s.presence = 'idle' and s.wake is not null
          and coalesce(s.quiet_until <= clock_timestamp(), true))
        and not exists (select from public.tasks as held where held.status = 'running' and upper(held.lease_owner collate "C") = l.folded)
        and not exists (select from agentmux.offers as o
          where o.tag = l.folded and o.task_id <> p_task.id and o.at > clock_timestamp() - interval '5 minutes') as is_free
    from living as l
    where p_task.assignee is not null or l.folded is distinct from upper(p_task.created_by collate "C")
      or exists (select from agentmux.workers as w where w.tag = l.folded and w.queue = p_task.queue)
  )
  select t.tag from team as t
  where t.is_free and (t.rank = (select min(rank) from team)
    or (select o.since from agentmux.offers as o where o.task_id = p_task.id) < clock_timestamp() - interval '1 minute')
  order by t.rank, (select max(o.at) from agentmux.offers as o where o.tag = t.folded) nulls first, t.folded
  limit 1
$$;

-- Counts that an agent wakes another one by a task that it added, as wake_begin counts messages. False if they are damped.
create or replace function agentmux.may_wake(p_author text, p_tag text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  first text := least(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
  second text := greatest(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
begin
  if p_author is null or first = second
    or not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_author collate "C") and a.kind = 'agent')
  then return true; end if;
  if exists (select from agentmux.wakes as w where w.low = first and w.high = second and w.wakes >= agentmux.max_wakes()) then
    update agentmux.wakes as w set damped = true where w.low = first and w.high = second and not w.damped;
    perform agentmux.show_damped(array[upper(p_tag collate "C")]);
    return false;
  end if;
  insert into agentmux.wakes as w (low, high, wakes, last_id) values (first, second, 1, 0)
  on conflict on constraint wakes_pkey do update set wakes = w.wakes + 1;
  return true;
end $$;

-- Whether there is work for which nothing has to be waited.
create or replace function agentmux.is_ready(p_task public.tasks) returns boolean
language sql stable set search_path = '' as $$
  select p_task.status = 'queued' and (p_task.run_at is null or p_task.run_at <= clock_timestamp())
    and not exists (select from public.tasks as step where step.parent_id = p_task.id)
    and not exists (select from unnest(p_task.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
$$;

-- Offers ready tasks to idle agents, each to one, by a message of SYSTEM's that wakes it: after three seconds, in which whoever is at
-- work may claim it; again after 5 and 10 minutes in which nobody did, or when that agent has gone. Returns how many it offered. A
-- plan of which nobody claims a ready step for ten minutes, while no other is being worked on, is reported to who added it and to
-- the humans, once.
create or replace function agentmux.offer_tasks() returns int
language plpgsql security definer set search_path = '' as $$
declare
  instant timestamptz := clock_timestamp();
  ready record;
  task public.tasks;
  chosen text;
  offered int := 0;
  root bigint;
begin
  if not exists (select from public.tasks as t where t.status = 'queued') then return 0; end if;
  -- Of tasks that were deleted, or claimed while their offers were written.
  delete from agentmux.offers as o where not exists (select from public.tasks as t where t.id = o.task_id and t.status = 'queued');
  insert into agentmux.offers (task_id, since)
  select t.id, instant from public.tasks as t
  -- As is_ready, which would be called for each queued task.
  where t.status = 'queued' and (t.run_at is null or t.run_at <= instant)
    and not exists (select from agentmux.offers as o where o.task_id = t.id)
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and (t.depends_on = '{}' or not exists (
      select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done'))
  order by t.priority desc, t.id limit 200
  on conflict do nothing;
  for ready in
    select o.* from agentmux.offers as o join public.tasks as t on t.id = o.task_id
    cross join lateral (
      select greatest(t.updated_at, t.run_at, max(d.updated_at)) as ready_at from public.tasks as d where d.id = any (t.depends_on)
    ) as became
    -- A time to come is one from before the clock was set back.
    where (became.ready_at <= instant - interval '3 seconds' or became.ready_at > instant) and o.times < 3
      and (o.at is null or o.at > instant or o.at <= instant - interval '5 minutes' * o.times or not agentmux.has_session(o.tag))
    order by t.priority desc, t.id limit 50
  loop
    select t.* into task from public.tasks as t where t.id = ready.task_id;
    if not agentmux.is_ready(task) then
      perform agentmux.end_offer(task.id);
      continue;
    end if;
    chosen := agentmux.agent_for(task);
    continue when chosen is null or not agentmux.may_wake(task.created_by, chosen);
    if ready.message_id is not null then perform agentmux.ack(ready.tag, array[ready.message_id], 'task'); end if;
    update agentmux.offers as o set tag = upper(chosen collate "C"), at = instant, times = o.times + 1,
      message_id = agentmux.post_about_tasks(chosen, array[task.id], format('%s is ready for you: claim_task with id %s.',
        case when task.parent_id is null then 'Task #' || task.id else format('Step #%s of plan #%s', task.id, task.parent_id) end, task.id))
    where o.task_id = task.id;
    offered := offered + 1;
  end loop;
  for ready in
    select o.task_id, o.since, o.tag, o.times, t.parent_id, t.assignee
    from agentmux.offers as o join public.tasks as t on t.id = o.task_id
    -- Of single tasks, which may be many, those for which somebody was woken or that only one may claim.
    where not o.is_reported and o.since <= instant - interval '10 minutes'
      and (t.parent_id is not null or o.times > 0 or t.assignee is not null)
    order by o.since limit 20
  loop
    root := coalesce((with recursive above as (
      select ready.parent_id as id
      union
      select t.parent_id from public.tasks as t join above on t.id = above.id where t.parent_id is not null
    ) select min(t.id) from public.tasks as t join above on t.id = above.id where t.parent_id is null), ready.task_id);
    continue when exists (select from public.tasks as t where t.id in (select agentmux.task_tree(root)) and t.status = 'running');
    -- The other steps that are ready have the same reason.
    update agentmux.offers as o set is_reported = true
    where o.task_id = ready.task_id or (not o.is_reported and o.task_id in (select agentmux.task_tree(root)));
    perform agentmux.tell(root, (select t.created_by from public.tasks as t where t.id = root) || agentmux.humans(),
      format('%s has been ready since %s, and %s.',
        case when root = ready.task_id then agentmux.task_name(root)
          else format('%s is stalled: step #%s', agentmux.task_name(root), ready.task_id) end,
        to_char(ready.since at time zone 'UTC', 'HH24:MI "UTC"'),
        case when ready.times > 0 then format('%s, which was woken for it, has not claimed it',
            (select min(a.tag) from public.agents as a where upper(a.tag collate "C") = ready.tag))
          when ready.assignee is not null then format('%s, whom it is for, cannot be woken', ready.assignee)
          else 'no idle agent could be woken for it' end));
  end loop;
  return offered;
end $$;

-- Wakes an agent that has come back and is idle, but holds a task of which nothing was heard since: what a client says to its model when
-- it starts is read with the first prompt.
create or replace function agentmux.remind_owners() returns void
language plpgsql security definer set search_path = '' as $$
declare
  back record;
begin
  delete from agentmux.reminded as r
  where not exists (select from public.agent_sessions as s where s.tag = r.tag and s.session = r.session);
  for back in
    select s.tag, array_agg(distinct s.session) as sessions, array_agg(distinct t.id) as tasks
    from public.agent_sessions as s
    join public.tasks as t on t.status = 'running' and upper(t.lease_owner collate "C") = s.tag and t.updated_at < s.started_at
    where s.presence = 'idle' and s.wake is not null and coalesce(s.quiet_until <= clock_timestamp(), true)
      and s.started_at < clock_timestamp() - interval '3 seconds'
      and not exists (select from public.agent_sessions as o where o.tag = s.tag and o.presence <> 'idle')
      and not exists (select from agentmux.reminded as r where r.tag = s.tag and r.session = s.session)
    group by s.tag
  loop
    insert into agentmux.reminded select back.tag, session from unnest(back.sessions) as session on conflict do nothing;
    perform agentmux.post_about_tasks((select a.tag from public.agents as a where upper(a.tag collate "C") = back.tag), back.tasks,
      format('You hold #%s: go on with it, or finish_task.', array_to_string(back.tasks, ', #')));
  end loop;
end $$;

-- Looks after the tasks: ends leases, and offers what is ready, at most every two seconds. Returns how many leases ended. A hub calls
-- it every few seconds; without one, the agents' servers do (task_reap).
create or replace function agentmux.tend_tasks(p_period interval default null, p_resumed boolean default false) returns int
language plpgsql security definer set search_path = '' as $$
declare
  ended int := agentmux.reap(p_period, p_resumed);
begin
  -- SQL of an agent cannot write as SYSTEM, and holds no lock for which others would wait.
  if agentmux.acting_role() is not null or not exists (select from public.tasks as t where t.status in ('queued', 'running')) then
    return ended;
  end if;
  perform from agentmux.offer_clock as c
  where c.at not between clock_timestamp() - interval '2 seconds' and clock_timestamp() for update skip locked;
  if found then
    update agentmux.offer_clock set at = clock_timestamp();
    perform agentmux.offer_tasks();
    perform agentmux.remind_owners();
  end if;
  return ended;
end $$;

-- Requeues tasks whose leases have expired, and offers what is ready; returns how many leases had expired. Clients call it before they
-- list tasks, and agents' servers every minute, since a hosted project has no hub that does.
create or replace function public.task_reap() returns int
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return agentmux.tend_tasks();
end $$;

-- ---- What SYSTEM says of tasks asks nothing

-- A batch of tools ('batch', or 'work' if one of them was not the mailbox's) or the turn of that session has ended ('turn'). The
-- model has then answered to everything that was delivered before; but not to what a tool of this very batch returned, which it
-- sees next. A broadcast, what SYSTEM says of tasks, and an answer to what the reader wrote itself, are done with when they were read.
create or replace function agentmux.mark_read(p_reader text, p_session text, p_ended text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  done bigint[];
begin
  if p_ended not in ('batch', 'work', 'turn') then
    raise exception using errcode = '22023', message = format('p_ended is batch, work or turn, not %L', p_ended);
  end if;
  with handed as (
    select r.message_id, r.reader, p_ended = 'turn' or r.route is distinct from 'mcp' or r.batches > 0 as is_read
    from public.receipts as r
    where upper(r.reader collate "C") = me and r.state = 'delivered' and (r.session = p_session or r.session is null)
    order by r.message_id for update
  ), changed as (
    update public.receipts as r
    set batches = r.batches + 1,
      state = case when handed.is_read then 'read' else r.state end,
      read_at = case when handed.is_read then clock_timestamp() end,
      lease_until = case when handed.is_read then null else r.lease_until end
    from handed where r.message_id = handed.message_id and r.reader = handed.reader
    returning r.message_id, r.state
  )
  select array_agg(m.id order by m.id) into done
  from changed join public.messages as m on m.id = changed.message_id and changed.state = 'read'
  where m.mentions = '{}' or (m.author_kind = 'system' and m.meta ? 'tasks') or exists (
    select from public.messages as own where own.id = m.reply_to
      and me in (upper(own.tag collate "C"), upper(own.author_tag collate "C")));
  if done is not null then perform agentmux.ack(p_reader, done, 'read'); end if;
  if p_ended = 'work' then perform agentmux.forget_wakes(array[me]); end if;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['task_attempts', 'task_cancel', 'task_claim', 'task_finish', 'task_held', 'task_plan', 'task_reap', 'task_retry']
  loop
    execute format('revoke all on function public.%I from public, anon', name);
    execute format('grant execute on function public.%I to authenticated, service_role', name);
  end loop;
  foreach name in array array['quoted', 'task_name', 'plan_counts', 'actor', 'caller_name', 'tell', 'humans', 'post_about_tasks', 'tell_news',
    'end_offer', 'task_ended', 'owner_left', 'has_session', 'task_assigned', 'agent_for', 'may_wake', 'is_ready',
    'offer_tasks', 'remind_owners', 'tend_tasks', 'requeue', 'steps_added']
  loop
    execute format('revoke all on function agentmux.%I from public, anon, authenticated, service_role', name);
  end loop;
end $$;

insert into agentmux.migrations (version) values ('20261204000000');
