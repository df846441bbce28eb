-- A database can lose its newest rows and go on under the same epoch: an older copy of its files was put back, or a standby took
-- over. Its numbers are then used once more. So whoever follows it holds on to a row, which can be looked for, and not to a number.

-- As before, with the newest settled row: the present, as a place that no transaction can slip in before. Null: there is none.
drop function public.mailbox_state();
create function public.mailbox_state()
returns table (epoch uuid, schema_version int, horizon text, latest_id bigint, mailbox_id uuid,
  settled_xid text, settled_id bigint, settled_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select m.epoch, m.schema_version, pg_snapshot_xmin(pg_current_snapshot())::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id, s.xid::text, s.id, s.created_at
  from public.mux_meta as m
  left join lateral (select w.xid, w.id, w.created_at from public.messages as w
    where w.xid < pg_snapshot_xmin(pg_current_snapshot()) order by w.xid desc, w.id desc limit 1) as s on true;
end $$;
revoke all on function public.mailbox_state() from public, anon, authenticated, service_role;
grant execute on function public.mailbox_state() to authenticated, service_role;
