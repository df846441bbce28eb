-- Circles of dependencies: a task in one waits for itself and can never run.

-- The open tasks that wait for this one. A task waits for those that it depends on, and a plan for its steps.
create or replace function agentmux.waiting_for(p_id bigint) returns setof bigint
language sql stable set search_path = '' as $$
  select plan.id from public.tasks as t join public.tasks as plan on plan.id = t.parent_id
  where t.id = p_id and plan.status in ('queued', 'running')
  union all
  select t.id from public.tasks as t where t.status = 'queued' and t.depends_on @> array[p_id]
$$;

-- The shortest circle through a task, with the task at both ends; null if there is none.
create or replace function agentmux.circle_of(p_id bigint) returns bigint[]
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

-- Describes a circle: `task 1 waits for its step 3, which waits for task 2, which waits for task 1`.
create or replace function agentmux.circle_words(p_circle bigint[]) returns text
language sql stable set search_path = '' as $$
  select format('task %s waits for ', p_circle[1]) || string_agg(
    case when place = 8 and cardinality(p_circle) > 9 then format('others, of which one waits for task %s', p_circle[1])
      else format(case when t.parent_id = p_circle[place - 1] then 'its step %s' else 'task %s' end, t.id) end,
    ', which waits for ' order by place)
  from generate_series(2, cardinality(p_circle)) as place join public.tasks as t on t.id = p_circle[place]
  where place <= 8 or cardinality(p_circle) <= 9
$$;

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
      hint = case tg_op when 'INSERT' then format('Task %s, which was to be added, is not there. ', new.id) else '' end
        || 'Leave out one of these dependencies.';
  end if;
  return null;
end $$;

create or replace trigger tasks_refuse_circle after insert on public.tasks
  for each row when (new.parent_id is not null and new.depends_on <> '{}') execute function agentmux.refuse_circle();
create or replace trigger tasks_refuse_circle_changed after update of parent_id, depends_on on public.tasks
  for each row when (new.status in ('queued', 'running')
    and (new.parent_id is distinct from old.parent_id or new.depends_on <> old.depends_on))
  execute function agentmux.refuse_circle();

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
      hint = case tg_op when 'INSERT' then format('Task %s, which was to be added, is not there. ', new.id) else '' end
        || format('Leave out that dependency%s.', case when lost.status is null then '' else ', or try that task again first' end);
  end if;
  return null;
end $$;

create or replace trigger tasks_refuse_lost after insert on public.tasks
  for each row when (new.status in ('queued', 'running') and new.depends_on <> '{}') execute function agentmux.refuse_lost_dependency();
create or replace trigger tasks_refuse_lost_changed after update of depends_on on public.tasks
  for each row when (new.status in ('queued', 'running') and new.depends_on <> old.depends_on)
  execute function agentmux.refuse_lost_dependency();

-- Marks queued tasks that can never run in last_error: they are in a circle, or wait for one. Such circles were added by earlier
-- versions, which did not reject them.
create or replace function agentmux.mark_blocked() returns void
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

insert into agentmux.migrations (version) values ('20261202000900');
