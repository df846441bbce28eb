-- Plain SQL that changed what a task waits for locked its rows and then took the turn of the tasks, and the functions do it the
-- other way round: PostgreSQL ended the deadlock with the function of an agent, which had done nothing wrong.

create function agentmux.take_task_turn() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_take_turn();
  return null;
end $$;
create trigger tasks_take_turn before update of parent_id, depends_on or delete on public.tasks
  for each statement execute function agentmux.take_task_turn();

-- A plan of which the last open step was given to another one was told nothing, and never ended.
create function agentmux.step_moved() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if old.parent_id is not null then perform public.mux_task_derive(old.parent_id); end if;
  if new.parent_id is not null then perform public.mux_task_derive(new.parent_id); end if;
  return null;
end $$;
create trigger tasks_moved after update of parent_id on public.tasks
  for each row when (new.parent_id is distinct from old.parent_id) execute function agentmux.step_moved();

select public.mux_task_derive(t.id) from public.tasks as t
where t.status = 'queued' and exists (select from public.tasks as step where step.parent_id = t.id);

revoke all on function agentmux.step_moved(), agentmux.take_task_turn() from public, anon, authenticated, service_role;
