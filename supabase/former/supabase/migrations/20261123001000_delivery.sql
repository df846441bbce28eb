-- The delivery ladder: a message is stored, taken (leased to one client, which hands it over), delivered (that client's output
-- was flushed), acked. What is not acked is handed over again when its lease has run out, five times at most.

alter table public.receipts
  add column attempts int not null default 0 constraint receipts_attempts_not_negative check (attempts >= 0),
  add column lease_until timestamptz,
  alter column delivered_at drop not null,
  drop constraint receipts_state_known,
  add constraint receipts_state_known check (state in ('taken', 'delivered', 'acked')),
  add constraint receipts_delivered_when_delivered check (state = 'taken' or delivered_at is not null);
comment on column public.receipts.attempts is 'how often it was handed over';
comment on column public.receipts.lease_until is 'until when nobody else hands it over; afterwards it is handed over again';

update public.receipts set attempts = 1, lease_until = delivered_at + interval '10 minutes' where state = 'delivered';

-- What waits for the reader beyond its cursor: not acked, and addressed to it by name; or to nobody, by another, since it
-- joined. With p_free only what may be handed over now: nobody holds a lease on it, and it is not stuck.
drop function public.mux_waiting(text, int);
create function public.mux_waiting(p_reader text, p_limit int, p_free boolean default false) returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_reader collate "C");
  joined timestamptz := (select a.joined_at from public.agents as a where upper(a.tag collate "C") = upper(p_reader collate "C"));
  since record;
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
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or r.lease_until > clock_timestamp()))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id)
      and case when m.mentions = '{}' then m.created_at >= joined and upper(m.tag collate "C") <> me
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or r.lease_until > clock_timestamp()))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- A receipt has two unique keys (as spelled, and folded), and `on conflict do update` would guard against only one of them:
-- of two who write the same receipt at once, one would fail. So each function first inserts what is missing, with any key as
-- the judge, and then updates what was there. All go by id, so that none wait for each other in a ring.

-- Leases to the caller what the identity has not been handed yet, or not acked when its lease ran out, oldest first. Of two
-- clients under one tag one gets each message; the other looks again for what is left.
create function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30)
returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  lease interval := make_interval(secs => least(greatest(coalesce(p_lease, 30), 1), 3600));
  free bigint[];
  first bigint[];
  again bigint[];
begin
  loop
    free := array(select w.id from public.mux_waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w);
    exit when free = '{}';
    with taken as (
      insert into public.receipts (message_id, reader, state, route, delivered_at, attempts, lease_until)
      select id, me, 'taken', p_route, null, 1, clock_timestamp() + lease from unnest(free) as id order by id
      on conflict do nothing returning message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into first from taken;
    with lapsed as (
      select r.message_id, r.reader from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (free) and r.message_id <> all (first)
        and r.state <> 'acked' and r.attempts < 5 and (r.lease_until <= clock_timestamp()) is not false
      order by r.message_id for update
    ), taken as (
      update public.receipts as r
      set state = 'taken', route = p_route, attempts = r.attempts + 1, lease_until = clock_timestamp() + lease
      from lapsed where r.message_id = lapsed.message_id and r.reader = lapsed.reader
      returning r.message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into again from taken;
    exit when first || again <> '{}';
  end loop;
  return query select m.* from public.messages as m where m.id = any (first || again) order by m.id;
end $$;

-- The client has really got it: it has ten minutes to ack before it is handed over again. What the client had without taking
-- it counts as handed over once. The time of the first delivery stays.
create or replace function public.receipt_deliver(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, route, attempts, lease_until)
  select m.id, me, p_route, 1, clock_timestamp() + interval '10 minutes'
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with taken as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (p_ids) and r.state = 'taken'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'delivered', route = p_route, lease_until = clock_timestamp() + interval '10 minutes',
    delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from taken where r.message_id = taken.message_id and r.reader = taken.reader;
  get diagnostics updated = row_count;
  return inserted + updated;
end $$;

create or replace function public.mux_ack(p_reader text, p_ids bigint[], p_route text) returns int
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
  if inserted + updated > 0 then perform public.mux_advance(p_reader); end if;
  return inserted + updated;
end $$;

revoke all on function public.mux_waiting(text, int, boolean), public.inbox_take(int, text, int)
  from public, anon, authenticated, service_role;
grant execute on function public.inbox_take(int, text, int) to authenticated, service_role;
