-- A plan is a task with steps. All of it is added at once: nobody claims the heading before it has steps, or ends it between
-- two of them.

-- The task, then its steps, in order. With p_in_order each step depends on the one before it, and the first on p_depends_on;
-- otherwise each depends on p_depends_on. Adding twice under one idem_key in one queue returns the first plan.
create function public.task_plan(p_title text, p_steps jsonb, p_in_order boolean default true, p_body text default '',
  p_queue text default 'default', p_priority int default 0, p_parent_id bigint default null, p_position int default 0,
  p_depends_on bigint[] default '{}', p_idem_key text default null, p_message_id bigint default null)
returns setof public.tasks
language plpgsql security definer set search_path = '' as $$
declare
  steps jsonb := case when jsonb_typeof(p_steps) = 'array' then p_steps else '[]' end;
  heading public.tasks;
  step record;
  needed bigint[] := p_depends_on;
  added bigint;
begin
  perform public.mux_guard();
  if jsonb_array_length(steps) not between 1 and 100 then
    raise exception using errcode = '22023', message = 'a plan is an array of 1 to 100 steps';
  end if;
  select t.* into heading from public.task_add(p_title, p_body, p_queue, p_priority, p_parent_id, p_position, p_depends_on,
    p_idem_key => p_idem_key, p_message_id => p_message_id) as t;
  if not exists (select from public.tasks as t where t.parent_id = heading.id) then
    for step in
      select s.value ->> 'title' as title, s.value ->> 'body' as body, s.place::int as place
      from jsonb_array_elements(steps) with ordinality as s (value, place) order by s.place
    loop
      select t.id into added from public.task_add(step.title, step.body, heading.queue, heading.priority, heading.id, step.place,
        needed, p_message_id => heading.message_id) as t;
      if coalesce(p_in_order, true) then needed := array[added]; end if;
    end loop;
  end if;
  return query select t.* from public.tasks as t where t.id = heading.id or t.parent_id = heading.id
    order by t.id <> heading.id, t.position, t.id;
end $$;

revoke all on function public.task_plan(text, jsonb, boolean, text, text, int, bigint, int, bigint[], text, bigint)
  from public, anon, authenticated, service_role;
grant execute on function public.task_plan(text, jsonb, boolean, text, text, int, bigint, int, bigint[], text, bigint)
  to authenticated, service_role;
