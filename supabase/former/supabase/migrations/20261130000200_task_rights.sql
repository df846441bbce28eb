-- Whose task it is. Cancelling, retrying, assigning and reprioritising are for its author (whoever created it, or a plan that it
-- is a step of), its owner and humans: otherwise cancel, retry and assign together would take a running task away from
-- another agent. What the service role and plain SQL do is not limited.

create schema if not exists agentmux;
revoke all on schema agentmux from public;

-- Refuses an agent that is none of these, and says who may; p_doing completes the sentence. Nothing is refused of a task
-- that does not exist. A plan's author has a say in its steps; a step's author or owner has none in the plan.
create or replace function agentmux.guard_task(p_id bigint, p_doing text) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  me record;
  task public.tasks;
  authors text[];
  owner text;
  allowed text[];
begin
  select i.tag, i.kind, i.verified into me from public.mux_identity() as i;
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
revoke all on function agentmux.guard_task(bigint, text) from public;

-- Each as before, but for the guard. The turn comes first, so that what the guard saw is still so when the task is changed.
create or replace function public.task_cancel(p_id bigint) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  tree bigint[];
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  perform agentmux.guard_task(p_id, 'cancel');
  with recursive below as (
    select t.id from public.tasks as t where t.id = p_id and t.status in ('queued', 'running')
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select array_agg(id) into tree from below;
  return query with cancelled as (
    update public.tasks as t set status = 'cancelled',
      last_error = 'cancelled by ' || coalesce((select i.tag from public.mux_identity() as i), current_setting('role'))
    where t.id = any (tree) and t.status in ('queued', 'running') returning t.*
  ) select * from cancelled where id = p_id;
end $$;

-- What failed, died or was cancelled is queued again, with all its attempts before it. A plan with what of it was not done
-- (steps that somebody cancelled one by one stay so), and a step with the plan above it. What was cancelled because it waits
-- for these waits for them again.
create or replace function public.task_retry(p_id bigint) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  automatic constant text := 'task %, which it depends on, is %';
  meant public.tasks;
  lost record;
  again bigint[];
  more bigint[];
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  perform agentmux.guard_task(p_id, 'retry');
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
  loop
    more := array(select t.id from public.tasks as t
      where t.status = 'cancelled' and t.depends_on && again and t.last_error like automatic and t.id <> all (again)
        and not exists (select from unnest(t.depends_on) as n join public.tasks as d on d.id = n
          where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)));
    exit when more = '{}';
    again := again || more;
  end loop;
  return query with queued as (
    update public.tasks as t set status = 'queued', attempts = 0, progress = 0, note = null, run_at = clock_timestamp(),
      -- Who takes it next should know what went wrong.
      last_error = case when t.status = 'dead' then t.last_error end
    where t.id = any (again) returning t.*
  ) select * from queued where id = p_id;
end $$;

-- From now on only that tag may claim it, or with null again whoever asks first; of a plan, each step that nobody has begun.
create or replace function public.task_assign(p_id bigint, p_assignee text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  perform agentmux.guard_task(p_id, 'assign');
  return query with changed as (
    update public.tasks as t set assignee = p_assignee
    where t.id in (select public.mux_task_tree(p_id)) and t.status = 'queued'
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued')
    returning t.*
  ) select * from changed where id = p_id;
end $$;

-- Higher goes first; a plan with its steps.
create or replace function public.task_reprioritise(p_id bigint, p_priority int) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  perform agentmux.guard_task(p_id, 'reprioritise');
  return query with changed as (
    update public.tasks as t set priority = p_priority
    where t.id in (select public.mux_task_tree(p_id)) and t.status in ('queued', 'running')
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status in ('queued', 'running'))
    returning t.*
  ) select * from changed where id = p_id;
end $$;
