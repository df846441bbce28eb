-- A step goes into the queue of its plan. Of an owner that was reminded and stays idle, others are told. A plan of which a step was
-- cancelled has ended, and is not through. One function sends what SYSTEM says.

-- Its rows are of another kind. Without the former ones an owner is reminded once more at most.
drop table if exists agentmux.reminded;

-- The claims of which an idle owner was reminded.
create table agentmux.reminded (
  task_id bigint not null,
  token bigint not null,
  session text not null,
  at timestamptz not null default clock_timestamp(),
  is_reported boolean not null default false,
  constraint reminded_pkey primary key (task_id, token, session)
);
comment on column agentmux.reminded.session is 'the session that was reminded when it began; empty: it had been idle for minutes';
comment on column agentmux.reminded.is_reported is 'whether others were told that its owner is idle';

drop function if exists agentmux.say(text, jsonb);
-- Sends a message from SYSTEM. It asks nothing: mark_read acks it.
create or replace function agentmux.say(p_content text, p_meta jsonb default '{}') returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  before text := coalesce(current_setting('agentmux.author', true), '');
  said bigint;
begin
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content, meta) values ('[SYSTEM] ' || p_content, p_meta) returning id into said;
  perform set_config('agentmux.author', before, true);
  return said;
end $$;

create or replace function agentmux.say_of_tasks(p_to text, p_tasks bigint[], p_text text) returns bigint
language sql volatile security definer set search_path = '' as $$
  select agentmux.say(format('@%s %s', p_to, p_text), jsonb_build_object('tasks', to_jsonb(p_tasks)))
$$;

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
    perform agentmux.say_of_tasks(heap.to_tag, heap.tasks, heap.text);
  end loop;
  return null;
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
    line := format('%s %s: %s.', line, case when exists (select from public.tasks as t
      where t.id in (select agentmux.task_tree(new.id)) and t.status = 'cancelled') then 'has ended' else 'is through' end,
      agentmux.plan_counts(new.id));
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

-- The first that is heard of an agent may be that it signs off.
create or replace trigger agents_left_first after insert on public.agents
  for each row when (new.presence = 'away') execute function agentmux.owner_left();

-- Adds a task and returns it. Adding another one with the same idem_key to the same queue returns the first. p_queue: by default that of
-- its plan, so that whoever works on the plan finds the step.
create or replace function public.task_add(p_title text, p_body text default '', p_queue text default null, p_priority int default 0,
  p_parent_id bigint default null, p_position int default 0, p_depends_on bigint[] default '{}', p_max_attempts int default 5,
  p_run_at timestamptz default null, p_idem_key text default null, p_message_id bigint default null,
  p_assignee text default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  needed bigint[] := array(select distinct n from unnest(p_depends_on) as n where n is not null order by n);
  meant_for text := p_assignee;
  into_queue text;
  other record;
  added public.tasks;
begin
  perform public.mux_guard();
  if p_parent_id is not null or needed <> '{}' then perform agentmux.take_turn(); end if;
  into_queue := coalesce(p_queue, (select t.queue from public.tasks as t where t.id = p_parent_id), 'default');
  select t.* into added from public.tasks as t where t.queue = into_queue and t.idem_key = p_idem_key;
  if found then return next added; return; end if;
  if p_parent_id is not null then
    -- Locked, so that it does not end while it gets a step.
    select t.status, t.assignee into other from public.tasks as t where t.id = p_parent_id for update;
    if not found then
      raise exception using errcode = '23503', constraint = 'tasks_parent_id_fkey', table = 'tasks', schema = 'public',
        message = format('task %s, of which this is to be a step, does not exist', p_parent_id);
    elsif other.status not in ('queued', 'running') then
      raise exception using errcode = '55000', message = format('task %s is %s, so no steps can be added to it', p_parent_id, other.status);
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
      raise exception using errcode = '22023', message = 'a step cannot depend on its own plan';
    end if;
  end loop;
  insert into public.tasks (title, body, queue, priority, parent_id, position, depends_on, max_attempts, run_at, idem_key,
    message_id, created_by, assignee)
  values (p_title, coalesce(p_body, ''), into_queue, coalesce(p_priority, 0), p_parent_id,
    coalesce(p_position, 0), needed, coalesce(p_max_attempts, 5), p_run_at, p_idem_key,
    p_message_id, (select i.tag from agentmux.identity() as i), meant_for)
  on conflict (queue, idem_key) do nothing
  returning * into added;
  if not found then
    select t.* into added from public.tasks as t where t.queue = into_queue and t.idem_key = p_idem_key;
  end if;
  return next added;
end $$;

-- Adds a plan, which is a task with steps, in one transaction, so that it cannot be claimed or end before all steps were added.
-- Returns the task, then its steps, in order. With p_in_order each step depends on the one before it, and the first on p_depends_on;
-- otherwise each depends on p_depends_on. Adding another plan with the same idem_key to the same queue returns the first. p_assignee:
-- only this tag may claim the steps.
create or replace function public.task_plan(p_title text, p_steps jsonb, p_in_order boolean default true, p_body text default '',
  p_queue text default null, p_priority int default 0, p_parent_id bigint default null, p_position int default 0,
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
      message_id = agentmux.say_of_tasks(chosen, array[task.id], format('%s is ready for you: claim_task with id %s.',
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

-- Wakes an idle agent that holds a task of which nothing is heard: once when it has come back, because what a client says to its model
-- when it starts is read with the first prompt; and once when it has been idle for five minutes, because it may have ended its turn too
-- early. If nothing is heard for another five minutes, who added the task and the humans are told.
create or replace function agentmux.remind_owners() returns void
language plpgsql security definer set search_path = '' as $$
declare
  instant timestamptz := clock_timestamp();
  back record;
begin
  delete from agentmux.reminded as r
  where not exists (select from public.tasks as t where t.id = r.task_id and t.lease_token = r.token and t.status = 'running');
  for back in
    with idle as (
      select a.tag, s.session, s.started_at, t.id, t.lease_token, t.updated_at,
        greatest((select max(e.at) from public.events as e where e.kind = 'presence' and e.tag = a.tag),
          (select max(e.at) from public.events as e where e.task_id = t.id)) as heard_at
      from public.agent_sessions as s
      join public.agents as a on upper(a.tag collate "C") = s.tag
      join public.tasks as t on t.status = 'running' and upper(t.lease_owner collate "C") = s.tag
      where s.presence = 'idle' and s.wake is not null and coalesce(s.quiet_until <= instant, true)
        and not exists (select from public.agent_sessions as o where o.tag = s.tag and o.presence <> 'idle')
    ), due as (
      select i.tag, i.id, i.lease_token, i.session from idle as i
      where i.updated_at < i.started_at and i.started_at < instant - interval '3 seconds'
      union
      select i.tag, i.id, i.lease_token, '' from idle as i where i.heard_at < instant - interval '5 minutes'
    ), noted as (
      insert into agentmux.reminded (task_id, token, session) select d.id, d.lease_token, d.session from due as d
      on conflict do nothing returning *
    )
    select d.tag, array_agg(distinct d.id) as tasks
    from due as d join noted as n on n.task_id = d.id and n.session = d.session group by d.tag
  loop
    perform agentmux.say_of_tasks(back.tag, back.tasks,
      format('You hold #%s: go on with it, or finish_task.', array_to_string(back.tasks, ', #')));
  end loop;
  for back in
    update agentmux.reminded as r set is_reported = true
    from public.tasks as t join public.agents as a on upper(a.tag collate "C") = upper(t.lease_owner collate "C")
    where t.id = r.task_id and r.session = '' and not r.is_reported and r.at < instant - interval '5 minutes' and a.presence = 'idle'
      and not exists (select from public.events as e where e.task_id = t.id and e.at > r.at)
    returning t.id, t.created_by, a.tag
  loop
    perform agentmux.tell(back.id, array[back.created_by] || agentmux.humans(),
      format('%s stands still: %s holds it, was reminded of it, and is idle.', agentmux.task_name(back.id), back.tag));
  end loop;
end $$;

drop function if exists agentmux.post_about_tasks(text, bigint[], text);

alter table agentmux.reminded enable row level security;
revoke all on agentmux.reminded from public, anon, authenticated, service_role;
revoke all on function agentmux.say(text, jsonb), agentmux.say_of_tasks(text, bigint[], text)
  from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261204002500');
