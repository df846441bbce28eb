-- An inbox stays as quick as it was, however old its oldest unacked message is. A cursor stood before that message, and each look
-- read everything that had been written since, also what was for others. The cursor moves past it now, and agentmux.unacked keeps it.

-- The messages before a reader's cursor that may still wait for it. Some were acked in the meantime. While the cursor is of another
-- epoch, none counts.
create table agentmux.unacked (
  reader text collate "C" not null,
  xid xid8 not null,
  message_id bigint not null,
  by_person boolean not null,
  constraint unacked_pkey primary key (reader, xid, message_id)
);
comment on column agentmux.unacked.reader is 'the tag in upper case';
create index unacked_people on agentmux.unacked (reader, xid, message_id) where by_person;

-- The position up to which everything that is addressed to a reader, in the order of messages_since, is acked or in agentmux.unacked:
-- the inbox does not search older messages, however long the history is. Updated by the functions below.
comment on table public.cursors is 'what waits for a reader before its cursor is in agentmux.unacked';

-- For a reader that has not looked for long: the messages to everyone, without all the others between them.
create index messages_to_everyone on public.messages (xid, id) where mentions = '{}';

-- The part of agentmux.waiting that comes after a position, in the order of messages_since. Where few messages follow, all are read;
-- else those that mention the reader, and those to everyone. By indexes alone: for how many messages follow a position PostgreSQL has
-- no statistics and takes a third of all.
create function agentmux.waiting_after(
  p_reader text, p_xid xid8, p_id bigint, p_limit int, p_free boolean default false, p_people boolean default false)
returns setof public.messages language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan
  set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
begin
  -- The receipt is looked up for each row that is left, by a subquery that cannot become a join over all receipts.
  if joined is not null and not exists (
    select from public.messages as m where (m.xid, m.id) > (p_xid, p_id) order by m.xid, m.id offset 500 limit 1)
  then
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (p_xid, p_id) and (not p_people or m.author_kind = 'human')
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select * from (
      (-- offset 0: from the mentions to their messages, never along all messages looking for mentions.
      select m.* from public.channel_entries as e
      cross join lateral (select * from public.messages where messages.id = e.message_id offset 0) as m
      where e.tag = me and e.mentioned and (m.xid, m.id) > (p_xid, p_id) and (not p_people or m.author_kind = 'human')
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
      union all
      (select m.* from public.messages as m
      where m.mentions = '{}' and (m.xid, m.id) > (p_xid, p_id) and m.xid >= pg_snapshot_xmin(joined) and (not p_people or m.author_kind = 'human')
        and not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
    ) as m
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that were read, that are leased, or that were handed over five
-- times and not given back. p_people: only those that people wrote. Leases that were created while the clock was ahead do not count.
create or replace function agentmux.waiting(p_reader text, p_limit int, p_free boolean default false, p_people boolean default false)
returns setof public.messages language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  since record;
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
  given bigint := 0;
begin
  select c.xid, c.id into since from public.cursors as c join public.mux_meta as m on m.epoch = c.epoch where c.reader = me;
  if found then
    return query
    select m.* from agentmux.unacked as u
    cross join lateral (select * from public.messages where messages.id = u.message_id and messages.xid = u.xid offset 0) as m
    where u.reader = me and (not p_people or u.by_person)
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by u.xid, u.message_id limit p_limit;
    get diagnostics given = row_count;
    if given = p_limit then return; end if;
  else
    select '0'::xid8 as xid, 0::bigint as id into since;
  end if;
  return query select w.* from agentmux.waiting_after(me, since.xid, since.id, p_limit - given::int, p_free, p_people) as w;
end $$;

drop function agentmux.advance(text);
-- Moves the reader's cursor up to the messages that a running transaction may still precede, and lists in agentmux.unacked what waits
-- before it, at most a thousand messages in one call. p_beyond: only if more messages than that lie ahead.
create function agentmux.advance(p_reader text, p_beyond int default 0)
returns void language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  most constant int := 1000;
  present uuid := (select m.epoch from public.mux_meta as m);
  since record;
  settled record;
  left_over record;
begin
  -- Of several callers, one moves it, and the others do not wait.
  select c.xid, c.id, c.epoch = present as counts into since from public.cursors as c where c.reader = me for update skip locked;
  if not found and exists (select from public.cursors as c where c.reader = me) then return; end if;
  if since.counts is not true then
    select '0'::xid8 as xid, 0::bigint as id, false as counts into since;
    delete from agentmux.unacked as u where u.reader = me;
  end if;
  select m.xid, m.id into settled from public.messages as m
  where m.xid < agentmux.horizon() order by m.xid desc, m.id desc limit 1;
  if not found or (settled.xid, settled.id) <= (since.xid, since.id) then return; end if;
  if p_beyond > 0 and since.counts then
    if not exists (select from public.messages as m
      where (m.xid, m.id) > (since.xid, since.id) and (m.xid, m.id) <= (settled.xid, settled.id)
      order by m.xid, m.id offset p_beyond limit 1)
    then
      return;
    end if;
    delete from agentmux.unacked as u
    where u.reader = me and exists (select from public.receipts as r
      where upper(r.reader collate "C") = me and r.message_id = u.message_id and r.state = 'acked');
  end if;
  select count(*) as number, array_agg(w.xid) as xids, array_agg(w.id) as ids, array_agg(coalesce(w.author_kind = 'human', false)) as people
  into left_over
  from (
    select w.* from agentmux.waiting_after(me, since.xid, since.id, most) as w where (w.xid, w.id) <= (settled.xid, settled.id)
    order by w.xid, w.id
  ) as w;
  if left_over.number = most then
    select left_over.xids[most] as xid, left_over.ids[most] as id into settled;
  end if;
  insert into agentmux.unacked (reader, xid, message_id, by_person)
  select me, w.xid, w.id, w.by_person from unnest(left_over.xids, left_over.ids, left_over.people) as w (xid, id, by_person)
  on conflict do nothing;
  insert into public.cursors as c (reader, epoch, xid, id) values (me, present, settled.xid, settled.id)
  on conflict (reader) do update
    set epoch = excluded.epoch, xid = excluded.xid, id = excluded.id, updated_at = clock_timestamp()
    where c.epoch <> excluded.epoch or (c.xid, c.id) < (excluded.xid, excluded.id);
end $$;

-- Leases waiting messages to the caller, people's first, then agents', then those of SYSTEM, each oldest first: at most p_limit, and
-- after the first only as many as fit into p_bytes of content, because a response that takes too long is lost. The oldest of all has
-- the second place at the latest, so that nothing waits without end. p_take_id names this call, so that receipt_release can give back
-- what it took, even if the response did not arrive. p_lease is in seconds. Of two clients under one tag, only one gets each message;
-- the other gets the rest. p_session: the client session that takes. p_ended: what of it has just ended (agentmux.mark_read); with
-- p_limit 0, only that is recorded.
create or replace function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30, p_bytes int default 1048576, p_take_id text default null, p_session text default null, p_ended text default null)
returns setof public.messages language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  wanted int := least(greatest(coalesce(p_limit, 20), 1), 1000);
  most constant int := 1000;
  waits bigint[];
  free bigint[];
  first bigint[];
  again bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 then return; end if;
  perform agentmux.watch_flush_due(me);
  -- As many as a look reads without effort.
  perform agentmux.advance(me, 200);
  loop
    waits := array(select w.id from agentmux.waiting(me, most, true) as w);
    exit when waits = '{}';
    if cardinality(waits) = most then
      waits := waits || array(select w.id from agentmux.waiting(me, wanted, true, true) as w);
    end if;
    free := array(
      select sized.id
      from (
        select p.id, row_number() over chosen as place, sum(p.bytes) over chosen as bytes
        from (
          select w.id, w.bytes, case when row_number() over (order by w.xid, w.id) = 1 then least(w.place, 1.5) else w.place end as place
          from (
            select m.id, m.xid, octet_length(m.content) as bytes,
              row_number() over (order by agentmux.precedence(m.author_kind), m.xid, m.id)::numeric as place
            from public.messages as m where m.id = any (waits)
          ) as w
        ) as p
        window chosen as (order by p.place)
      ) as sized
      where sized.place <= wanted and (sized.place = 1 or sized.bytes <= coalesce(p_bytes, 1048576)));
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
  return query select m.* from public.messages as m where m.id = any (first || again)
    order by agentmux.precedence(m.author_kind), m.id;
end $$;

-- Marks the messages as acked by the reader; returns how many changed.
create or replace function agentmux.ack(p_reader text, p_ids bigint[], p_route text)
returns int language plpgsql security definer set search_path = '' as $$
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
  if inserted + updated > 0 then
    delete from agentmux.unacked as u using public.messages as m
    where m.id = any (p_ids) and u.reader = upper(p_reader collate "C") and u.xid = m.xid and u.message_id = m.id;
    perform agentmux.advance(p_reader);
  end if;
  return inserted + updated;
end $$;

revoke all on function agentmux.waiting_after(text, xid8, bigint, int, boolean, boolean), agentmux.advance(text, int)
  from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261208000000');
