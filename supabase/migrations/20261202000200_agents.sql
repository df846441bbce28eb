-- The agents, their sessions, and how a request is identified.

create table if not exists public.agents (
  tag text not null constraint agents_pkey primary key
    constraint agents_tag_is_a_tag check (tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'),
  kind text not null default 'agent'
    constraint agents_kind_known check (kind in ('human', 'agent', 'system')),
  role text
    constraint agents_role_at_most_200_characters check (char_length(role) <= 200),
  presence text not null default 'idle'
    constraint agents_presence_known check (presence in ('working', 'idle', 'blocked', 'away')),
  joined_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz,
  revoked_at timestamptz,
  meta jsonb not null default '{}'
    constraint agents_meta_is_an_object check (jsonb_typeof(meta) = 'object'),
  sessions int not null default 0
    constraint agents_sessions_not_negative check (sessions >= 0),
  wake text
    constraint agents_wake_known check (wake in ('bell', 'socket')),
  -- Who belongs to "everyone" follows from what was committed when it joined, not from a clock, which may be put back.
  joined_snapshot pg_snapshot not null default pg_current_snapshot()
);
comment on column public.agents.sessions is 'clients that live under this tag, as far as they told';
comment on column public.agents.wake is 'how one of them can be woken when it is idle; null: it reads at its next turn';
comment on column public.agents.joined_snapshot is
  'what was committed when it joined: a message to everyone that is not visible in it is addressed to it, too';
-- Tags are compared without case; "C" because upper() of a Turkish i would differ.
create unique index if not exists agents_tag_folded on public.agents (upper(tag collate "C"));
-- The snapshot is compared with transaction ids of messages, so agentmux.adopt_xids looks for its ids, too.
create index if not exists mux_agents_joined on public.agents (pg_snapshot_xmax(joined_snapshot));

-- Several clients may run under one tag at the same time, on purpose or by mistake; each running client is a session. The presence
-- of an agent follows from its sessions. More than one is worth a warning, because they share one inbox.
create table if not exists public.agent_sessions (
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

-- Which agent's SQL a transaction runs; agent_sql adds the rows. Transaction ids start again in a database that was dumped and
-- restored, so the start time of the transaction is compared, too. Rows of ended transactions mean nothing; the next call removes
-- them.
create table if not exists agentmux.acting (
  xid xid8 not null constraint acting_pkey primary key,
  started timestamptz not null default transaction_timestamp(),
  tag text not null,
  kind text not null,
  jti text,
  role text not null,
  busy boolean not null default true,
  -- Whether from here on only plain statements follow: see agentmux.plain_tail.
  ends boolean not null default false
);

-- The identity of a request, or no row. An authenticated token is trusted, because only the service role can write its
-- app_metadata. A service key may name the tag that it acts as, which is unverified. While an agent's SQL runs, the identity is
-- that agent's, even if the SQL changes the claims. The owner's plain SQL has no identity. The role is read from its setting,
-- because current_user is the owner in a security definer function.
create or replace function agentmux.identity() returns table (tag text, kind text, verified boolean)
language sql stable security definer set search_path = '' as $$
  with acting as (
    select a.tag, a.kind from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp()
  )
  select acting.tag, acting.kind, true from acting
  union all
  select named.tag, named.kind, named.verified
  from (
    select app ->> 'agent_tag', case when app ->> 'kind' = 'human' then 'human' else 'agent' end, true
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata') as token (app)
    where current_setting('role') = 'authenticated'
    union all
    select nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-agentmux-tag', 'agent', false
    where current_setting('role') = 'service_role'
  ) as named (tag, kind, verified)
  where not exists (select from acting) and named.tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'
$$;

-- The role of the agent whose SQL this transaction runs, or null.
create or replace function agentmux.acting_role() returns text
language sql stable security definer set search_path = '' as $$
  select a.role from agentmux.acting as a
  where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp()
$$;

-- Whether the caller may use the mailbox at all: it has an identity that is not revoked, and a token that was not ended. Other
-- signed-in users of the same Supabase project may not.
create or replace function agentmux.admitted() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from agentmux.identity() as me
    where not exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me.tag collate "C") and a.revoked_at is not null
    )
  ) and agentmux.token_holds()
$$;

-- The identity's tag, or an error that says what is missing.
create or replace function agentmux.me() returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  me text := (select tag from agentmux.identity());
begin
  if me is null then
    raise exception using errcode = '42501',
      message = case current_setting('role')
        when 'authenticated' then 'this token names no agent'
        when 'service_role' then 'this request does not say which tag it acts as'
        else 'plain SQL has no identity' end,
      hint = case current_setting('role')
        when 'authenticated' then 'It takes app_metadata.agent_tag; `agentmux join` makes such a token.'
        when 'service_role' then 'Send the header x-agentmux-tag.'
        else 'Call this over REST with a token, or write to the table itself.' end;
  end if;
  if not agentmux.admitted() then
    if agentmux.token_holds() or exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me collate "C") and a.revoked_at is not null
    ) then
      raise exception using errcode = '42501', message = format('%s has been revoked', me),
        hint = format('A human can let it in again: `agentmux agents restore %s`.', me);
    end if;
    raise exception using errcode = '42501', message = format('this token of %s has ended', me),
      hint = format('`agentmux join %s` in its folder makes another.', me);
  end if;
  return me;
end $$;

-- Rejects tokens without an agent, or with a revoked one; the service role and the owner pass. Clients call it to find out why
-- they read no rows.
create or replace function public.mux_guard() returns void
language plpgsql stable security definer set search_path = '' as $$
begin
  if current_setting('role') in ('anon', 'authenticated') then perform agentmux.me(); end if;
end $$;

-- Keeps the SQL of an agent from holding locks that others wait for. Some functions on long texts (translate, strpos) never check
-- whether they were cancelled. A statement that had locked the tasks and then called one of them kept everyone from finishing,
-- cancelling and requeuing tasks for as long as it ran. Therefore an agent's SQL may lock what others need only at the end of
-- its transaction: in one or more statements that consist of nothing but such a call (or an insert of messages) with literal
-- values. Everything else that would take such a lock is rejected here, before the lock is taken. An agent's own messages,
-- receipts and tables may be locked at any time, because nobody else writes them. `p_what` completes the sentence.
create or replace function agentmux.guard_lock(p_what text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp() and not a.ends
  ) then
    return;
  end if;
  raise exception using errcode = '42501', message = format('an agent changes %s by a statement that does nothing else', p_what),
    detail = 'Others would have to wait until the rest of it is done.',
    hint = 'Call the function by itself, with the values written out: select * from task_add(''a title'', p_depends_on => array[1]). In a script such calls come last.';
end $$;

create or replace function agentmux.guard_locks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.guard_lock(tg_argv[0]);
  return new;
end $$;

create or replace trigger agents_guard_locks before insert or update or delete on public.agents
  for each statement execute function agentmux.guard_locks('agents');
create or replace trigger agent_sessions_guard_locks before insert or update or delete on public.agent_sessions
  for each statement execute function agentmux.guard_locks('agents');

-- Adds or refreshes the caller as an agent, and one of its sessions. An unverified caller cannot change an agent's kind.
create or replace function public.agent_touch(p_presence text default null, p_role text default null, p_session text default null,
  p_wake text default null) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  live record;
  touched public.agents;
begin
  -- Locked, so that of two sessions that come or go at once the second counts the first. A row that is not there cannot be
  -- locked: of many first ones at once each would count itself alone. So it is made first.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  if not found then
    insert into public.agents as a (tag, kind, role, presence, last_seen_at)
    select me, i.kind, p_role, coalesce(p_presence, 'idle'), clock_timestamp() from agentmux.identity() as i
    -- By whichever of its two unique indexes the other is met first.
    on conflict do nothing;
    if found then
      -- What was written to everyone before now is none of its business: its inbox begins here, or at its first mention.
      perform agentmux.advance(me);
    else
      perform from public.agents as a where upper(a.tag collate "C") = folded for update;
    end if;
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
  from agentmux.identity() as i
  on conflict (upper(tag collate "C")) do update set
    kind = case when (select verified from agentmux.identity()) then excluded.kind else a.kind end,
    role = coalesce(p_role, a.role),
    presence = coalesce(live.presence, p_presence, a.presence),
    last_seen_at = excluded.last_seen_at,
    sessions = excluded.sessions,
    wake = excluded.wake
  returning a.* into touched;
  return touched;
end $$;

-- Revokes or restores an agent: for humans, the service role and the owner. Returns the agent's row.
create or replace function agentmux.set_revoked(p_tag text, p_revoked boolean) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  changed public.agents;
  me record;
begin
  select * into me from agentmux.identity();
  if current_setting('role') in ('anon', 'authenticated') then
    perform agentmux.me();
    if me.kind <> 'human' then
      raise exception using errcode = '42501', message = 'only a human may revoke and restore agents';
    end if;
  end if;
  -- Who is revoked could not restore itself.
  if p_revoked and upper(me.tag collate "C") = upper(p_tag collate "C") then
    raise exception using errcode = '22023', message = format('you are %s yourself', me.tag);
  end if;
  update public.agents as a
  set revoked_at = case when p_revoked then coalesce(a.revoked_at, clock_timestamp()) end
  where upper(a.tag collate "C") = upper(p_tag collate "C")
  returning a.* into changed;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $$;

-- From its next request on, the agent can neither read nor write, and gets no mail. Repeating this changes nothing.
create or replace function public.agent_revoke(p_tag text) returns public.agents
language sql security definer set search_path = '' as $$
  select agentmux.set_revoked(p_tag, true)
$$;

-- Mail that came in the meantime is waiting for the agent.
create or replace function public.agent_restore(p_tag text) returns public.agents
language sql security definer set search_path = '' as $$
  select agentmux.set_revoked(p_tag, false)
$$;

create or replace trigger agents_revoked after insert or update of revoked_at on public.agents
  for each row execute function agentmux.agents_revoked();

insert into agentmux.migrations (version) values ('20261202000200');
