drop function if exists public.receipt_release(text);
-- Gives back the messages that a call of inbox_take took and the client could not hand over. They can be taken again after a time
-- that grows (agentmux.retry_after); or at once with p_unseen, if the client cannot have seen them: then they count as never taken.
-- Returns their number. Messages that another call has taken in the meantime, or that were handed over, do not change.
create or replace function public.receipt_release(p_take_id text, p_unseen boolean default false) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  unseen int := case when p_unseen then 1 else 0 end;
  changed int;
begin
  with held as (
    select r.message_id, r.reader from agentmux.waiting(me, 10000) as w
    join public.receipts as r on r.message_id = w.id and upper(r.reader collate "C") = upper(me collate "C")
    where r.state = 'taken' and r.take_id = p_take_id
    order by r.message_id for update of r
  )
  update public.receipts as r set take_id = null, takes = greatest(r.takes - unseen, 0),
    lease_until = clock_timestamp() + agentmux.retry_after(r.takes - unseen)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $$;
revoke all on function public.receipt_release(text, boolean) from public, anon;
grant execute on function public.receipt_release(text, boolean) to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261204003000');
