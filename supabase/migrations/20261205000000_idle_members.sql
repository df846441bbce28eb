-- A task that is ready no longer waits for a minute beside an idle agent because others who work on its queue have tasks of their own.

-- The idle agent to which a ready task is to be offered; null: nobody now. It can be woken, holds no task, and no other task was
-- offered to it in the last minutes. Members of the queue come first: who has claimed in it, and who has the same role as one of
-- those. A member that is at work and holds no task will claim the next one itself: for each of those, one task is left for a minute
-- before somebody else is woken. Who added it is asked to do it only where it has claimed before: it may wait for another who is
-- away. Among equals, who was woken least recently.
create or replace function agentmux.agent_for(p_task public.tasks) returns text
language sql stable security definer set search_path = '' as $$
  with living as (
    select a.tag, upper(a.tag collate "C") as folded, a.role, a.presence,
      exists (select from public.tasks as held where held.status = 'running' and upper(held.lease_owner collate "C") = upper(a.tag collate "C")) as holds,
      exists (select from agentmux.workers as w where w.tag = upper(a.tag collate "C") and w.queue = p_task.queue) as has_claimed
    from public.agents as a
    where a.kind = 'agent' and a.revoked_at is null and agentmux.has_session(a.tag)
      and (p_task.assignee is null or upper(a.tag collate "C") = upper(p_task.assignee collate "C"))
  ), team as (
    select l.folded, l.tag,
      l.has_claimed or exists (
        select from agentmux.workers as w join public.agents as other on upper(other.tag collate "C") = w.tag
        where w.queue = p_task.queue and other.role = l.role) as is_member,
      l.presence = 'working' and not l.holds as may_claim,
      l.presence = 'idle' and not l.holds
        and exists (select from public.agent_sessions as s where s.tag = l.folded and s.presence = 'idle' and s.wake is not null
          and coalesce(s.quiet_until <= clock_timestamp(), true))
        and not exists (select from agentmux.offers as o
          where o.tag = l.folded and o.task_id <> p_task.id and o.at > clock_timestamp() - interval '5 minutes') as is_free
    from living as l
    where p_task.assignee is not null or l.folded is distinct from upper(p_task.created_by collate "C") or l.has_claimed
  )
  select t.tag from team as t
  where t.is_free and (t.is_member
    or (select o.since from agentmux.offers as o where o.task_id = p_task.id) < clock_timestamp() - interval '1 minute'
    or (select count(*) from team as m where m.is_member and m.may_claim) < (
      select count(*) from agentmux.offers as o join public.tasks as q on q.id = o.task_id
      where q.queue = p_task.queue and (q.id = p_task.id or (q.assignee is null and o.tag is null))))
  order by t.is_member desc, (select max(o.at) from agentmux.offers as o where o.tag = t.folded) nulls first, t.folded
  limit 1
$$;

insert into agentmux.migrations (version) values ('20261205000000');
