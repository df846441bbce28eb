-- The rung between delivered and acked: read. Delivered says that a client's output was flushed; read, that a model call of that
-- session ended afterwards. What was delivered and not read is given back when the session fails or ends, and handed over again.
-- What was read is never handed over again by the clock.

alter table public.receipts
  add column if not exists read_at timestamptz,
  add column if not exists session text constraint receipts_session_1_to_200_characters check (char_length(session) between 1 and 200),
  add column if not exists batches int not null default 0 constraint receipts_batches_not_negative check (batches >= 0),
  add column if not exists returned int not null default 0 constraint receipts_returned_not_negative check (returned >= 0);
alter table public.receipts drop constraint if exists receipts_state_known;
alter table public.receipts add constraint receipts_state_known check (state in ('taken', 'delivered', 'read', 'acked'));
alter table public.receipts drop constraint if exists receipts_read_when_read;
alter table public.receipts add constraint receipts_read_when_read check (state <> 'read' or read_at is not null);
comment on column public.receipts.read_at is 'when a model call of the session that has it had ended';
comment on column public.receipts.session is 'the client session that it was handed to; null: not known, or given back';
comment on column public.receipts.batches is 'how many batches of tools of that session have ended since it was delivered';
comment on column public.receipts.returned is 'how often it was delivered, not read, and given back';
-- What a reader has and has not acked: few rows, looked at with each message that it writes.
create index if not exists receipts_handed on public.receipts (upper(reader collate "C"), message_id) where state in ('delivered', 'read');

alter table public.agents add column if not exists damped text;
comment on column public.agents.damped is
  'the agents whose messages no longer wake it until one of both does other work or a human writes; null: none';

alter table public.agent_sessions
  add column if not exists prompted_at timestamptz,
  add column if not exists quiet_until timestamptz,
  add column if not exists woken_at timestamptz;
comment on column public.agent_sessions.prompted_at is 'when its user typed the last prompt';
comment on column public.agent_sessions.quiet_until is 'until when it is not woken, because its user interrupted it';
comment on column public.agent_sessions.woken_at is 'when it was woken for mail that it has not taken yet';

-- How often two agents have woken each other since one of them did other work, or a human wrote to one of them.
create table if not exists agentmux.wakes (
  low text collate "C" not null,
  high text collate "C" not null,
  wakes int not null,
  -- The newest message that was counted: to be woken again for the same ones is no further wake.
  last_id bigint not null,
  damped boolean not null default false,
  constraint wakes_pkey primary key (low, high)
);
create index if not exists wakes_high on agentmux.wakes (high);
revoke all on agentmux.wakes from public, anon, authenticated, service_role;

-- The number of wakes between two agents after which they wait for their next turns.
create or replace function agentmux.max_wakes() returns int
language sql immutable set search_path = '' return 8;

-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that were read, that are leased, or that were handed over five
-- times and not given back. Leases that were created while the clock was ahead do not count.
create or replace function agentmux.waiting(p_reader text, p_limit int, p_free boolean default false) returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = upper(p_reader collate "C"));
  since record;
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
begin
  select c.xid, c.id into since from public.cursors as c join public.mux_meta as m on m.epoch = c.epoch where c.reader = me;
  if not found then select '0'::xid8 as xid, 0::bigint as id into since; end if;
  -- The receipt is looked up for each row that is left, by a subquery that cannot become a join over all receipts.
  if joined is null then
    return query
    -- offset 0: from the mentions to their messages, never along all messages looking for mentions.
    select m.* from public.channel_entries as e
    cross join lateral (select * from public.messages where messages.id = e.message_id offset 0) as m
    where e.tag = me and e.mentioned and (m.xid, m.id) > (since.xid, since.id)
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id)
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- A batch of tools ('batch', or 'work' if one of them was not the mailbox's) or the turn of that session has ended ('turn'). The
-- model has then answered to everything that was delivered before; but not to what a tool of this very batch returned, which it
-- sees next. A broadcast, and an answer to what the reader wrote itself, are done with when they were read.
create or replace function agentmux.mark_read(p_reader text, p_session text, p_ended text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  done bigint[];
begin
  if p_ended not in ('batch', 'work', 'turn') then
    raise exception using errcode = '22023', message = format('p_ended is batch, work or turn, not %L', p_ended);
  end if;
  with handed as (
    select r.message_id, r.reader, p_ended = 'turn' or r.route is distinct from 'mcp' or r.batches > 0 as is_read
    from public.receipts as r
    where upper(r.reader collate "C") = me and r.state = 'delivered' and (r.session = p_session or r.session is null)
    order by r.message_id for update
  ), changed as (
    update public.receipts as r
    set batches = r.batches + 1,
      state = case when handed.is_read then 'read' else r.state end,
      read_at = case when handed.is_read then clock_timestamp() end,
      lease_until = case when handed.is_read then null else r.lease_until end
    from handed where r.message_id = handed.message_id and r.reader = handed.reader
    returning r.message_id, r.state
  )
  select array_agg(m.id order by m.id) into done
  from changed join public.messages as m on m.id = changed.message_id and changed.state = 'read'
  where m.mentions = '{}' or exists (
    select from public.messages as own where own.id = m.reply_to
      and me in (upper(own.tag collate "C"), upper(own.author_tag collate "C")));
  if done is not null then perform agentmux.ack(p_reader, done, 'read'); end if;
  if p_ended = 'work' then perform agentmux.forget_wakes(array[me]); end if;
end $$;

-- Says in the agents' rows with whom they are damped.
create or replace function agentmux.show_damped(p_tags text[]) returns void
language sql volatile security definer set search_path = '' as $$
  update public.agents as a set damped = now.damped
  from (
    select t.tag, (
      select string_agg(coalesce(other.tag, pair.tag), ', ' order by pair.tag)
      from (
        select w.high as tag from agentmux.wakes as w where w.low = t.tag and w.damped
        union all
        select w.low from agentmux.wakes as w where w.high = t.tag and w.damped
      ) as pair
      left join public.agents as other on upper(other.tag collate "C") = pair.tag
    ) as damped
    from (select distinct unnest(p_tags) as tag) as t
  ) as now
  where upper(a.tag collate "C") = now.tag and a.damped is distinct from now.damped
$$;

-- The wakes of these agents count from nothing again. p_tags: in upper case; null: all.
create or replace function agentmux.forget_wakes(p_tags text[]) returns void
language plpgsql security definer set search_path = '' as $$
declare
  changed text[];
begin
  if not exists (select from agentmux.wakes as w where p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) then return; end if;
  perform agentmux.guard_lock('wakes');
  -- First the agents' rows, in one order: whoever wakes locks them in that order, too.
  changed := array(
    select distinct tag from agentmux.wakes as w cross join lateral unnest(array[w.low, w.high]) as tag
    where w.damped and (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)));
  perform from public.agents as a where upper(a.tag collate "C") = any (changed) order by upper(a.tag collate "C") for update;
  delete from agentmux.wakes as w where p_tags is null or w.low = any (p_tags) or w.high = any (p_tags);
  perform agentmux.show_damped(changed);
end $$;

drop function if exists public.inbox_take(int, text, int, int, text);
-- Leases waiting messages to the caller, oldest first: at most p_limit, and after the first only as many as fit into p_bytes of
-- content, because a response that takes too long is lost. p_take_id names this call, so that receipt_release can give back what it
-- took, even if the response did not arrive. p_lease is in seconds. Of two clients under one tag, only one gets each message; the
-- other gets the rest. p_session: the client session that takes. p_ended: what of it has just ended (agentmux.mark_read); with
-- p_limit 0, only that is recorded.
create or replace function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30,
  p_bytes int default 1048576, p_take_id text default null, p_session text default null, p_ended text default null)
returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  free bigint[];
  first bigint[];
  again bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 then return; end if;
  loop
    free := array(
      select sized.id
      from (
        select w.id, row_number() over waiting as place, sum(octet_length(w.content)) over waiting as bytes
        from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w
        window waiting as (order by w.xid, w.id)
      ) as sized
      where sized.place = 1 or sized.bytes <= coalesce(p_bytes, 1048576));
    exit when free = '{}';
    with taken as (
      insert into public.receipts (message_id, reader, state, route, delivered_at, takes, take_id, session, lease_until)
      select id, me, 'taken', p_route, null, 1, p_take_id, p_session, clock_timestamp() + lease from unnest(free) as id order by id
      on conflict do nothing returning message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into first from taken;
    with lapsed as (
      select r.message_id, r.reader, r.lease_until > clock_timestamp() as ahead from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (free) and r.message_id <> all (first)
        and r.state in ('taken', 'delivered') and r.attempts - r.returned < 5
        and (r.lease_until <= clock_timestamp() or r.lease_until > clock_timestamp() + agentmux.longest_lease()) is not false
      order by r.message_id for update
    ), bounded as (
      -- Since the lease was given the clock was put back: it lasts as long as it might from now on.
      update public.receipts as r set lease_until = clock_timestamp() + agentmux.longest_lease()
      from lapsed where lapsed.ahead and r.message_id = lapsed.message_id and r.reader = lapsed.reader
    ), taken as (
      update public.receipts as r
      set state = 'taken', route = p_route, takes = r.takes + 1, take_id = p_take_id, session = p_session, batches = 0,
        lease_until = clock_timestamp() + greatest(lease, agentmux.retry_after(r.takes + 1))
      from lapsed where lapsed.ahead is not true and r.message_id = lapsed.message_id and r.reader = lapsed.reader
      returning r.message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into again from taken;
    exit when first || again <> '{}';
  end loop;
  return query select m.* from public.messages as m where m.id = any (first || again) order by m.id;
end $$;

drop function if exists public.receipt_deliver(bigint[], text);
-- Records that the client has handed over the messages, to p_session. Each counts as one attempt, and the reader has ten minutes to
-- read or ack it before the next one; a message that was not taken first counts, too. The time of the first delivery stays.
-- Repeating this changes nothing.
create or replace function public.receipt_deliver(p_ids bigint[], p_route text, p_session text default null) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, route, attempts, session, lease_until)
  select m.id, me, p_route, 1, p_session, clock_timestamp() + agentmux.longest_lease()
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with taken as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (p_ids) and r.state = 'taken'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'delivered', route = p_route, attempts = r.attempts + 1, takes = 0, take_id = null, session = p_session, batches = 0,
    lease_until = clock_timestamp() + agentmux.longest_lease(), delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from taken where r.message_id = taken.message_id and r.reader = taken.reader;
  get diagnostics updated = row_count;
  return inserted + updated;
end $$;

-- The session will not read what it has: its model call failed, its turn was interrupted, it has ended. That is free again, at once
-- the first time, then after a while that grows (agentmux.retry_after). Returns how many messages that were.
create or replace function agentmux.return_mail(p_reader text, p_session text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  changed int;
begin
  with held as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(p_reader collate "C") and r.session = p_session and r.state in ('taken', 'delivered')
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'taken', session = null, take_id = null, batches = 0,
    returned = r.returned + (r.state = 'delivered')::int,
    lease_until = clock_timestamp() + agentmux.retry_after(case when r.state = 'delivered' then r.returned + 1 else r.takes end)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $$;

create or replace function public.receipt_return(p_session text) returns int
language plpgsql security definer set search_path = '' as $$
begin
  return agentmux.return_mail(agentmux.me(), p_session);
end $$;

-- What one writes answers: a reply, what it replies to; any other message, whatever its writer was handed of those to whom it is
-- addressed (everyone, if it names nobody). So plain SQL without reply_to answers as well. For its author, or with plain SQL the tag
-- that it is written under. A human's word also ends the damping of those whom it reaches.
create or replace function agentmux.message_answers() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  me text := coalesce(new.author_tag, new.tag);
  addressed text[] := array(select upper(t collate "C") from unnest(new.mentions) as t);
  answered bigint[];
begin
  if new.reply_to is not null then
    answered := array[new.reply_to];
  else
    answered := array(
      select m.id from public.receipts as r join public.messages as m on m.id = r.message_id
      where upper(r.reader collate "C") = upper(me collate "C") and r.state in ('delivered', 'read')
        and (addressed = '{}' or upper(m.tag collate "C") = any (addressed))
      order by m.id);
  end if;
  -- What a human has seen is not done with because of another word to the same agent: the human says so.
  if answered <> '{}' and (new.reply_to is not null or not exists (
    select from public.agents as a where upper(a.tag collate "C") = upper(me collate "C") and a.kind = 'human')) then
    perform agentmux.ack(me, answered, case when new.reply_to is null then 'answer' else 'reply' end);
  end if;
  if new.author_kind = 'human' then
    perform agentmux.forget_wakes(case when addressed <> '{}' then addressed
      when new.reply_to is not null then array(
        select distinct upper(m.tag collate "C") from public.messages as m where m.thread_id = new.thread_id) end);
  end if;
  return null;
end $$;

drop trigger if exists messages_reply_acks on public.messages;
drop function if exists agentmux.reply_acks();
create or replace trigger messages_answers after insert on public.messages
  for each row when (new.author_tag is not null or new.tag <> 'UNTAGGED')
  execute function agentmux.message_answers();

-- What the sessions of an agent do together. p_tag: in upper case. presence: null without any session.
create or replace function agentmux.live_sessions(p_tag text) returns table (sessions int, wake text, presence text)
language sql stable security definer set search_path = '' as $$
  select count(*)::int, min(s.wake),
    case when bool_or(s.presence = 'working') then 'working' when bool_or(s.presence = 'blocked') then 'blocked'
      when count(*) > 0 then 'idle' end
  from public.agent_sessions as s where s.tag = p_tag
$$;

drop function if exists public.agent_touch(text, text, text, text);
-- Adds or refreshes the caller as an agent, and one of its sessions. An unverified caller cannot change an agent's kind. p_prompted:
-- its user typed a prompt. p_quiet: the seconds in which it is not woken, because its user interrupted it.
create or replace function public.agent_touch(p_presence text default null, p_role text default null, p_session text default null,
  p_wake text default null, p_prompted boolean default false, p_quiet int default null) returns public.agents
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
    perform agentmux.return_mail(me, p_session);
    delete from public.agent_sessions as s where s.tag = folded and s.session = p_session;
  elsif p_session is not null then
    insert into public.agent_sessions as s (tag, session, presence, wake, prompted_at, quiet_until)
    values (folded, p_session, coalesce(p_presence, 'idle'), nullif(p_wake, 'none'), case when p_prompted then clock_timestamp() end,
      clock_timestamp() + make_interval(secs => p_quiet))
    on conflict (tag, session) do update set
      presence = coalesce(p_presence, s.presence),
      wake = case when p_wake is null then s.wake else excluded.wake end,
      prompted_at = coalesce(excluded.prompted_at, s.prompted_at),
      quiet_until = case when p_prompted then null else coalesce(excluded.quiet_until, s.quiet_until) end,
      woken_at = case when p_presence = 'working' then null else s.woken_at end,
      seen_at = clock_timestamp();
  end if;
  -- What they had is given back; nobody else would.
  perform agentmux.return_mail(me, s.session) from public.agent_sessions as s
  where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  delete from public.agent_sessions as s where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  select * into live from agentmux.live_sessions(folded);
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

-- These sessions of the caller are dead: their processes are gone. What they had is given back. Returns how many there were.
create or replace function public.session_end(p_sessions text[]) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ended int;
begin
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  perform agentmux.return_mail(me, name) from unnest(p_sessions) as name;
  delete from public.agent_sessions as s where s.tag = folded and s.session = any (p_sessions);
  get diagnostics ended = row_count;
  if ended > 0 then
    update public.agents as a
    set presence = coalesce(live.presence, 'away'), sessions = live.sessions, wake = live.wake
    from agentmux.live_sessions(folded) as live
    where upper(a.tag collate "C") = folded;
  end if;
  return ended;
end $$;

-- The mail for which this session of the caller is to be woken now; nothing if it is not. The one place that decides a wake, so
-- whoever rings may ring twice. Worth a turn is mail that was never delivered, that was given back, or that names the agent. Of
-- several sessions one is woken, the one that its user prompted last; another after ten seconds in which that one took nothing. Two
-- agents wake each other max_wakes() times; after that their mail waits for the next turns (agents.damped), until one of both does
-- other work or a human writes to one.
create or replace function public.wake_begin(p_session text, p_limit int default 20) returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ids bigint[];
  chosen record;
  other record;
  is_allowed boolean := false;
  stopped text[] := '{}';
begin
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
    select upper(m.tag collate "C") as tag, max(m.id) as last_id, w.low is not null as is_known, coalesce(w.wakes, 0) as wakes,
      coalesce(w.last_id, 0) as counted, coalesce(m.author_kind, 'agent') = 'agent' as is_agent
    from public.messages as m
    left join agentmux.wakes as w
      on w.low = least(upper(m.tag collate "C"), folded collate "C") and w.high = greatest(upper(m.tag collate "C"), folded collate "C")
    where m.id = any (ids)
    group by 1, w.low, w.wakes, w.last_id, m.author_kind
    order by 1
  loop
    if not other.is_agent or other.last_id <= other.counted or other.wakes < agentmux.max_wakes() then
      is_allowed := true;
    else
      stopped := stopped || other.tag;
    end if;
  end loop;
  if stopped <> '{}' then
    update agentmux.wakes as w set damped = true
    where not w.damped and ((w.low = folded and w.high = any (stopped)) or (w.high = folded and w.low = any (stopped)));
    -- Only in its own row: two wakes that each change both rows could deadlock.
    perform agentmux.show_damped(array[folded]);
  end if;
  if not is_allowed then return; end if;
  insert into agentmux.wakes as w (low, high, wakes, last_id)
  select least(sender.tag, folded collate "C"), greatest(sender.tag, folded collate "C"), 1, sender.last_id
  from (
    select upper(m.tag collate "C") collate "C" as tag, max(m.id) as last_id from public.messages as m
    where m.id = any (ids) and coalesce(m.author_kind, 'agent') = 'agent' and upper(m.tag collate "C") <> all (stopped)
      and upper(m.tag collate "C") <> folded
    group by 1
  ) as sender
  on conflict (low, high) do update set wakes = w.wakes + 1, last_id = excluded.last_id where w.last_id < excluded.last_id;
  update public.agent_sessions as s set woken_at = clock_timestamp() where s.tag = folded and s.session = p_session;
  return query select m.* from public.messages as m where m.id = any (ids) order by m.id;
end $$;

-- Lets an agent be woken again by those with whom it was damped. For humans, the service role and the owner.
create or replace function public.agent_undamp(p_tag text) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  folded text := upper(p_tag collate "C");
  changed public.agents;
begin
  if current_setting('role') in ('anon', 'authenticated') then
    perform agentmux.me();
    if (select i.kind from agentmux.identity() as i) <> 'human' then
      raise exception using errcode = '42501', message = 'only a human may let damped agents go on';
    end if;
  end if;
  perform agentmux.forget_wakes(array[folded]);
  perform agentmux.show_damped(array[folded]);
  select a.* into changed from public.agents as a where upper(a.tag collate "C") = folded;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['agent_touch', 'agent_undamp', 'inbox_take', 'receipt_deliver', 'receipt_return', 'session_end', 'wake_begin']
  loop
    execute format('revoke all on function public.%I from public, anon', name);
    execute format('grant execute on function public.%I to authenticated, service_role', name);
  end loop;
  foreach name in array array['max_wakes', 'mark_read', 'show_damped', 'forget_wakes', 'return_mail', 'message_answers', 'live_sessions']
  loop
    execute format('revoke all on function agentmux.%I from public, anon, authenticated, service_role', name);
  end loop;
end $$;

insert into agentmux.migrations (version) values ('20261203000000');
