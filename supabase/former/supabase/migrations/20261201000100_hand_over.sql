-- Handed over means flushed. A take leases a message to a client; only receipt_deliver, which that client calls when its output
-- was written, counts as a hand-over. What was taken and never handed over is offered again for ever.

alter table public.receipts
  add column takes int not null default 0 constraint receipts_takes_not_negative check (takes >= 0),
  add column take_id text constraint receipts_take_id_at_most_64_characters check (char_length(take_id) <= 64);
comment on column public.receipts.attempts is 'how often it was handed over: the client''s output was flushed';
comment on column public.receipts.takes is 'how often it was taken since then, and not handed over yet';
comment on column public.receipts.take_id is 'which call of inbox_take has it, as the caller named it; null: nobody, or it has no name';

-- attempts counted the takes until now. How many of them were flushed is known only of those that never were; of the others
-- the last one was not. None of these is stuck any more.
update public.receipts set takes = attempts, attempts = 0 where state = 'taken' and delivered_at is null;
update public.receipts set takes = 1, attempts = greatest(attempts - 1, 1) where state = 'taken' and delivered_at is not null;

-- Who belongs to "everyone" follows from what was committed when it joined, not from a clock, which may be put back.
alter table public.agents add column joined_snapshot pg_snapshot;
comment on column public.agents.joined_snapshot is
  'what was committed when it joined: a message to everyone that is not visible in it is addressed to it, too';

-- Of those who joined before: everything from the first message on, in the order of messages_since, that was written at that time
-- or later. That is rather one too many than one too few. One pass over the messages, however many agents there are.
do $$
declare
  agent record;
  found record;
  since record;
begin
  select '0'::xid8 as xid, 0::bigint as id into since;
  for agent in select a.tag, a.joined_at from public.agents as a order by a.joined_at loop
    select m.xid, m.id into found from public.messages as m
    where (m.xid, m.id) >= (since.xid, since.id) and m.created_at >= agent.joined_at
    order by m.xid, m.id limit 1;
    -- For all who joined later there is none either.
    exit when found.xid is null;
    since := found;
    update public.agents as a set joined_snapshot = format('%s:%1$s:', since.xid)::pg_snapshot where a.tag = agent.tag;
  end loop;
end $$;
update public.agents set joined_snapshot = pg_current_snapshot() where joined_snapshot is null;
alter table public.agents
  alter column joined_snapshot set default pg_current_snapshot(),
  alter column joined_snapshot set not null;

-- No lease lasts longer than this from now: one that does was given when the clock was ahead.
create function agentmux.longest_lease() returns interval
language sql immutable set search_path = '' return interval '10 minutes';

-- How long a message that was taken so often and never handed over is kept from the next one: not at all the first time, for that
-- may be chance; then a second, doubled each time up to five minutes, so that one broken client does not have it all the time.
create function agentmux.retry_after(p_takes int) returns interval
language sql immutable set search_path = '' return
  make_interval(secs => case when p_takes <= 1 then 0 else least(300, power(2, least(p_takes, 11) - 2)) end);

-- As before, but who belongs to everyone follows from its snapshot, and a lease of a clock that was ahead does not count.
create or replace function public.mux_waiting(p_reader text, p_limit int, p_free boolean default false) returns setof public.messages
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
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id)
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- Leases to the caller what may be handed over now, oldest first: p_limit messages at most, and no more after the first one than
-- fit into p_bytes of content, for what takes too long to carry is not handed over at all. p_take_id names this call, so that
-- receipt_release can give back what it took, whether its answer arrived or not. p_lease: seconds. Of two clients under one tag
-- one gets each message; the other looks again for what is left.
drop function public.inbox_take(int, text, int);
create function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30,
  p_bytes int default 1048576, p_take_id text default null) returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  free bigint[];
  first bigint[];
  again bigint[];
begin
  loop
    free := array(
      select sized.id
      from (
        select w.id, row_number() over waiting as place, sum(octet_length(w.content)) over waiting as bytes
        from public.mux_waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w
        window waiting as (order by w.xid, w.id)
      ) as sized
      where sized.place = 1 or sized.bytes <= coalesce(p_bytes, 1048576));
    exit when free = '{}';
    with taken as (
      insert into public.receipts (message_id, reader, state, route, delivered_at, takes, take_id, lease_until)
      select id, me, 'taken', p_route, null, 1, p_take_id, clock_timestamp() + lease from unnest(free) as id order by id
      on conflict do nothing returning message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into first from taken;
    with lapsed as (
      select r.message_id, r.reader, r.lease_until > clock_timestamp() as ahead from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (free) and r.message_id <> all (first)
        and r.state <> 'acked' and r.attempts < 5
        and (r.lease_until <= clock_timestamp() or r.lease_until > clock_timestamp() + agentmux.longest_lease()) is not false
      order by r.message_id for update
    ), bounded as (
      -- Since the lease was given the clock was put back: it lasts as long as it might from now on.
      update public.receipts as r set lease_until = clock_timestamp() + agentmux.longest_lease()
      from lapsed where lapsed.ahead and r.message_id = lapsed.message_id and r.reader = lapsed.reader
    ), taken as (
      update public.receipts as r
      set state = 'taken', route = p_route, takes = r.takes + 1, take_id = p_take_id,
        lease_until = clock_timestamp() + greatest(lease, agentmux.retry_after(r.takes + 1))
      from lapsed where lapsed.ahead is not true and r.message_id = lapsed.message_id and r.reader = lapsed.reader
      returning r.message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into again from taken;
    exit when first || again <> '{}';
  end loop;
  return query select m.* from public.messages as m where m.id = any (first || again) order by m.id;
end $$;

-- The client could not hand over what that call of inbox_take took: others may, after a while that grows (agentmux.retry_after).
-- Returns how many messages that were. What another call has taken meanwhile, or what was handed over, stays as it is.
create function public.receipt_release(p_take_id text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  changed int;
begin
  with held as (
    select r.message_id, r.reader from public.mux_waiting(me, 10000) as w
    join public.receipts as r on r.message_id = w.id and upper(r.reader collate "C") = upper(me collate "C")
    where r.state = 'taken' and r.take_id = p_take_id
    order by r.message_id for update of r
  )
  update public.receipts as r set take_id = null, lease_until = clock_timestamp() + agentmux.retry_after(r.takes)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $$;

-- The client has really handed it over: that is an attempt, and the reader has ten minutes to ack before the next one. What the
-- client had without taking it counts as handed over once. The time of the first delivery stays; a repeat changes nothing.
create or replace function public.receipt_deliver(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, route, attempts, lease_until)
  select m.id, me, p_route, 1, clock_timestamp() + agentmux.longest_lease()
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with taken as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (p_ids) and r.state = 'taken'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'delivered', route = p_route, attempts = r.attempts + 1, takes = 0, take_id = null,
    lease_until = clock_timestamp() + agentmux.longest_lease(), delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from taken where r.message_id = taken.message_id and r.reader = taken.reader;
  get diagnostics updated = row_count;
  return inserted + updated;
end $$;

revoke all on function agentmux.longest_lease(), agentmux.retry_after(int) from public, anon, authenticated, service_role;
revoke all on function public.inbox_take(int, text, int, int, text), public.receipt_release(text)
  from public, anon, authenticated, service_role;
grant execute on function public.inbox_take(int, text, int, int, text), public.receipt_release(text)
  to authenticated, service_role;
