-- What happened to a message for one reader: delivered (handed to its client), acked (it said so, or replied).

create table public.receipts (
  message_id bigint not null
    constraint receipts_message_id_fkey references public.messages (id) on delete cascade,
  reader text not null
    constraint receipts_reader_is_a_tag check (reader collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'),
  state text not null default 'delivered'
    constraint receipts_state_known check (state in ('delivered', 'acked')),
  route text
    constraint receipts_route_at_most_64_characters check (char_length(route) <= 64),
  delivered_at timestamptz not null default clock_timestamp(),
  acked_at timestamptz,
  constraint receipts_pkey primary key (message_id, reader),
  constraint receipts_acked_when_acked check ((state = 'acked') = (acked_at is not null))
);
-- One receipt for a reader however it is spelled.
create unique index receipts_reader on public.receipts (upper(reader collate "C"), message_id);

-- Up to where a reader has acked everything that is addressed to it, in the order of messages_since: the inbox looks no
-- further back, however long the history. Kept by the functions below.
create table public.cursors (
  reader text not null constraint cursors_pkey primary key,
  epoch uuid not null,
  xid xid8 not null,
  id bigint not null,
  updated_at timestamptz not null default clock_timestamp()
);
comment on column public.cursors.reader is 'the tag in upper case';

-- What waits for the reader beyond its cursor: not acked, and addressed to it by name; or to nobody, by another, since it joined.
create function public.mux_waiting(p_reader text, p_limit int) returns setof public.messages
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
      and (select r.state from public.receipts as r
        where upper(r.reader collate "C") = me and r.message_id = m.id) is distinct from 'acked'
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id)
      and case when m.mentions = '{}' then m.created_at >= joined and upper(m.tag collate "C") <> me
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state from public.receipts as r
        where upper(r.reader collate "C") = me and r.message_id = m.id) is distinct from 'acked'
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- Moves the reader's cursor to just before what waits for it first, and never beyond what is settled. One statement: what
-- waits and what is settled are of one snapshot.
create function public.mux_advance(p_reader text) returns void
language sql volatile security definer set search_path = '' as $$
  with waiting as materialized (select w.xid, w.id from public.mux_waiting(p_reader, 1) as w)
  insert into public.cursors as c (reader, epoch, xid, id)
  select upper(p_reader collate "C"), (select m.epoch from public.mux_meta as m), settled.xid, settled.id
  from (
    select m.xid, m.id from public.messages as m
    where m.xid < pg_snapshot_xmin(pg_current_snapshot())
      and (m.xid, m.id) < (
        coalesce((select xid from waiting), '18446744073709551615'::xid8),
        coalesce((select id from waiting), 9223372036854775807))
    order by m.xid desc, m.id desc limit 1
  ) as settled
  on conflict (reader) do update
    set epoch = excluded.epoch, xid = excluded.xid, id = excluded.id, updated_at = excluded.updated_at
    where c.epoch <> excluded.epoch or (c.xid, c.id) < (excluded.xid, excluded.id)
$$;

-- What waits for the reader, oldest first. Reading marks nothing.
create function public.inbox(p_reader text, p_limit int default 50) returns setof public.messages
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select w.* from public.mux_waiting(p_reader, least(greatest(coalesce(p_limit, 50), 1), 1000)) as w order by w.id;
end $$;

create function public.receipt_deliver(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  changed int;
begin
  insert into public.receipts (message_id, reader, route)
  select m.id, me, p_route from public.messages as m where m.id = any (p_ids)
  on conflict (upper(reader collate "C"), message_id) do nothing;
  get diagnostics changed = row_count;
  return changed;
end $$;

create function public.mux_ack(p_reader text, p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  changed int;
begin
  insert into public.receipts as r (message_id, reader, state, route, acked_at)
  select m.id, p_reader, 'acked', p_route, clock_timestamp() from public.messages as m where m.id = any (p_ids)
  on conflict (upper(reader collate "C"), message_id) do update
    set state = 'acked', route = excluded.route, acked_at = excluded.acked_at
    where r.state <> 'acked';
  get diagnostics changed = row_count;
  if changed > 0 then perform public.mux_advance(p_reader); end if;
  return changed;
end $$;

create function public.receipt_ack(p_ids bigint[], p_route text) returns int
language plpgsql security definer set search_path = '' as $$
begin
  return public.mux_ack(public.mux_me(), p_ids, p_route);
end $$;

-- A reply acks what it replies to: for its author, or with plain SQL for the tag that it is written under.
create function public.mux_reply_acks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_ack(coalesce(new.author_tag, new.tag), array[new.reply_to], 'reply');
  return null;
end $$;
create trigger messages_reply_acks after insert on public.messages
  for each row when (new.reply_to is not null and (new.author_tag is not null or new.tag <> 'UNTAGGED'))
  execute function public.mux_reply_acks();

alter table public.receipts enable row level security;
alter table public.cursors enable row level security;
create policy receipts_read on public.receipts for select to authenticated using ((select public.mux_admitted()));
create policy cursors_read on public.cursors for select to authenticated using ((select public.mux_admitted()));
create policy receipts_service on public.receipts to service_role using (true) with check (true);
create policy cursors_service on public.cursors to service_role using (true) with check (true);

revoke all on public.receipts, public.cursors from public, anon, authenticated, service_role;
grant select on public.receipts, public.cursors to authenticated;
grant select, insert, update, delete on public.receipts, public.cursors to service_role;
revoke all on function public.receipt_deliver(bigint[], text), public.receipt_ack(bigint[], text),
  public.inbox(text, int), public.mux_waiting(text, int), public.mux_advance(text), public.mux_ack(text, bigint[], text),
  public.mux_reply_acks() from public, anon, authenticated, service_role;
grant execute on function public.receipt_deliver(bigint[], text), public.receipt_ack(bigint[], text), public.inbox(text, int)
  to authenticated, service_role;
