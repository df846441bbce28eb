-- Leases that are fair when clocks are set, machines sleep and hubs are away. A lease only counts time in which a program observed
-- it; a task that is due immediately has no run_at; and an owner whose lease expired may continue until another one claims the task.

-- When the leases were last observed, and the shortest interval at which an observer promised to do so.
create table if not exists agentmux.lease_clock (
  one boolean not null default true constraint lease_clock_pkey primary key constraint lease_clock_one_row check (one),
  at timestamptz not null default clock_timestamp(),
  period interval not null default '5 seconds'
);
insert into agentmux.lease_clock default values on conflict do nothing;
create or replace trigger lease_clock_guard_locks before update on agentmux.lease_clock
  for each statement execute function agentmux.guard_locks('tasks');

-- When a lease of that many seconds ends; it lasts between one second and an hour.
create or replace function agentmux.lease(p_seconds int) returns timestamptz
language sql volatile set search_path = '' as $$
  select clock_timestamp() + make_interval(secs => least(greatest(coalesce(p_seconds, 60), 1), 3600))
$$;

-- How long to wait after that many attempts: 2, 4, 8 ... seconds, an hour at most. Callers wait 0.5 to 1.5 times that, by chance.
create or replace function agentmux.backoff(p_attempts int) returns interval
language sql immutable set search_path = '' as $$
  select make_interval(secs => least(3600, power(2, p_attempts)))
$$;

-- Observes the leases. Since the last call, more time may have passed than was observed (the machine slept, the hub or the server
-- was away, the clock was set forward), or a negative time (it was set back). All leases are moved by the difference, so that each
-- has as much time left as before. p_period: the interval at which the caller, a hub or an agent's server, calls this; null: it
-- calls only now and then. p_resumed: nobody can have observed the leases since. Writes at most once a second.
-- To avoid deadlocks, call this before take_turn and before locking tasks.
create or replace function agentmux.observe_leases(p_period interval default null, p_resumed boolean default false) returns void
language plpgsql security definer set search_path = '' as $$
declare
  clock agentmux.lease_clock;
  elapsed interval;
  observed interval;
  missed boolean;
begin
  select c.* into clock from agentmux.lease_clock as c;
  elapsed := clock_timestamp() - clock.at;
  if not p_resumed and elapsed between interval '-1 second' and interval '1 second'
    and (p_period is null or p_period >= clock.period)
  then
    return;
  end if;
  if p_resumed or elapsed < interval '0' or elapsed > clock.period * 2 then
    -- Nobody goes on before the leases are moved.
    select c.* into clock from agentmux.lease_clock as c for update;
  else
    select c.* into clock from agentmux.lease_clock as c for update skip locked;
    if not found then return; end if;
  end if;
  elapsed := clock_timestamp() - clock.at;
  missed := elapsed > clock.period * 2;
  observed := case when p_resumed or elapsed < interval '0' then interval '0' when missed then clock.period else elapsed end;
  if elapsed <> observed then
    update public.tasks as t set lease_until = t.lease_until + (elapsed - observed) where t.status = 'running';
  end if;
  -- Who looks most often is relied upon, and less so each time that it is missed.
  update agentmux.lease_clock as c set at = clock.at + elapsed,
    period = case when p_period <= c.period then p_period when missed then least(c.period * 2, interval '1 minute') else c.period end;
end $$;

-- Called before a task is leased. If no task is leased, the leases were not observed, and the time starts now. If the row is locked,
-- another session is observing them.
create or replace function agentmux.begin_lease() returns void
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.tasks as t where t.status = 'running') then return; end if;
  perform from agentmux.lease_clock for update skip locked;
  if found then update agentmux.lease_clock set at = clock_timestamp(); end if;
end $$;

-- Requeues tasks whose leases have expired (dead after max_attempts); returns how many. Writes nothing if no task is leased.
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
    where t.status = 'running' and t.lease_until < clock_timestamp() for update skip locked
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, lapsed)
    select lost.id, lost.lease_token, lost.lease_owner, true from lost
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = true, outcome = null, again_at = null
    returning c.task_id
  ) select coalesce(array_agg(kept.task_id), '{}') into expired from kept;
  update public.tasks as t set
    status = case when t.attempts >= t.max_attempts then 'dead' else 'queued' end,
    run_at = null, progress = 0, last_error = format('the lease of %s ran out', t.lease_owner)
  where t.id = any (expired);
  return cardinality(expired);
end $$;

-- Requeues tasks whose leases have expired; returns how many. Clients call it before they list tasks, since a hosted project has no
-- hub that does.
create or replace function public.task_reap() returns int
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return agentmux.reap();
end $$;

-- Claims the next task of the queue, or the given one, for the caller: the highest priority first, then the oldest. Tasks with steps,
-- with a later run_at, with dependencies that are not done, or with another assignee are not claimed.
create or replace function public.task_claim(p_queue text default 'default', p_lease int default 60, p_id bigint default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  instant timestamptz;
  chosen bigint;
begin
  perform agentmux.reap();
  instant := clock_timestamp();
  select t.id into chosen from public.tasks as t
  where t.status = 'queued'
    -- A back-off that is longer than the longest is one from before the clock was set back.
    and (t.run_at is null or t.run_at <= instant
      or (t.attempts > 0 and t.run_at > instant + 1.5 * agentmux.backoff(t.attempts)
        and exists (select from agentmux.claims as c where c.task_id = t.id and c.again_at = t.run_at)))
    and (p_id is not null or t.queue = p_queue)
    and (p_id is null or t.id = p_id)
    and (t.assignee is null or upper(t.assignee collate "C") = upper(me collate "C"))
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and not exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
  order by t.priority desc, t.id
  limit 1 for update of t skip locked;
  if chosen is null then return; end if;
  perform agentmux.begin_lease();
  return query
  with claimed as (
    update public.tasks as t set status = 'running', lease_owner = me, lease_token = t.lease_token + 1,
      lease_until = agentmux.lease(p_lease), attempts = t.attempts + 1, note = null
    where t.id = chosen returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner) select claimed.id, claimed.lease_token, me from claimed
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = false, outcome = null, again_at = null
  ) select * from claimed;
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
    attempts = task.attempts, last_error = null
  from agentmux.claims as c where t.id = p_id and c.task_id = p_id;
end $$;

-- The next three functions return no row if the claim is not valid any more: another agent has claimed the task since, or it was
-- cancelled or has ended. The newest claim stays valid when its lease expires, since the work was done.
create or replace function public.task_heartbeat(p_id bigint, p_token bigint, p_lease int default 60) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
begin
  perform agentmux.observe_leases(interval '1 minute');
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t set lease_until = agentmux.lease(p_lease)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
end $$;

create or replace function public.task_progress(p_id bigint, p_token bigint, p_progress real, p_note text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(agentmux.me() collate "C");
begin
  perform agentmux.take_turn();
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t
  set progress = least(greatest(coalesce(p_progress, t.progress), 0), 1), note = coalesce(left(p_note, 10000), t.note)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
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
      raise exception using errcode = '55000', message = format('claim %s of task %s was finished before, with another outcome', p_token, p_id),
        hint = 'The first outcome stands. What has to be added goes into a message.';
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

insert into agentmux.migrations (version) values ('20261202001000');
