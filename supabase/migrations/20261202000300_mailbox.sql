-- The identity of the mailbox, and its transaction ids.
--
-- A dump keeps the transaction ids of its rows. A server that it is restored into may have assigned fewer: the rows would be in
-- its future, new messages would sort before them, and cursors would not move. Therefore the transaction ids of this mailbox are
-- those of the server plus an offset, which is raised when rows are found that this server cannot have written. The restored rows
-- do not change: their order, cursors, receipts and seals stay valid.

-- One row. A human's signature includes the mailbox's id, so that it is not valid in another mailbox.
create table if not exists public.mux_meta (
  one boolean not null default true constraint mux_meta_pkey primary key constraint mux_meta_one_row check (one),
  epoch uuid not null default gen_random_uuid(),
  mailbox_id uuid not null default gen_random_uuid(),
  xid_offset bigint not null default 0
);
comment on column public.mux_meta.epoch is 'which history this is: another one after a backup was put back';
comment on column public.mux_meta.mailbox_id is 'which mailbox this is, for good; signatures name it (docs/signatures.md)';
comment on column public.mux_meta.xid_offset is
  'added to this server''s transaction ids, so that they follow those of the server that a dump came from';
insert into public.mux_meta default values on conflict do nothing;
create or replace trigger mux_meta_guard_locks before update on public.mux_meta
  for each statement execute function agentmux.guard_locks('the mailbox');

-- Converts a transaction id of this server to one of this mailbox.
create or replace function agentmux.shift(p_xid xid8, p_offset bigint) returns xid8
language sql immutable strict parallel safe set search_path = '' return ((p_xid::text::bigint + p_offset)::text::xid8);

-- The oldest transaction that is still running, as a transaction id of this mailbox. In plpgsql, because these functions are
-- called for each insert or page, and plpgsql caches their plans.
create or replace function agentmux.horizon() returns xid8
language plpgsql stable set search_path = '' as $$
begin
  return (select agentmux.shift(pg_snapshot_xmin(pg_current_snapshot()), m.xid_offset) from public.mux_meta as m);
end $$;

-- Looks for rows with transaction ids that this server has not assigned yet: all rows visible in a snapshot were written before
-- its xmax, or by the current transaction. If there are any, raises the offset above them and sets a new epoch; returns whether
-- it did. Of several concurrent callers, one does it. Seals and cursors use ids of messages and redactions, so checking those
-- is enough.
create or replace function agentmux.adopt_xids() returns boolean
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

-- The current transaction, as a transaction id of this mailbox.
create or replace function agentmux.current_xid() returns xid8
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform agentmux.adopt_xids();
  return (select agentmux.shift(pg_current_xact_id(), m.xid_offset) from public.mux_meta as m);
end $$;

-- Sets the snapshot with which an agent joins, in transaction ids of this mailbox.
create or replace function agentmux.number_agent() returns trigger
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

create or replace trigger agents_before_insert_xid before insert on public.agents
  for each row execute function agentmux.number_agent();

-- The mailbox, its history and its newest settled row, before which no transaction can commit any more (null: there is none). A
-- database can lose its newest rows and keep its epoch: an older copy of its files was put back, or a standby took over. It then
-- assigns the same ids again. Therefore a follower remembers a row, which it can look for, and not only a number. Volatile: the
-- first call after a restore sets the new epoch.
create or replace function public.mailbox_state()
returns table (epoch uuid, horizon text, latest_id bigint, mailbox_id uuid, settled_xid text, settled_id bigint, settled_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  return query select m.epoch, agentmux.horizon()::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id, s.xid::text, s.id, s.created_at
  from public.mux_meta as m
  left join lateral (select w.xid, w.id, w.created_at from public.messages as w
    where w.xid < agentmux.horizon() order by w.xid desc, w.id desc limit 1) as s on true;
end $$;

insert into agentmux.migrations (version) values ('20261202000300');
