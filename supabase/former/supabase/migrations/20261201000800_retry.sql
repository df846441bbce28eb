-- A plan that is tried again took with it the steps that wait for a task which is not: they were queued and could never run, and
-- the plan never ended. They stay cancelled, and say for which task they wait; retried themselves, they name it.

-- As task_retry, for whoever may.
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
      where t.id = any (again) and t.id <> p_id and t.status = 'cancelled' and t.id in (select public.mux_task_tree(p_id)) and (
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
