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
  for each row when (new.reply_to is not null) execute function public.mux_reply_acks();

alter table public.receipts enable row level security;
create policy receipts_read on public.receipts for select to authenticated using ((select public.mux_admitted()));
create policy receipts_service on public.receipts to service_role using (true) with check (true);

revoke all on public.receipts from public, anon, authenticated, service_role;
grant select on public.receipts to authenticated;
grant select, insert, update, delete on public.receipts to service_role;
revoke all on function public.receipt_deliver(bigint[], text), public.receipt_ack(bigint[], text),
  public.mux_ack(text, bigint[], text), public.mux_reply_acks() from public, anon, authenticated, service_role;
grant execute on function public.receipt_deliver(bigint[], text), public.receipt_ack(bigint[], text)
  to authenticated, service_role;
