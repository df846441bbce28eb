-- Changes of existing tasks: cancel, retry, assign and set the priority. They are for a task's author (who created it, or a plan that
-- it is a step of), its owner and humans. Otherwise an agent could take a running task away from another one with cancel, retry
-- and assign. The service role and plain SQL are not restricted.

-- Rejects other agents, and says who may; p_doing completes the sentence. Accepts ids of tasks that do not exist. The author of a
-- plan may change its steps, but the author or owner of a step may not change the plan.
create or replace function agentmux.guard_task(p_id bigint, p_doing text) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  me record;
  task public.tasks;
  authors text[];
  owner text;
  allowed text[];
begin
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if not coalesce(me.verified, false) or me.kind = 'human' then return; end if;
  select t.* into task from public.tasks as t where t.id = p_id;
  if not found then return; end if;
  -- The task's own author first, then those of the plans above it.
  authors := array(
    with recursive above as (
      select task.created_by as tag, task.parent_id as parent, array[task.id] as path
      union all
      select t.created_by, t.parent_id, above.path || t.id
      from above join public.tasks as t on t.id = above.parent and t.id <> all (above.path)
    ) select above.tag from above where above.tag is not null order by cardinality(above.path));
  owner := case task.status when 'running' then task.lease_owner else task.assignee end;
  if upper(me.tag collate "C") = any (array(select upper(a collate "C") from unnest(owner || authors) as a)) then return; end if;
  allowed := array(select min(a.tag) from unnest(owner || authors) with ordinality as a (tag, place)
    where a.tag is not null group by upper(a.tag collate "C") order by min(a.place)) || 'humans'::text;
  raise exception using errcode = '42501',
    message = format('you are %s and may not %s task %s: only %s may', me.tag, p_doing, p_id,
      concat_ws(' and ', nullif(array_to_string(allowed[:cardinality(allowed) - 1], ', '), ''), allowed[cardinality(allowed)])),
    hint = 'Send one of them a message.';
end $$;

-- A task that gets a step becomes a plan: it cannot be claimed any more, and it ends with its steps. An agent that could add a step
-- to another's task could thereby end it, and all tasks that wait for it. Therefore the same rule as for cancelling applies.
create or replace function agentmux.guard_step() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.guard_task(new.parent_id, 'add a step to');
  return new;
end $$;

create or replace trigger tasks_before_insert_step before insert on public.tasks
  for each row when (new.parent_id is not null) execute function agentmux.guard_step();

-- The task and all steps below it.
create or replace function agentmux.task_tree(p_id bigint) returns setof bigint
language sql stable set search_path = '' as $$
  with recursive below as (
    select p_id as id
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select id from below
$$;

-- Does the work of task_retry, without checking who may. A plan is requeued with all its steps that were not done, except those
-- that wait for a task which stays cancelled: they could never run, and the plan would never end. Their last_error names that
-- task, and so does the error when they are retried themselves.
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

-- Requeues a failed, dead or cancelled task, with all its attempts left.
create or replace function public.task_retry(p_id bigint) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'retry');
  return query select * from agentmux.requeue(p_id);
end $$;

-- Cancels a task with all its steps. The lock is taken first, so that what guard_task found is still true when the task is changed.
create or replace function public.task_cancel(p_id bigint) returns setof public.tasks
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
      last_error = 'cancelled by ' || coalesce((select i.tag from agentmux.identity() as i), current_setting('role'))
    where t.id = any (tree) and t.status in ('queued', 'running') returning t.*
  ) select * from cancelled where id = p_id;
end $$;

-- Assigns a queued task, so that only that tag may claim it; null: any tag may. In a plan, all queued steps are assigned.
create or replace function public.task_assign(p_id bigint, p_assignee text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'assign');
  return query with changed as (
    update public.tasks as t set assignee = p_assignee
    where t.id in (select agentmux.task_tree(p_id)) and t.status = 'queued'
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued')
    returning t.*
  ) select * from changed where id = p_id;
end $$;

-- Sets the priority of an open task, and of all its steps. Tasks with a higher priority are claimed first.
create or replace function public.task_reprioritise(p_id bigint, p_priority int) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'reprioritise');
  return query with changed as (
    update public.tasks as t set priority = p_priority
    where t.id in (select agentmux.task_tree(p_id)) and t.status in ('queued', 'running')
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status in ('queued', 'running'))
    returning t.*
  ) select * from changed where id = p_id;
end $$;

insert into agentmux.migrations (version) values ('20261202001100');
