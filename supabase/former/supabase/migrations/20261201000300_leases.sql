-- Tasks under clocks that are set, machines that sleep and hubs that are away. A lease counts the time in which somebody
-- looked at it; what is due at once has no time at all; and whose lease ran out may go on while nobody else has begun.

-- ---------------------------------------------------------------------------------------------------------------------
-- When a task may be claimed. null: at once, whatever the clock says now and said then.

drop index public.tasks_ready;
create index tasks_ready on public.tasks (queue, priority desc, id) where status = 'queued';
alter table public.tasks alter column run_at drop not null, alter column run_at drop default;
comment on column public.tasks.run_at is 'not before; null: at once';
update public.tasks set run_at = null where status in ('queued', 'running') and run_at <= clock_timestamp();

create function agentmux.drop_past_run_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.run_at := null;
  return new;
end $$;
create trigger tasks_run_at_once before insert or update of run_at on public.tasks
  for each row when (new.run_at <= clock_timestamp()) execute function agentmux.drop_past_run_at();

-- After so many attempts the next one waits half to one and a half times as long.
create function agentmux.backoff(p_attempts int) returns interval
language sql immutable set search_path = '' as $$
  select make_interval(secs => least(3600, power(2, p_attempts)))
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- The newest claim of each task that ever was claimed: whose it is, and what became of it.

create table agentmux.claims (
  task_id bigint not null constraint claims_pkey primary key
    constraint claims_task_id_fkey references public.tasks (id) on delete cascade,
  token bigint not null,
  owner text not null,
  lapsed boolean not null default false,
  outcome bytea,
  again_at timestamptz
);
comment on table agentmux.claims is 'the newest claim of each task';
comment on column agentmux.claims.lapsed is 'its lease ran out, and the task was put back: its owner may go on until somebody else claims it';
comment on column agentmux.claims.outcome is 'digest of what it was finished with; null: it was not finished';
comment on column agentmux.claims.again_at is 'the back-off that the database chose for run_at after it failed';
insert into agentmux.claims (task_id, token, owner)
select t.id, t.lease_token, t.lease_owner from public.tasks as t where t.status = 'running';

-- When somebody last looked at the leases, and how often one of those who look promised to.
create table agentmux.lease_clock (
  one boolean not null default true constraint lease_clock_pkey primary key constraint lease_clock_one_row check (one),
  at timestamptz not null default clock_timestamp(),
  period interval not null default '5 seconds'
);
insert into agentmux.lease_clock default values;

-- Looks at the clock. From the last look to this one may have passed more time than anybody watched (the machine slept, the
-- hub or the server was away, the clock was set forward), or less than none (it was set back): all leases are moved by the
-- difference, so that each has as much left as before. p_period: so often the caller looks, who is a hub or the server of an
-- agent; null: it looks by chance. p_resumed: nobody can have looked since. Written once a second at the most.
-- Taken before the turn and before any task, by whoever takes several of them.
create function agentmux.observe_leases(p_period interval default null, p_resumed boolean default false) returns void
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

-- Before a task is leased. Where none was, nobody looked, and time begins now. Whoever holds the row is just looking.
create function agentmux.begin_lease() returns void
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.tasks as t where t.status = 'running') then return; end if;
  perform from agentmux.lease_clock for update skip locked;
  if found then update agentmux.lease_clock set at = clock_timestamp(); end if;
end $$;

-- Puts back what expired leases hold (dead after max_attempts); how many. Writes nothing where nothing is leased.
create function agentmux.reap(p_period interval default null, p_resumed boolean default false) returns int
language plpgsql security definer set search_path = '' as $$
declare
  expired bigint[];
begin
  if not exists (select from public.tasks as t where t.status = 'running') then return 0; end if;
  perform agentmux.observe_leases(p_period, p_resumed);
  if not exists (select from public.tasks as t where t.status = 'running' and t.lease_until < clock_timestamp()) then return 0; end if;
  perform public.mux_take_turn();
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

create or replace function public.task_reap() returns int
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return agentmux.reap();
end $$;

-- The next task of the queue (or the one named) for the identity: the highest priority, then the oldest. None that has steps,
-- whose time has not come, that depends on what is not done, or that is for somebody else.
create or replace function public.task_claim(p_queue text default 'default', p_lease int default 60, p_id bigint default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
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
      lease_until = public.mux_lease(p_lease), attempts = t.attempts + 1, note = null
    where t.id = chosen returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner) select claimed.id, claimed.lease_token, me from claimed
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = false, outcome = null, again_at = null
  ) select * from claimed;
end $$;

-- Gives a task that was put back because its lease ran out to its last owner again, with the claim that it had: unless
-- somebody has claimed it since, or it was cancelled or is for somebody else now. Nothing is counted as another attempt.
create function agentmux.resume_claim(p_id bigint, p_token bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(public.mux_me() collate "C");
  task public.tasks;
begin
  if not exists (select from agentmux.claims as c where c.task_id = p_id and c.token = p_token and c.lapsed) then return; end if;
  perform public.mux_take_turn();
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
  update public.tasks as t set status = 'running', lease_owner = c.owner, lease_until = public.mux_lease(60),
    attempts = task.attempts, last_error = null
  from agentmux.claims as c where t.id = p_id and c.task_id = p_id;
end $$;

-- The three below answer with no row when the claim is over: another has claimed the task since, or it was cancelled or has ended.
-- The newest claim holds also when its lease ran out: the work is done, why do it again.
create or replace function public.task_heartbeat(p_id bigint, p_token bigint, p_lease int default 60) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(public.mux_me() collate "C");
begin
  perform agentmux.observe_leases(interval '1 minute');
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t set lease_until = public.mux_lease(p_lease)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
end $$;

create or replace function public.task_progress(p_id bigint, p_token bigint, p_progress real, p_note text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(public.mux_me() collate "C");
begin
  perform public.mux_take_turn();
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t
  set progress = least(greatest(coalesce(p_progress, t.progress), 0), 1), note = coalesce(left(p_note, 10000), t.note)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
end $$;

-- Not ok: tried again after 2, 4, 8 ... seconds, at most an hour, half to one and a half times that; dead after max_attempts.
-- Finishing twice alike is once, and answers alike, until another claims the task; with another outcome it is refused.
create or replace function public.task_finish(p_id bigint, p_token bigint, p_ok boolean default true, p_result jsonb default null,
  p_result_table text default null, p_error text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(public.mux_me() collate "C");
  fate bytea := agentmux.digest(jsonb_build_array(coalesce(p_ok, false), p_result, p_result_table, p_error)::text);
  before bytea;
  again timestamptz;
begin
  perform public.mux_take_turn();
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

-- ---------------------------------------------------------------------------------------------------------------------
-- What can never run. A task waits for what it depends on, and a plan for its steps: no task may wait for itself.

-- The open tasks that wait for this one.
create function agentmux.waiting_for(p_id bigint) returns setof bigint
language sql stable set search_path = '' as $$
  select plan.id from public.tasks as t join public.tasks as plan on plan.id = t.parent_id
  where t.id = p_id and plan.status in ('queued', 'running')
  union all
  select t.id from public.tasks as t where t.status = 'queued' and t.depends_on @> array[p_id]
$$;

-- The shortest way from a task to itself along what waits for it, the task at both ends; null when there is none.
create function agentmux.circle_of(p_id bigint) returns bigint[]
language plpgsql stable set search_path = '' as $$
declare
  -- Each task that was found, with the one that it waits for.
  found_by jsonb := '{}';
  level bigint[] := array[p_id];
  step jsonb;
  circle bigint[];
begin
  if not exists (
    with recursive waiters as (
      select w.id from agentmux.waiting_for(p_id) as w (id)
      union
      select w.id from waiters as x cross join lateral agentmux.waiting_for(x.id) as w (id)
    ) select from waiters where id = p_id
  ) then
    return null;
  end if;
  while not found_by ? p_id::text loop
    select jsonb_object_agg(w.id, l.id) into step
    from unnest(level) as l (id) cross join lateral agentmux.waiting_for(l.id) as w (id)
    where not found_by ? w.id::text;
    found_by := found_by || step;
    level := array(select k::bigint from jsonb_object_keys(step) as k);
  end loop;
  circle := array[p_id];
  loop
    circle := circle || (found_by ->> circle[cardinality(circle)]::text)::bigint;
    exit when circle[cardinality(circle)] = p_id;
  end loop;
  return circle;
end $$;

-- `task 1 waits for its step 3, which waits for task 2, which waits for task 1`.
create function agentmux.circle_words(p_circle bigint[]) returns text
language sql stable set search_path = '' as $$
  select format('task %s waits for ', p_circle[1]) || string_agg(
    case when place = 8 and cardinality(p_circle) > 9 then format('others, of which one waits for task %s', p_circle[1])
      else format(case when t.parent_id = p_circle[place - 1] then 'its step %s' else 'task %s' end, t.id) end,
    ', which waits for ' order by place)
  from generate_series(2, cardinality(p_circle)) as place join public.tasks as t on t.id = p_circle[place]
  where place <= 8 or cardinality(p_circle) <= 9
$$;

-- Refuses an edge that closes a circle, whoever adds it.
create function agentmux.refuse_circle() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  circle bigint[];
begin
  -- Of two who add one half of a circle each, the second sees the first.
  perform public.mux_take_turn();
  circle := agentmux.circle_of(new.id);
  if circle is not null then
    raise exception using errcode = '22023',
      message = format('task %s would be blocked for ever: %s', new.id, agentmux.circle_words(circle)),
      hint = case tg_op when 'INSERT' then format('Task %s, which was to be added, is not there. ', new.id) else '' end
        || 'Leave out one of these dependencies.';
  end if;
  return null;
end $$;
create trigger tasks_refuse_circle after insert on public.tasks
  for each row when (new.parent_id is not null and new.depends_on <> '{}') execute function agentmux.refuse_circle();
create trigger tasks_refuse_circle_changed after update of parent_id, depends_on on public.tasks
  for each row when (new.status in ('queued', 'running')
    and (new.parent_id is distinct from old.parent_id or new.depends_on <> old.depends_on))
  execute function agentmux.refuse_circle();

-- Says so in last_error where a queued task can never run: it is in a circle, or waits for one. Such circles are from before
-- they were refused.
create function agentmux.mark_blocked() returns void
language plpgsql security definer set search_path = '' as $$
declare
  plan bigint;
  circle bigint[];
begin
  update public.tasks as t set last_error = null where t.status = 'queued' and t.last_error like 'blocked for ever: %';
  for plan in
    select t.id from public.tasks as t where t.status = 'queued'
      and exists (select from public.tasks as step where step.parent_id = t.id and step.status = 'queued') order by t.id
  loop
    circle := agentmux.circle_of(plan);
    continue when circle is null;
    update public.tasks as t set last_error = 'blocked for ever: ' || agentmux.circle_words(circle)
    where t.status = 'queued' and (t.last_error like 'blocked for ever: %') is not true and t.id in (
      with recursive waiters as (
        select plan as id
        union
        select w.id from waiters as x cross join lateral agentmux.waiting_for(x.id) as w (id)
      ) select id from waiters);
  end loop;
end $$;

-- Tells headings of their steps, and tasks that wait of what will never be done.
create or replace function public.mux_task_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    update public.tasks set status = 'cancelled', last_error = format('task %s, which it depends on, was deleted', old.id)
    where status = 'queued' and depends_on @> array[old.id];
    if old.parent_id is not null then perform public.mux_task_derive(old.parent_id); end if;
    if old.last_error like 'blocked for ever: %' then perform agentmux.mark_blocked(); end if;
    return null;
  end if;
  if tg_op = 'UPDATE' and new.status <> old.status then
    if new.status in ('failed', 'dead', 'cancelled') then
      update public.tasks set status = 'cancelled', last_error = format('task %s, which it depends on, is %s', new.id, new.status)
      where status = 'queued' and depends_on @> array[new.id];
      -- Who was told to stop does not go on when the task is tried again.
      if new.status = 'cancelled' then update agentmux.claims set lapsed = false where task_id = new.id; end if;
    elsif new.status = 'queued' then
      perform public.mux_task_derive(new.id);
    end if;
  end if;
  if new.parent_id is not null then perform public.mux_task_derive(new.parent_id); end if;
  if tg_op = 'UPDATE' and old.status = 'queued' and new.status <> 'queued' and old.last_error like 'blocked for ever: %' then
    perform agentmux.mark_blocked();
  end if;
  return null;
end $$;
create trigger tasks_deleted after delete on public.tasks
  for each row execute function public.mux_task_changed();

-- As task_retry, for whoever may.
create function agentmux.requeue(p_id bigint) returns setof public.tasks
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
  again := array(select t.id from public.tasks as t where t.id in (select public.mux_task_tree(p_id)) and (t.id = p_id
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
      where t.status = 'cancelled' and t.depends_on && again and t.last_error like automatic and t.id <> all (again)
        and not exists (select from unnest(t.depends_on) as n join public.tasks as d on d.id = n
          where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)));
    exit when more = '{}';
    again := again || more;
  end loop;
  update public.tasks as t set status = 'queued', attempts = 0, progress = 0, note = null, run_at = null,
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

create or replace function public.task_retry(p_id bigint) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  perform agentmux.guard_task(p_id, 'retry');
  return query select * from agentmux.requeue(p_id);
end $$;

-- As before, but what is to begin at once has no time.
create or replace function public.task_add(p_title text, p_body text default '', p_queue text default 'default', p_priority int default 0,
  p_parent_id bigint default null, p_position int default 0, p_depends_on bigint[] default '{}', p_max_attempts int default 5,
  p_run_at timestamptz default null, p_idem_key text default null, p_message_id bigint default null,
  p_assignee text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  needed bigint[] := array(select distinct n from unnest(p_depends_on) as n where n is not null order by n);
  meant_for text := p_assignee;
  other record;
  added public.tasks;
begin
  perform public.mux_guard();
  if p_parent_id is not null or needed <> '{}' then perform public.mux_take_turn(); end if;
  select t.* into added from public.tasks as t where t.queue = p_queue and t.idem_key = p_idem_key;
  if found then return next added; return; end if;
  if p_parent_id is not null then
    -- Locked, so that it does not end while it gets a step.
    select t.status, t.assignee into other from public.tasks as t where t.id = p_parent_id for update;
    if not found then
      raise exception using errcode = '23503', constraint = 'tasks_parent_id_fkey', table = 'tasks', schema = 'public',
        message = format('task %s, which this is a step of, does not exist', p_parent_id);
    elsif other.status not in ('queued', 'running') then
      raise exception using errcode = '55000', message = format('task %s is %s and gets no further steps', p_parent_id, other.status);
    end if;
    meant_for := coalesce(meant_for, other.assignee);
  end if;
  for other in
    select n as id, t.status, n = p_parent_id as above
    from unnest(needed) as n left join public.tasks as t on t.id = n order by n
  loop
    if other.status is null then
      raise exception using errcode = '23503', message = format('task %s, which this depends on, does not exist', other.id);
    elsif other.status in ('failed', 'dead', 'cancelled') then
      raise exception using errcode = '55000', message = format('task %s, which this depends on, is %s', other.id, other.status);
    elsif other.above then
      raise exception using errcode = '22023', message = 'a step cannot depend on the task that it is a step of';
    end if;
  end loop;
  insert into public.tasks (title, body, queue, priority, parent_id, position, depends_on, max_attempts, run_at, idem_key,
    message_id, created_by, assignee)
  values (p_title, coalesce(p_body, ''), coalesce(p_queue, 'default'), coalesce(p_priority, 0), p_parent_id,
    coalesce(p_position, 0), needed, coalesce(p_max_attempts, 5), p_run_at, p_idem_key,
    p_message_id, (select i.tag from public.mux_identity() as i), meant_for)
  on conflict (queue, idem_key) do nothing
  returning * into added;
  if not found then
    select t.* into added from public.tasks as t where t.queue = p_queue and t.idem_key = p_idem_key;
  end if;
  return next added;
end $$;

-- Progress alone is written at most each five seconds, by whichever clock: what a clock that was ahead wrote holds up nothing.
create or replace function public.mux_task_history() returns trigger
language plpgsql security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if tg_op = 'UPDATE' and new.status = old.status and new.lease_owner is not distinct from old.lease_owner
    and exists (select from public.events as e where e.task_id = new.id
      and e.at > new.updated_at - interval '5 seconds' and e.at <= new.updated_at)
  then
    return null;
  end if;
  insert into public.events (kind, at, task_id, tag, state, progress)
  values ('task', new.updated_at, new.id, coalesce(new.lease_owner, old.lease_owner), new.status, new.progress);
  return null;
end $$;

-- What is there: tasks that depend on what was deleted, and circles.
update public.tasks as t set status = 'cancelled', last_error = format('task %s, which it depends on, was deleted', gone.id)
from (
  select waits.id as task_id, min(n) as id from public.tasks as waits cross join unnest(waits.depends_on) as n
  where waits.status = 'queued' and not exists (select from public.tasks as d where d.id = n) group by waits.id
) as gone where t.id = gone.task_id;
select agentmux.mark_blocked();

revoke all on agentmux.claims, agentmux.lease_clock from public, anon, authenticated, service_role;
revoke all on function agentmux.drop_past_run_at(), agentmux.backoff(int), agentmux.observe_leases(interval, boolean), agentmux.begin_lease(),
  agentmux.reap(interval, boolean), agentmux.resume_claim(bigint, bigint), agentmux.waiting_for(bigint), agentmux.circle_of(bigint),
  agentmux.circle_words(bigint[]), agentmux.refuse_circle(), agentmux.mark_blocked(), agentmux.requeue(bigint)
  from public, anon, authenticated, service_role;
