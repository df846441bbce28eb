-- What a human does with tasks that are there: try again what failed, hand one to somebody, and say what goes first.

alter table public.tasks
  add column assignee text
    constraint tasks_assignee_is_a_tag check (assignee collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$');
comment on column public.tasks.assignee is 'only this tag may claim it; null: whoever asks first';

-- The task and all steps below it.
create function public.mux_task_tree(p_id bigint) returns setof bigint
language sql stable set search_path = '' as $$
  with recursive below as (
    select p_id as id
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select id from below
$$;

-- As before, but for whom it is may be said. A step is for whom its plan is, unless it says otherwise.
drop function public.task_add(text, text, text, int, bigint, int, bigint[], int, timestamptz, text, bigint);
create function public.task_add(p_title text, p_body text default '', p_queue text default 'default', p_priority int default 0,
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
    coalesce(p_position, 0), needed, coalesce(p_max_attempts, 5), coalesce(p_run_at, clock_timestamp()), p_idem_key,
    p_message_id, (select i.tag from public.mux_identity() as i), meant_for)
  on conflict (queue, idem_key) do nothing
  returning * into added;
  if not found then
    select t.* into added from public.tasks as t where t.queue = p_queue and t.idem_key = p_idem_key;
  end if;
  return next added;
end $$;

-- As before, but none that is for somebody else.
create or replace function public.task_claim(p_queue text default 'default', p_lease int default 60, p_id bigint default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  instant timestamptz;
  chosen bigint;
begin
  perform public.task_reap();
  instant := clock_timestamp();
  select t.id into chosen from public.tasks as t
  where t.status = 'queued' and t.run_at <= instant
    and (p_id is not null or t.queue = p_queue)
    and (p_id is null or t.id = p_id)
    and (t.assignee is null or upper(t.assignee collate "C") = upper(me collate "C"))
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and not exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
  order by t.priority desc, t.run_at, t.id
  limit 1 for update of t skip locked;
  return query update public.tasks as t set status = 'running', lease_owner = me, lease_token = t.lease_token + 1,
    lease_until = public.mux_lease(p_lease), attempts = t.attempts + 1, note = null
  where t.id = chosen returning t.*;
end $$;

-- The three below are for whoever takes part, as task_cancel is, and answer with no row when it is too late for that.

-- What failed, died or was cancelled is queued again, with all its attempts before it. A plan with what of it was not done
-- (steps that somebody cancelled one by one stay so), and a step with the plan above it. What was cancelled because it waits
-- for these waits for them again.
create function public.task_retry(p_id bigint) returns setof public.tasks
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
create function public.task_assign(p_id bigint, p_assignee text default null) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  return query with changed as (
    update public.tasks as t set assignee = p_assignee
    where t.id in (select public.mux_task_tree(p_id)) and t.status = 'queued'
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued')
    returning t.*
  ) select * from changed where id = p_id;
end $$;

-- Higher goes first; a plan with its steps.
create function public.task_reprioritise(p_id bigint, p_priority int) returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform public.mux_take_turn();
  return query with changed as (
    update public.tasks as t set priority = p_priority
    where t.id in (select public.mux_task_tree(p_id)) and t.status in ('queued', 'running')
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status in ('queued', 'running'))
    returning t.*
  ) select * from changed where id = p_id;
end $$;

revoke all on function public.mux_task_tree(bigint),
  public.task_add(text, text, text, int, bigint, int, bigint[], int, timestamptz, text, bigint, text),
  public.task_retry(bigint), public.task_assign(bigint, text), public.task_reprioritise(bigint, int)
  from public, anon, authenticated, service_role;
grant execute on function
  public.task_add(text, text, text, int, bigint, int, bigint[], int, timestamptz, text, bigint, text),
  public.task_retry(bigint), public.task_assign(bigint, text), public.task_reprioritise(bigint, int)
  to authenticated, service_role;
