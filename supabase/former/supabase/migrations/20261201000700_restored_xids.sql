-- A dump keeps the transaction ids of its rows. The server that it is restored into may have assigned fewer: the rows would lie in
-- its future, new messages would sort before them, and cursors would not move. So the transaction ids of this mailbox are
-- those of the server plus an offset, which is raised when rows are found that this server cannot have written. The restored rows
-- do not change: their order, cursors, receipts and seals hold.

alter table public.mux_meta add column xid_offset bigint not null default 0;
comment on column public.mux_meta.xid_offset is
  'added to this server''s transaction ids, so that they follow those of the server that a dump came from';

-- The snapshot with which an agent joined is compared with the transaction ids of messages, so it counts as a row here.
create index mux_agents_joined on public.agents (pg_snapshot_xmax(joined_snapshot));

create function agentmux.shift(p_xid xid8, p_offset bigint) returns xid8
language sql immutable strict parallel safe set search_path = '' return ((p_xid::text::bigint + p_offset)::text::xid8);

-- The oldest transaction that still runs, in the transaction ids of this mailbox. These functions are called for each insert or
-- page; plpgsql keeps their plans.
create function agentmux.horizon() returns xid8
language plpgsql stable set search_path = '' as $$
begin
  return (select agentmux.shift(pg_snapshot_xmin(pg_current_snapshot()), m.xid_offset) from public.mux_meta as m);
end $$;

-- Looks for rows with transaction ids that this server has not assigned yet: all rows that a snapshot shows were written before
-- its xmax, or by the present transaction. If there are any, raises the offset above them and gives a new epoch; returns whether
-- it did. Of concurrent callers, one does it. Seals and cursors have the ids of messages and redactions, so those suffice.
create function agentmux.adopt_xids() returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  seen record;
begin
  select m.xid_offset, n.newest,
    n.newest >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint + m.xid_offset
      and n.newest is distinct from pg_current_xact_id_if_assigned()::text::bigint + m.xid_offset as is_restored
  into seen
  from public.mux_meta as m
  cross join (select greatest(
    (select w.xid from public.messages as w order by w.xid desc, w.id desc limit 1)::text::bigint,
    (select r.xid from public.redactions as r order by r.xid desc, r.message_id desc limit 1)::text::bigint,
    -- The first that had not begun when the agent joined.
    (select pg_snapshot_xmax(a.joined_snapshot) from public.agents as a
      order by pg_snapshot_xmax(a.joined_snapshot) desc limit 1)::text::bigint - 1) as newest) as n;
  if seen.is_restored is not true then return false; end if;
  -- Rows of transactions that have ended mean nothing, but one of these could be taken for a later transaction's.
  delete from agentmux.acting as a
  where a.xid >= pg_snapshot_xmax(pg_current_snapshot()) and a.xid is distinct from pg_current_xact_id_if_assigned();
  update public.mux_meta as m set epoch = gen_random_uuid(),
    xid_offset = seen.newest + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  where m.xid_offset = seen.xid_offset;
  return found;
end $$;

create function agentmux.current_xid() returns xid8
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform agentmux.adopt_xids();
  return (select agentmux.shift(pg_current_xact_id(), m.xid_offset) from public.mux_meta as m);
end $$;

-- Runs after messages_before_insert, by its name. Security definer, because callers have no rights in that schema.
create function agentmux.number_message() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.xid := agentmux.current_xid();
  return new;
end $$;
create trigger messages_before_insert_xid before insert on public.messages
  for each row execute function agentmux.number_message();

alter table public.redactions alter column xid set default agentmux.current_xid();

-- The snapshot with which an agent joins, in the transaction ids of this mailbox.
create function agentmux.number_agent() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.adopt_xids();
  select format('%s:%s:%s',
    agentmux.shift(pg_snapshot_xmin(s.now), m.xid_offset), agentmux.shift(pg_snapshot_xmax(s.now), m.xid_offset),
    (select string_agg(agentmux.shift(x, m.xid_offset)::text, ',' order by x) from pg_snapshot_xip(s.now) as x))::pg_snapshot
  into new.joined_snapshot
  from public.mux_meta as m cross join (select pg_current_snapshot() as now) as s;
  return new;
end $$;
create trigger agents_before_insert_xid before insert on public.agents
  for each row execute function agentmux.number_agent();

-- As before, in the transaction ids of this mailbox. Volatile: the first call after a restore gives the new epoch.
create or replace function public.mailbox_state()
returns table (epoch uuid, schema_version int, horizon text, latest_id bigint, mailbox_id uuid,
  settled_xid text, settled_id bigint, settled_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  return query select m.epoch, m.schema_version, agentmux.horizon()::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id, s.xid::text, s.id, s.created_at
  from public.mux_meta as m
  left join lateral (select w.xid, w.id, w.created_at from public.messages as w
    where w.xid < agentmux.horizon() order by w.xid desc, w.id desc limit 1) as s on true;
end $$;

-- As before, in the transaction ids of this mailbox.
create or replace function public.messages_since(p_xid text default '0', p_id bigint default 0, p_limit int default 500)
returns table (id bigint, content text, tag text, body text, mentions text[], reply_to bigint, thread_id bigint, client_id uuid,
  meta jsonb, author_tag text, author_kind text, verified boolean, xid text, created_at timestamptz, settled boolean)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  horizon xid8 := agentmux.horizon();
begin
  perform public.mux_guard();
  -- PostgreSQL 15 would read any other text as 0.
  if p_xid !~ '^[0-9]{1,20}$' then
    raise exception using errcode = '22P02', message = format('the cursor''s xid is a number, not %L', p_xid);
  end if;
  return query select m.id, m.content, m.tag, m.body, m.mentions, m.reply_to, m.thread_id, m.client_id,
    m.meta, m.author_tag, m.author_kind, m.verified, m.xid::text, m.created_at, m.xid < horizon
  from public.messages as m
  where (m.xid, m.id) > (p_xid::xid8, p_id)
  order by m.xid, m.id
  limit least(greatest(coalesce(p_limit, 500), 1), 1000);
end $$;

-- As before, in the transaction ids of this mailbox.
create or replace function public.mux_advance(p_reader text) returns void
language sql volatile security definer set search_path = '' as $$
  with waiting as materialized (select w.xid, w.id from public.mux_waiting(p_reader, 1) as w)
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

-- As before, in the transaction ids of this mailbox.
create or replace function agentmux.seal(p_seals int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  last agentmux.seals;
  added int;
begin
  lock table agentmux.seal_turn in exclusive mode;
  for turn in 1..p_seals loop
    select s.* into last from agentmux.seals as s order by s.seq desc limit 1;
    insert into agentmux.seals (seq, xid, id, hash, entries)
    select coalesce(last.seq, 0) + 1,
      (array_agg(l.xid order by l.xid desc, l.id desc))[1], (array_agg(l.id order by l.xid desc, l.id desc))[1],
      sha256(coalesce(last.hash, '') || string_agg(l.leaf, '' order by l.xid, l.id)),
      string_agg(int8send(l.id) || substr(l.leaf, 1, 4), '' order by l.xid, l.id)
    from agentmux.leaves(coalesce(last.xid, '0'), coalesce(last.id, -9223372036854775808),
      agentmux.horizon(), -9223372036854775808, 1000, 4000000) as l
    having count(*) > 0;
    get diagnostics added = row_count;
    if added = 0 then return false; end if;
  end loop;
  return true;
end $$;

revoke all on function agentmux.shift(xid8, bigint), agentmux.horizon(), agentmux.adopt_xids(),
  agentmux.current_xid(), agentmux.number_message(), agentmux.number_agent() from public, anon, authenticated, service_role;
