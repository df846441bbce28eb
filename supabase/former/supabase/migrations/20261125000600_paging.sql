-- Reading a channel towards the present: what was scrolled away at the newer side is read again when one comes back down.

-- Written by the tag or addressed to it by name, oldest first: the first page, or the one after p_after.
create function public.channel_messages_after(
  p_tag text, p_after bigint default null, p_before bigint default null, p_limit int default 100)
returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  perform public.mux_guard();
  return query
  select m.* from public.messages as m
  where m.id = any (array(
    select e.message_id from public.channel_entries as e
    where e.tag = upper(p_tag collate "C")
      and e.message_id > coalesce(p_after, -1) and e.message_id < coalesce(p_before, 9223372036854775807)
    order by e.tag, e.message_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
  ))
  order by m.id;
end $$;

revoke all on function public.channel_messages_after(text, bigint, bigint, int) from public, anon, authenticated, service_role;
grant execute on function public.channel_messages_after(text, bigint, bigint, int) to authenticated, service_role;
