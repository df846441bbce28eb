-- task_add refuses a task that depends on what failed, was cancelled or is not there, and what waits is cancelled when that
-- happens. Plain SQL could still make such a task: it was queued for ever, and nothing said so. Such an edge is refused as one
-- that closes a circle is, whoever adds it.
create function agentmux.refuse_lost_dependency() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  lost record;
begin
  -- Of one who adds the edge and one whose task fails, the second sees the first.
  perform public.mux_take_turn();
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
create trigger tasks_refuse_lost after insert on public.tasks
  for each row when (new.status in ('queued', 'running') and new.depends_on <> '{}') execute function agentmux.refuse_lost_dependency();
create trigger tasks_refuse_lost_changed after update of depends_on on public.tasks
  for each row when (new.status in ('queued', 'running') and new.depends_on <> old.depends_on)
  execute function agentmux.refuse_lost_dependency();

-- What is there ends as it would have when its dependency did.
update public.tasks as t set status = 'cancelled', last_error = format('task %s, which it depends on, %s', lost.id, lost.words)
from (
  select distinct on (waits.id) waits.id as task_id, n as id,
    case when d.status is null then 'was deleted' else format('is %s', d.status) end as words
  from public.tasks as waits cross join unnest(waits.depends_on) as n left join public.tasks as d on d.id = n
  where waits.status = 'queued' and (d.status is null or d.status in ('failed', 'dead', 'cancelled')) order by waits.id, n
) as lost where t.id = lost.task_id;

revoke all on function agentmux.refuse_lost_dependency() from public, anon, authenticated, service_role;
