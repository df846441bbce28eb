-- Several clients may work under one tag at once, on purpose or by mistake: each that lives is a session. An agent's presence
-- is what its sessions do, and more than one of them is worth an alarm: they share one inbox.

create table public.agent_sessions (
  tag text collate "C" not null,
  session text not null
    constraint agent_sessions_session_1_to_200_characters check (char_length(session) between 1 and 200),
  presence text not null
    constraint agent_sessions_presence_known check (presence in ('working', 'idle', 'blocked')),
  wake text
    constraint agent_sessions_wake_known check (wake in ('bell', 'socket')),
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  constraint agent_sessions_pkey primary key (tag, session)
);
comment on column public.agent_sessions.tag is 'the tag in upper case';

alter table public.agents
  add column sessions int not null default 0 constraint agents_sessions_not_negative check (sessions >= 0),
  add column wake text constraint agents_wake_known check (wake in ('bell', 'socket'));
comment on column public.agents.sessions is 'clients that live under this tag, as far as they told';
comment on column public.agents.wake is 'how one of them can be woken when it is idle; null: it reads at its next turn';

-- Joins the identity, or refreshes it. p_session names the client that speaks: what the agent does then follows from all of its
-- sessions, and `away` ends this one. One that was killed says nothing, and counts no more after five minutes. p_wake: how it
-- can be woken, `none` for not at all. Who is not verified changes nobody's kind.
drop function public.agent_touch(text, text);
create function public.agent_touch(p_presence text default null, p_role text default null, p_session text default null,
  p_wake text default null) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  folded text := upper(me collate "C");
  live record;
  touched public.agents;
begin
  -- Locked, so that of two sessions that come or go at once the second counts the first.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  if not found then
    -- What was written to everyone before now is none of its business: its inbox begins here, or at its first mention.
    perform public.mux_advance(me);
  end if;
  if p_presence = 'away' then
    delete from public.agent_sessions as s where s.tag = folded and s.session = p_session;
  elsif p_session is not null then
    insert into public.agent_sessions as s (tag, session, presence, wake)
    values (folded, p_session, coalesce(p_presence, 'idle'), nullif(p_wake, 'none'))
    on conflict (tag, session) do update set
      presence = coalesce(p_presence, s.presence),
      wake = case when p_wake is null then s.wake else excluded.wake end,
      seen_at = clock_timestamp();
  end if;
  delete from public.agent_sessions as s where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  select count(*)::int as sessions, min(s.wake) as wake,
    case when bool_or(s.presence = 'working') then 'working' when bool_or(s.presence = 'blocked') then 'blocked'
      when count(*) > 0 then 'idle' end as presence
  into live from public.agent_sessions as s where s.tag = folded;
  insert into public.agents as a (tag, kind, role, presence, last_seen_at, sessions, wake)
  select me, i.kind, p_role, coalesce(live.presence, p_presence, 'idle'), clock_timestamp(), live.sessions, live.wake
  from public.mux_identity() as i
  on conflict (upper(tag collate "C")) do update set
    kind = case when (select verified from public.mux_identity()) then excluded.kind else a.kind end,
    role = coalesce(p_role, a.role),
    presence = coalesce(live.presence, p_presence, a.presence),
    last_seen_at = excluded.last_seen_at,
    sessions = excluded.sessions,
    wake = excluded.wake
  returning a.* into touched;
  return touched;
end $$;

-- What waits for the reader, oldest first; with p_free only what may be handed over now. Reading marks nothing.
drop function public.inbox(text, int);
create function public.inbox(p_reader text, p_limit int default 50, p_free boolean default false) returns setof public.messages
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select w.* from public.mux_waiting(p_reader, least(greatest(coalesce(p_limit, 50), 1), 1000), p_free) as w
    order by w.id;
end $$;

alter table public.agent_sessions enable row level security;
create policy agent_sessions_read on public.agent_sessions for select to authenticated using ((select public.mux_admitted()));
create policy agent_sessions_service on public.agent_sessions to service_role using (true) with check (true);

revoke all on public.agent_sessions from public, anon, authenticated, service_role;
grant select on public.agent_sessions to authenticated;
grant select, insert, update, delete on public.agent_sessions to service_role;
revoke all on function public.agent_touch(text, text, text, text), public.inbox(text, int, boolean)
  from public, anon, authenticated, service_role;
grant execute on function public.agent_touch(text, text, text, text), public.inbox(text, int, boolean)
  to authenticated, service_role;
