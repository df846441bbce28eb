-- The history of tasks and agents, which their tables do not keep. A row is added whenever a task's status, owner or progress changes,
-- or an agent's presence. Only triggers write it. It is not in the publication, because subscribers get the changed rows
-- themselves.

create table if not exists public.events (
  id bigint generated always as identity constraint events_pkey primary key,
  kind text not null
    constraint events_kind_known check (kind in ('task', 'presence')),
  at timestamptz not null,
  task_id bigint
    constraint events_task_id_fkey references public.tasks (id) on delete cascade,
  tag text,
  state text not null,
  progress real,
  constraint events_of_a_task_or_an_agent check (
    case kind when 'task' then task_id is not null and progress is not null else task_id is null and tag is not null end)
);
comment on table public.events is 'how a task or an agent stood from then on';
comment on column public.events.tag is 'the agent; of a task its owner, or after its end who owned it';
comment on column public.events.state is 'a task''s status; what an agent did, or gone, or revoked';
create index if not exists events_at on public.events (at, id);
create index if not exists events_task on public.events (task_id, at, id) where task_id is not null;
create index if not exists events_presence on public.events (tag, at, id) where kind = 'presence';

-- Deletes events older than 30 days and beyond about 100,000, with every 500th row. Skips rows that another session is deleting.
create or replace function agentmux.event_written() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.events as e where e.id in (
    select stale.id from public.events as stale
    where stale.at < clock_timestamp() - interval '30 days' or stale.id <= new.id - 100000
    for update skip locked);
  return null;
end $$;

create or replace trigger events_written after insert on public.events
  for each row when (new.id % 500 = 0) execute function agentmux.event_written();

-- Changes of only the progress are recorded at most every five seconds: the row itself has the latest value. An event from the
-- future, written while the clock was ahead, does not count. force_custom_plan: a plan that was made while the table was empty would
-- scan all of it.
create or replace function agentmux.task_history() returns trigger
language plpgsql security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  if tg_op = 'UPDATE' and new.status = old.status and new.lease_owner is not distinct from old.lease_owner
    and exists (select from public.events as e where e.task_id = new.id
      and e.at > new.updated_at - interval '5 seconds' and e.at <= new.updated_at)
  then
    return null;
  end if;
  insert into public.events (kind, at, task_id, tag, state, progress)
  values ('task', new.updated_at, new.id, coalesce(new.lease_owner, old.lease_owner), new.status, new.progress);
  return null;
end $$;

create or replace trigger tasks_history_added after insert on public.tasks
  for each row execute function agentmux.task_history();
create or replace trigger tasks_history_changed after update on public.tasks
  for each row when (old.status <> new.status or old.lease_owner is distinct from new.lease_owner or old.progress <> new.progress)
  execute function agentmux.task_history();

-- Whether a silent agent counts as gone at a time: the same rule as presenceOf in source/mailbox/agent.ts.
create or replace function agentmux.gone(p_agent public.agents, p_at timestamptz) returns boolean
language sql immutable set search_path = '' as $$
  select p_agent.kind <> 'human' and p_agent.presence <> 'away' and p_agent.revoked_at is null
    and p_at > coalesce(p_agent.last_seen_at, p_agent.joined_at) + interval '5 minutes'
$$;

-- That an agent was gone is only recorded when it is back, with the time at which it left: until then, last_seen_at shows it.
create or replace function agentmux.agent_history() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  instant timestamptz := coalesce(new.last_seen_at, clock_timestamp());
begin
  if tg_op = 'UPDATE' then
    if new.last_seen_at is not distinct from old.last_seen_at then
      instant := clock_timestamp();
    elsif agentmux.gone(old, instant) then
      insert into public.events (kind, at, tag, state)
      values ('presence', coalesce(old.last_seen_at, old.joined_at) + interval '5 minutes', new.tag, 'gone');
    elsif new.presence = old.presence and (new.revoked_at is null) = (old.revoked_at is null) then
      return null;
    end if;
  end if;
  insert into public.events (kind, at, tag, state)
  values ('presence', instant, new.tag,
    case when new.revoked_at is not null then 'revoked' when agentmux.gone(new, instant) then 'gone' else new.presence end);
  return null;
end $$;

create or replace trigger agents_history_added after insert on public.agents
  for each row execute function agentmux.agent_history();
create or replace trigger agents_history_changed after update on public.agents
  for each row when (old.presence <> new.presence or (old.revoked_at is null) <> (new.revoked_at is null)
    or new.last_seen_at > coalesce(old.last_seen_at, old.joined_at) + interval '5 minutes')
  execute function agentmux.agent_history();

-- The changes from p_from until before p_to, newest first; with p_before, the next page. The last page also has the state of each
-- task and agent at the beginning of the range, which is its last change before p_from. Tasks that have not changed since p_from are
-- left out, because their rows show their state.
create or replace function public.events_between(p_from timestamptz, p_to timestamptz default null, p_before bigint default null,
  p_limit int default 1000) returns setof public.events
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  page int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  found int;
begin
  perform public.mux_guard();
  return query select e.* from public.events as e
  where e.at >= p_from and (e.at, e.id) < (coalesce(p_to, 'infinity'), coalesce(p_before, 0))
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
end $$;

insert into agentmux.migrations (version) values ('20261202001200');
