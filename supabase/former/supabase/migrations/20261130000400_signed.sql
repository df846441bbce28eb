-- What a human signs names the mailbox that it was said in, so that it says nothing in another: an id that, unlike the epoch, stays
-- when a backup is put back.

alter table public.mux_meta add column mailbox_id uuid not null default gen_random_uuid();
comment on column public.mux_meta.epoch is 'which history this is: another one after a backup was put back';
comment on column public.mux_meta.mailbox_id is 'which mailbox this is, for good; signatures name it (docs/signatures.md)';

-- A further column of what a function returns takes another function.
drop function public.mailbox_state();
create function public.mailbox_state()
returns table (epoch uuid, schema_version int, horizon text, latest_id bigint, mailbox_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select m.epoch, m.schema_version, pg_snapshot_xmin(pg_current_snapshot())::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id
  from public.mux_meta as m;
end $$;
revoke all on function public.mailbox_state() from public, anon, authenticated, service_role;
grant execute on function public.mailbox_state() to authenticated, service_role;
