-- Pauses: a human stops an agent, or all of them, without ending them. Nothing is handed over to one that is paused, nothing can be
-- claimed by it, and what it has claimed stays its own. What is written to it waits until it is resumed.

-- For all agents: those that join while it is there are paused, too.
create table public.mux_pause_all (
  one boolean primary key default true constraint pause_all_one_row check (one),
  paused_at timestamptz not null default clock_timestamp(),
  paused_by text not null,
  reason text,
  constraint pause_all_reason_at_most_500_characters check (char_length(reason) <= 500)
);
comment on table public.mux_pause_all is 'while it has a row, agents are paused when they join';
alter table public.mux_pause_all enable row level security;
create policy pause_all_read on public.mux_pause_all for select to authenticated using ((select agentmux.admitted()));
create policy pause_all_service on public.mux_pause_all for select to service_role using (true);
revoke all on public.mux_pause_all from public, anon, authenticated, service_role;
grant select on public.mux_pause_all to authenticated, service_role;

alter table public.agents add column paused jsonb,
  add constraint agents_paused_is_an_object check (jsonb_typeof(paused) = 'object');
comment on column public.agents.paused is 'when (at) and by whom it was paused, and the reason; null: it is not';

alter table public.events drop constraint events_kind_known,
  add constraint events_kind_known check (kind in ('task', 'presence', 'approval', 'pause')) not valid;

create function agentmux.pause_history() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.events (kind, at, tag, state, reason)
  values ('pause', clock_timestamp(), new.tag, case when new.paused is null then 'resumed' else 'paused' end,
    case when new.paused is null then coalesce(agentmux.actor(), agentmux.caller_name())
      else left(concat_ws(': ', new.paused ->> 'by', new.paused ->> 'reason'), 500) end);
  return null;
end $$;
revoke all on function agentmux.pause_history from public;
create trigger agents_pause_changed after update of paused on public.agents
  for each row when ((old.paused is null) <> (new.paused is null)) execute function agentmux.pause_history();
create trigger agents_pause_added after insert on public.agents
  for each row when (new.paused is not null) execute function agentmux.pause_history();

create function agentmux.pause_of_all() returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason) from public.mux_pause_all as p
$$;
revoke all on function agentmux.pause_of_all from public;

create function agentmux.pause_new() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.paused := agentmux.pause_of_all();
  return new;
end $$;
revoke all on function agentmux.pause_new from public;
create trigger agents_pause_new before insert on public.agents
  for each row when (new.kind = 'agent') execute function agentmux.pause_new();

-- The pause of the caller; null: it goes on. p_me: its tag. One that has not joined is paused with all.
create function agentmux.my_pause(p_me text) returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  pause jsonb;
begin
  select a.paused into pause from public.agents as a where upper(a.tag collate "C") = upper(p_me collate "C");
  if found or not exists (select from public.mux_pause_all) then return pause; end if;
  return case when (select i.kind from agentmux.identity() as i) = 'agent' then agentmux.pause_of_all() end;
end $$;
revoke all on function agentmux.my_pause from public;

create function agentmux.guard_pause(p_doing text) returns void language plpgsql stable security definer set search_path = '' as $$
declare
  me record;
begin
  perform public.mux_guard();
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if coalesce(me.verified, false) and me.kind <> 'human' then
    raise exception using errcode = '42501', message = format('you are %s, and only a human can %s agents', me.tag, p_doing),
      hint = format('A human does it with `agentmux %s`.', p_doing);
  end if;
end $$;
revoke all on function agentmux.guard_pause from public;

-- The agents that p_tag or p_all names, or an error if it is none.
create function agentmux.paused_tags(p_tag text, p_all boolean) returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
  found_kind text;
begin
  if (p_tag is null) = not coalesce(p_all, false) then
    raise exception using errcode = '22023', message = 'name an agent, or all';
  end if;
  if p_tag is null then
    return array(select upper(a.tag collate "C") from public.agents as a where a.kind = 'agent');
  end if;
  select a.kind into found_kind from public.agents as a where upper(a.tag collate "C") = upper(p_tag collate "C");
  if not found then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  if found_kind <> 'agent' then
    raise exception using errcode = '22023', message = format('%s is no agent', p_tag);
  end if;
  return array[upper(p_tag collate "C")];
end $$;
revoke all on function agentmux.paused_tags from public;

-- Pauses an agent, or all of them and those that join until all are resumed: for humans. Returns those that it named; one that is
-- paused already stays as it is.
create function public.agent_pause(p_tag text default null, p_reason text default null, p_all boolean default false)
returns setof public.agents language plpgsql security definer set search_path = '' as $$
declare
  tags text[];
  why text := left(nullif(btrim(p_reason), ''), 500);
  who text := coalesce(agentmux.actor(), agentmux.caller_name());
begin
  perform agentmux.guard_pause('pause');
  tags := agentmux.paused_tags(p_tag, p_all);
  if p_all then
    insert into public.mux_pause_all (paused_by, reason) values (who, why) on conflict do nothing;
  end if;
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  update public.agents as a set paused = jsonb_build_object('at', clock_timestamp(), 'by', who, 'reason', why)
  where upper(a.tag collate "C") = any (tags) and a.paused is null;
  return query select a.* from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag;
end $$;
revoke all on function public.agent_pause from public, anon;
grant execute on function public.agent_pause to authenticated, service_role;

-- Ends the pause of an agent, also if all were paused; or that of all: for humans. Returns those that were paused. The leases of what
-- they have claimed begin to run again, with time for their owners to be heard.
create function public.agent_resume(p_tag text default null, p_all boolean default false)
returns setof public.agents language plpgsql security definer set search_path = '' as $$
declare
  tags text[];
begin
  perform agentmux.guard_pause('resume');
  tags := agentmux.paused_tags(p_tag, p_all);
  perform agentmux.observe_leases();
  perform agentmux.take_turn();
  update public.tasks as t set lease_until = greatest(t.lease_until, clock_timestamp() + agentmux.wake_grace())
  from public.agents as a
  where t.status = 'running' and upper(a.tag collate "C") = upper(t.lease_owner collate "C") and a.paused is not null
    and a.presence <> 'away' and upper(a.tag collate "C") = any (tags);
  if p_all then delete from public.mux_pause_all; end if;
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  return query update public.agents as a set paused = null where upper(a.tag collate "C") = any (tags) and a.paused is not null
  returning a.*;
end $$;
revoke all on function public.agent_resume from public, anon;
grant execute on function public.agent_resume to authenticated, service_role;

CREATE OR REPLACE FUNCTION public.inbox_take(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_lease integer DEFAULT 30, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_ended text DEFAULT NULL::text)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  got bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 or agentmux.my_pause(me) is not null then return; end if;
  got := (agentmux.take(me, p_limit, p_route, p_lease, p_bytes, p_take_id, p_session, 0)).got;
  return query select m.* from public.messages as m where m.id = any (got)
    order by agentmux.precedence(m.author_kind), m.id;
end $function$;

-- inbox_take together with what is said beside the messages: their receipts, which tell whether the reader may have them already; the
-- ids of at most p_named others that wait, oldest first; and with p_open, if none was taken, the ids of those among the 50 oldest open
-- ones that were taken before. If the caller is paused, nothing is taken, and `paused` says why.
CREATE OR REPLACE FUNCTION public.inbox_check(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_named integer DEFAULT 11, p_open boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  taken record;
  pause jsonb := agentmux.my_pause(me);
begin
  if pause is not null then
    return jsonb_build_object('messages', '[]'::jsonb, 'receipts', '[]'::jsonb, 'waiting', '[]'::jsonb, 'open', '[]'::jsonb, 'paused', pause);
  end if;
  select * into taken from agentmux.take(me, p_limit, p_route, null, p_bytes, p_take_id, p_session,
    least(greatest(coalesce(p_named, 11), 0), 1000));
  return jsonb_build_object(
    'messages', coalesce((select jsonb_agg(to_jsonb(m.*) order by agentmux.precedence(m.author_kind), m.id)
      from public.messages as m where m.id = any (taken.got)), '[]'),
    'receipts', coalesce((select jsonb_agg(to_jsonb(r.*)) from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (taken.got)), '[]'),
    'waiting', coalesce((select jsonb_agg(id order by id) from unnest(taken.others) as id), '[]'),
    'open', case when p_open and taken.got = '{}' then coalesce((select jsonb_agg(w.id order by w.id)
      from agentmux.waiting(me, 50) as w
      where exists (select from public.receipts as r where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = w.id)), '[]')
      else '[]' end);
end $function$;

-- The mail for which this session of the caller is to be woken now; nothing if it is not. The one place that decides a wake, so
-- whoever rings may ring twice. Worth a turn is mail that was never delivered, that was given back, or that names the agent. Of
-- several sessions one is woken, the one that its user prompted last; another after ten seconds in which that one took nothing. Two
-- agents wake each other max_wakes() times, by messages and by changes in tables; after that their mail waits for the next turns
-- (agents.damped), until one of both does other work (which changes in tables are themselves) or a human writes to one.
CREATE OR REPLACE FUNCTION public.wake_begin(p_session text, p_limit integer DEFAULT 20)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ids bigint[];
  chosen record;
  other record;
  is_allowed boolean := false;
  stopped text[] := '{}';
  stopped_by_change text[] := '{}';
begin
  if agentmux.my_pause(me) is not null then return; end if;
  perform agentmux.guard_lock('wakes');
  -- One after the other for all sessions of the agent.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  ids := array(
    select w.id from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w
    left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = w.id
    where w.mentions <> '{}' or r.delivered_at is null or r.returned > 0);
  if ids = '{}' then return; end if;
  select s.session, s.woken_at into chosen
  from public.agent_sessions as s
  where s.tag = folded and s.presence = 'idle' and s.wake is not null and s.seen_at > clock_timestamp() - interval '5 minutes'
    and coalesce(s.quiet_until <= clock_timestamp(), true)
  -- One that was woken in vain comes last.
  order by coalesce(s.woken_at <= clock_timestamp() - interval '10 seconds', false), s.prompted_at desc nulls last, s.started_at desc, s.session
  limit 1;
  if not found or chosen.session <> p_session then return; end if;
  if chosen.woken_at > clock_timestamp() - interval '10 seconds' then return; end if;
  for other in
    select sender.tag, sender.by_change, sender.is_agent, max(m.id) as last_id, coalesce(w.last_id, 0) as counted,
      case when sender.by_change and not w.damped and w.at < clock_timestamp() - interval '10 minutes' then 0 else coalesce(w.wakes, 0) end as wakes
    from public.messages as m cross join lateral agentmux.wakers(m) as sender
    left join agentmux.wakes as w on w.by_change = sender.by_change
      and w.low = least(sender.tag collate "C", folded collate "C") and w.high = greatest(sender.tag collate "C", folded collate "C")
    where m.id = any (ids)
    group by sender.tag, sender.by_change, sender.is_agent, w.wakes, w.last_id, w.damped, w.at
    order by 1, 2
  loop
    if not other.is_agent or other.last_id <= other.counted or other.wakes < agentmux.max_wakes() then
      is_allowed := true;
    elsif other.by_change then
      stopped_by_change := stopped_by_change || other.tag;
    else
      stopped := stopped || other.tag;
    end if;
  end loop;
  if stopped || stopped_by_change <> '{}' then
    update agentmux.wakes as w set damped = true
    where not w.damped and folded in (w.low, w.high)
      and case when w.low = folded then w.high else w.low end = any (case when w.by_change then stopped_by_change else stopped end);
    -- Only in its own row: two wakes that each change both rows could deadlock.
    perform agentmux.show_damped(array[folded]);
  end if;
  if not is_allowed then return; end if;
  insert into agentmux.wakes as w (low, high, by_change, wakes, last_id, woken)
  select least(sender.tag, folded collate "C"), greatest(sender.tag, folded collate "C"), sender.by_change, 1, sender.last_id, folded
  from (
    select s.tag collate "C" as tag, s.by_change, max(m.id) as last_id
    from public.messages as m cross join lateral agentmux.wakers(m) as s
    where m.id = any (ids) and s.is_agent and s.tag <> folded
      and s.tag <> all (case when s.by_change then stopped_by_change else stopped end)
    group by 1, 2
  ) as sender
  on conflict (low, high, by_change) do update set last_id = excluded.last_id, woken = excluded.woken, at = clock_timestamp(),
    wakes = case
      when not w.by_change then w.wakes + 1
      when w.at < clock_timestamp() - interval '10 minutes' then 1
      when w.woken <> excluded.woken then w.wakes + 1 else w.wakes end
  where w.last_id < excluded.last_id;
  update public.agent_sessions as s set woken_at = clock_timestamp() where s.tag = folded and s.session = p_session;
  return query select m.* from public.messages as m where m.id = any (ids) order by m.id;
end $function$;

-- Claims a task for the caller: the given one, or the next that is ready. First come tasks that are assigned to the caller, in any
-- queue; then those of p_queue, or without it those of `default` and of the queues in which the caller has claimed before. Among these,
-- the highest priority first, then the oldest. Tasks with steps, with a later run_at, with dependencies that are not done,
-- or with another assignee are not claimed, and none by an agent that is paused. p_hold: no next task if the caller holds that many; null: no bound.
CREATE OR REPLACE FUNCTION public.task_claim(p_queue text DEFAULT NULL::text, p_lease integer DEFAULT 60, p_id bigint DEFAULT NULL::bigint, p_hold integer DEFAULT NULL::integer)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(agentmux.me() collate "C");
  queues text[];
  instant timestamptz;
  chosen bigint;
  former record;
begin
  perform agentmux.reap();
  if agentmux.my_pause(me) is not null then return; end if;
  if p_id is null then
    queues := case when p_queue is not null then array[p_queue]
      else array(select w.queue from agentmux.workers as w where w.tag = folded union select 'default') end;
    if p_hold is not null and p_hold <= (select count(*) from public.tasks as t
      where t.status = 'running' and upper(t.lease_owner collate "C") = folded) then return; end if;
  end if;
  instant := clock_timestamp();
  select t.id into chosen from public.tasks as t
  where t.status = 'queued'
    -- A back-off that is longer than the longest is one from before the clock was set back.
    and (t.run_at is null or t.run_at <= instant
      or (t.attempts > 0 and t.run_at > instant + 1.5 * agentmux.backoff(t.attempts)
        and exists (select from agentmux.claims as c where c.task_id = t.id and c.again_at = t.run_at)))
    and (t.id = p_id or (p_id is null and (t.queue = any (queues) or t.assignee is not null)))
    and (t.assignee is null or upper(t.assignee collate "C") = folded)
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and not exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
  order by t.assignee is null, t.priority desc, t.id
  limit 1 for update of t skip locked;
  if p_id is null then
    insert into agentmux.workers as w (tag, queue) select folded, q from unnest(queues) as q
    on conflict (tag, queue) do update set at = excluded.at where w.at < excluded.at - interval '1 hour';
    delete from agentmux.workers as w where w.tag = folded and w.at < clock_timestamp() - interval '30 days';
  end if;
  if chosen is null then return; end if;
  perform agentmux.begin_lease();
  select c.owner, c.lapsed into former from agentmux.claims as c where c.task_id = chosen;
  if former.lapsed and upper(former.owner collate "C") <> folded then
    perform agentmux.tell(chosen, array[former.owner], format('%s is not yours any more: %s claimed it after your lease had ended.',
      agentmux.task_name(chosen), me));
  end if;
  return query
  with claimed as (
    update public.tasks as t set status = 'running', lease_owner = me, lease_token = t.lease_token + 1,
      lease_until = agentmux.lease(p_lease), attempts = t.attempts + 1
    where t.id = chosen returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner) select claimed.id, claimed.lease_token, me from claimed
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = false, outcome = null, again_at = null
  ) select * from claimed;
end $function$;

-- The idle agent to which a ready task is to be offered; null: nobody now. It can be woken, holds no task, and no other task was
-- offered to it in the last minutes. Members of the queue come first: who has claimed in it, and who has the same role as one of
-- those. A member that is at work and holds no task will claim the next one itself: for each of those, one task is left for a minute
-- before somebody else is woken. Who added it is asked to do it only where it has claimed before: it may wait for another who is
-- away. Among equals, who was woken least recently.
CREATE OR REPLACE FUNCTION agentmux.agent_for(p_task tasks)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  with living as (
    select a.tag, upper(a.tag collate "C") as folded, a.role, a.presence,
      exists (select from public.tasks as held where held.status = 'running' and upper(held.lease_owner collate "C") = upper(a.tag collate "C")) as holds,
      exists (select from agentmux.workers as w where w.tag = upper(a.tag collate "C") and w.queue = p_task.queue) as has_claimed
    from public.agents as a
    where a.kind = 'agent' and a.revoked_at is null and a.paused is null and agentmux.has_session(a.tag)
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
$function$;

-- Counts that an agent wakes another one by a task that it added, as wake_begin counts messages. False if they are damped.
CREATE OR REPLACE FUNCTION agentmux.may_wake(p_author text, p_tag text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  first text := least(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
  second text := greatest(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
begin
  if p_author is null or first = second
    or not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_author collate "C") and a.kind = 'agent')
  then return true; end if;
  if exists (select from agentmux.wakes as w where w.low = first and w.high = second and w.wakes >= agentmux.max_wakes()) then
    update agentmux.wakes as w set damped = true where w.low = first and w.high = second and not w.damped;
    perform agentmux.show_damped(array[upper(p_tag collate "C")]);
    return false;
  end if;
  insert into agentmux.wakes as w (low, high, wakes, last_id) values (first, second, 1, 0)
  on conflict on constraint wakes_pkey do update set wakes = w.wakes + 1;
  return true;
end $function$;

-- Wakes an idle agent that holds a task of which nothing is heard: once when it has come back, because what a client says to its model
-- when it starts is read with the first prompt; and once when it has been idle for five minutes, because it may have ended its turn too
-- early. If nothing is heard for another five minutes, who added the task and the humans are told.
CREATE OR REPLACE FUNCTION agentmux.remind_owners()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
      join public.agents as a on upper(a.tag collate "C") = s.tag and a.paused is null
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
    where t.id = r.task_id and r.session = '' and not r.is_reported and r.at < instant - interval '5 minutes' and a.presence = 'idle' and a.paused is null
      and not exists (select from public.events as e where e.task_id = t.id and e.at > r.at)
    returning t.id, t.created_by, a.tag
  loop
    perform agentmux.tell(back.id, array[back.created_by] || agentmux.humans(),
      format('%s stands still: %s holds it, was reminded of it, and is idle.', agentmux.task_name(back.id), back.tag));
  end loop;
end $function$;

-- Requeues tasks whose leases have expired (dead after max_attempts); returns how many. Writes nothing if no task is leased. A lease
-- of an owner whose client lives is not taken away, for an hour at most: it may have been claimed with plain SQL, or its server was
-- restarted; nor is one of an owner that is paused. An owner who has gone away does not lose an attempt. What was noted and how far it came stays for the next.
CREATE OR REPLACE FUNCTION agentmux.reap(p_period interval DEFAULT NULL::interval, p_resumed boolean DEFAULT false)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  expired bigint[];
begin
  if not exists (select from public.tasks as t where t.status = 'running') then return 0; end if;
  perform agentmux.observe_leases(p_period, p_resumed);
  if not exists (select from public.tasks as t where t.status = 'running' and t.lease_until < clock_timestamp()) then return 0; end if;
  perform agentmux.take_turn();
  with lost as (
    select t.id, t.lease_token, t.lease_owner from public.tasks as t
    where t.status = 'running' and t.lease_until < clock_timestamp()
      and not (t.lease_until > clock_timestamp() - interval '1 hour' and agentmux.has_session(t.lease_owner))
      and not exists (select from public.agents as a
        where upper(a.tag collate "C") = upper(t.lease_owner collate "C") and a.paused is not null)
    for update skip locked
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, lapsed)
    select lost.id, lost.lease_token, lost.lease_owner, true from lost
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = true, outcome = null, again_at = null
    returning c.task_id
  ) select coalesce(array_agg(kept.task_id), '{}') into expired from kept;
  perform set_config('agentmux.reaping', 'on', true);
  update public.tasks as t set
    status = case when t.attempts >= t.max_attempts and not owner.is_away then 'dead' else 'queued' end,
    attempts = t.attempts - owner.is_away::int,
    run_at = null,
    last_error = case when owner.is_away then format('%s went away', t.lease_owner) else format('the lease of %s ran out', t.lease_owner) end
  from (
    select lost.id, exists (select from public.agents as a
      where upper(a.tag collate "C") = upper(lost.lease_owner collate "C") and a.presence = 'away') as is_away
    from public.tasks as lost where lost.id = any (expired)
  ) as owner
  where t.id = owner.id;
  perform set_config('agentmux.reaping', '', true);
  return cardinality(expired);
end $function$;

-- The changes from p_from until before p_to, newest first; with p_before, the next page. The last page also has the state of each
-- task and agent at the beginning of the range, which is its last change before p_from. Tasks that have not changed since p_from are
-- left out, because their rows show their state.
CREATE OR REPLACE FUNCTION public.events_between(p_from timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_before bigint DEFAULT NULL::bigint, p_limit integer DEFAULT 1000)
 RETURNS SETOF events
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  page int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  found int;
begin
  perform public.mux_guard();
  return query select e.* from public.events as e
  where e.kind in ('task', 'presence') and e.at >= p_from and (e.at, e.id) < (coalesce(p_to, 'infinity'), coalesce(p_before, 0))
  order by e.at desc, e.id desc limit page;
  get diagnostics found = row_count;
  if found = page then return; end if;
  return query
  select last.* from public.tasks as t
  cross join lateral (select * from public.events as e where e.task_id = t.id and e.at < p_from
    order by e.at desc, e.id desc limit 1) as last
  where t.updated_at >= p_from
  union all
  select last.* from public.agents as a
  cross join lateral (select * from public.events as e where e.kind = 'presence' and e.tag = a.tag and e.at < p_from
    order by e.at desc, e.id desc limit 1) as last
  order by at desc, id desc;
end $function$;

insert into agentmux.migrations (version) values ('20261214001000');
