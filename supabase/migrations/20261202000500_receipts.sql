-- The states of a message: stored, taken (leased to a client, which hands it over), delivered (the client's output was flushed) and
-- acked (the reader said so, or replied). Only receipt_deliver counts as a hand-over. A message that is not acked is handed over
-- again when its lease has expired, at most five times. A message that was taken but not handed over is offered again without limit.

create table if not exists public.receipts (
  message_id bigint not null
    constraint receipts_message_id_fkey references public.messages (id) on delete cascade,
  reader text not null
    constraint receipts_reader_is_a_tag check (reader collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'),
  state text not null default 'delivered'
    constraint receipts_state_known check (state in ('taken', 'delivered', 'acked')),
  route text
    constraint receipts_route_at_most_64_characters check (char_length(route) <= 64),
  delivered_at timestamptz default clock_timestamp(),
  acked_at timestamptz,
  attempts int not null default 0
    constraint receipts_attempts_not_negative check (attempts >= 0),
  lease_until timestamptz,
  takes int not null default 0
    constraint receipts_takes_not_negative check (takes >= 0),
  take_id text
    constraint receipts_take_id_at_most_64_characters check (char_length(take_id) <= 64),
  constraint receipts_pkey primary key (message_id, reader),
  constraint receipts_acked_when_acked check ((state = 'acked') = (acked_at is not null)),
  constraint receipts_delivered_when_delivered check (state = 'taken' or delivered_at is not null)
);
comment on column public.receipts.attempts is 'how often it was handed over: the client''s output was flushed';
comment on column public.receipts.lease_until is 'until when nobody else hands it over; afterwards it is handed over again';
comment on column public.receipts.takes is 'how often it was taken since then, and not handed over yet';
comment on column public.receipts.take_id is 'which call of inbox_take has it, as the caller named it; null: nobody, or it has no name';
-- One receipt for a reader, however its tag is spelled.
create unique index if not exists receipts_reader on public.receipts (upper(reader collate "C"), message_id);

-- The position up to which a reader has acked everything that is addressed to it, in the order of messages_since: the inbox does
-- not search older messages, however long the history is. Updated by the functions below.
create table if not exists public.cursors (
  reader text not null constraint cursors_pkey primary key,
  epoch uuid not null,
  xid xid8 not null,
  id bigint not null,
  updated_at timestamptz not null default clock_timestamp()
);
comment on column public.cursors.reader is 'the tag in upper case';

-- The maximum length of a lease. One that ends later than this from now was created while the clock was ahead.
create or replace function agentmux.longest_lease() returns interval
language sql immutable set search_path = '' return interval '10 minutes';

-- How long a message waits that was taken p_takes times and never handed over: not at all the first time, which may be chance;
-- then one second, doubled each time up to five minutes, so that one broken client does not have it all the time.
create or replace function agentmux.retry_after(p_takes int) returns interval
language sql immutable set search_path = '' return
  make_interval(secs => case when p_takes <= 1 then 0 else least(300, power(2, least(p_takes, 11) - 2)) end);

-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that are leased, or were handed over five times. Leases that
-- were created while the clock was ahead do not count.
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

-- Moves the reader's cursor to just before the oldest message that still waits for it.
create or replace function agentmux.advance(p_reader text) returns void
language sql volatile security definer set search_path = '' as $$
  with waiting as materialized (select w.xid, w.id from agentmux.waiting(p_reader, 1) as w)
  insert into public.cursors as c (reader, epoch, xid, id)
  select upper(p_reader collate "C"), (select m.epoch from public.mux_meta as m), settled.xid, settled.id
  from (
    select m.xid, m.id from public.messages as m
    where m.xid < agentmux.horizon()
      and (m.xid, m.id) < (
        coalesce((select xid from waiting), '18446744073709551615'::xid8),
        coalesce((select id from waiting), 9223372036854775807))
    order by m.xid desc, m.id desc limit 1
  ) as settled
  on conflict (reader) do update
    set epoch = excluded.epoch, xid = excluded.xid, id = excluded.id, updated_at = excluded.updated_at
    where c.epoch <> excluded.epoch or (c.xid, c.id) < (excluded.xid, excluded.id)
$$;

-- The messages that wait for a reader, oldest first.
create or replace function public.inbox(p_reader text, p_limit int default 50, p_free boolean default false) returns setof public.messages
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select w.* from agentmux.waiting(p_reader, least(greatest(coalesce(p_limit, 50), 1), 1000), p_free) as w
    order by w.id;
end $$;

-- Leases waiting messages to the caller, oldest first: at most p_limit, and after the first only as many as fit into p_bytes of
-- content, because a response that takes too long is lost. p_take_id names this call, so that receipt_release can give back what it
-- took, even if the response did not arrive. p_lease is in seconds. Of two clients under one tag, only one gets each message; the
-- other gets the rest.
create or replace function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30,
  p_bytes int default 1048576, p_take_id text default null) returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
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
        from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w
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

-- Gives back the messages that a call of inbox_take took and the client could not hand over. They can be taken again after a time
-- that grows (agentmux.retry_after). Returns their number. Messages that another call has taken in the meantime, or that were
-- handed over, do not change.
create or replace function public.receipt_release(p_take_id text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  changed int;
begin
  with held as (
    select r.message_id, r.reader from agentmux.waiting(me, 10000) as w
    join public.receipts as r on r.message_id = w.id and upper(r.reader collate "C") = upper(me collate "C")
    where r.state = 'taken' and r.take_id = p_take_id
    order by r.message_id for update of r
  )
  update public.receipts as r set take_id = null, lease_until = clock_timestamp() + agentmux.retry_after(r.takes)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $$;

-- Records that the client has handed over the messages. Each counts as one attempt, and the reader has ten minutes to ack it before
-- the next one; a message that was not taken first counts, too. The time of the first delivery stays. Repeating this changes
-- nothing.
create or replace function public.receipt_deliver(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
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

-- Marks the messages as acked by the reader; returns how many changed.
create or replace function agentmux.ack(p_reader text, p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, state, route, acked_at)
  select m.id, p_reader, 'acked', p_route, clock_timestamp()
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with open as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(p_reader collate "C") and r.message_id = any (p_ids) and r.state <> 'acked'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'acked', route = p_route, acked_at = clock_timestamp(), lease_until = null,
    delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from open where r.message_id = open.message_id and r.reader = open.reader;
  get diagnostics updated = row_count;
  if inserted + updated > 0 then perform agentmux.advance(p_reader); end if;
  return inserted + updated;
end $$;

-- Marks the messages as acked by the caller: it has read them, or is done with them.
create or replace function public.receipt_ack(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
begin
  return agentmux.ack(agentmux.me(), p_ids, p_route);
end $$;

-- A reply acks the message that it replies to: for its author or, if written by plain SQL, for its tag.
create or replace function agentmux.reply_acks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.ack(coalesce(new.author_tag, new.tag), array[new.reply_to], 'reply');
  return null;
end $$;

create or replace trigger messages_reply_acks after insert on public.messages
  for each row when (new.reply_to is not null and (new.author_tag is not null or new.tag <> 'UNTAGGED'))
  execute function agentmux.reply_acks();

insert into agentmux.migrations (version) values ('20261202000500');
