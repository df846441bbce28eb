-- How messages are read. These functions run as the owner after mux_guard has looked at the caller: under row level
-- security PostgreSQL uses no index for conditions that are not leakproof, which upper(), @> and @@ are not.
-- force_custom_plan: which index is right depends on how often the tag occurs.

create function public.mailbox_state()
returns table (epoch uuid, schema_version int, horizon text, latest_id bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query select m.epoch, m.schema_version, pg_snapshot_xmin(pg_current_snapshot())::text,
    coalesce((select max(messages.id) from public.messages), 0)
  from public.mux_meta as m;
end $$;

-- Everything after the cursor, in an order in which settled rows have no unseen predecessor. A reader shows all rows and
-- moves its cursor to the last settled one.
create function public.messages_since(p_xid text default '0', p_id bigint default 0, p_limit int default 500)
returns table (id bigint, content text, tag text, body text, mentions text[], reply_to bigint, thread_id bigint, client_id uuid,
  meta jsonb, author_tag text, author_kind text, verified boolean, xid text, created_at timestamptz, settled boolean)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  perform public.mux_guard();
  return query select m.id, m.content, m.tag, m.body, m.mentions, m.reply_to, m.thread_id, m.client_id,
    m.meta, m.author_tag, m.author_kind, m.verified, m.xid::text, m.created_at,
    m.xid < pg_snapshot_xmin(pg_current_snapshot())
  from public.messages as m
  where (m.xid, m.id) > (p_xid::xid8, p_id)
  order by m.xid, m.id
  limit least(greatest(coalesce(p_limit, 500), 1), 1000);
end $$;

-- Written by the tag or addressed to it by name, newest first.
create function public.channel_messages(
  p_tag text, p_before bigint default null, p_after bigint default null, p_limit int default 100)
returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_tag collate "C");
  page int := least(greatest(coalesce(p_limit, 100), 1), 1000);
begin
  perform public.mux_guard();
  return query
  select * from (
    (select m.* from public.messages as m
      where upper(m.tag collate "C") = me
        and m.id < coalesce(p_before, 9223372036854775807) and m.id > coalesce(p_after, -1)
      order by upper(m.tag collate "C"), m.id desc limit page)
    union all
    (select m.* from public.messages as m
      where public.mux_upper(m.mentions) @> array[me] and upper(m.tag collate "C") <> me
        and m.id < coalesce(p_before, 9223372036854775807) and m.id > coalesce(p_after, -1)
      order by m.id desc limit page)
  ) as channel
  order by channel.id desc limit page;
end $$;

-- Every tag that wrote, joined, or was addressed in the newest 1,000 messages, spelled as it joined or was first seen, with
-- the newest message of its channel. Jumps from tag to tag through the index instead of reading all rows.
create function public.channels() returns table (tag text, last_id bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  with recursive writers as (
    (select upper(m.tag collate "C") as folded, m.id from public.messages as m
      order by upper(m.tag collate "C"), m.id desc limit 1)
    union all
    (select next.folded, next.id from writers cross join lateral (
      select upper(m.tag collate "C") as folded, m.id from public.messages as m
      where upper(m.tag collate "C") > writers.folded
      order by upper(m.tag collate "C"), m.id desc limit 1) as next)
  ), addressed as (
    select upper(mention.name collate "C") as folded, max(recent.id) as id,
      (array_agg(mention.name order by recent.id))[1] as spelled
    from (select m.id, m.mentions from public.messages as m order by m.id desc limit 1000) as recent
    cross join lateral unnest(recent.mentions) as mention (name)
    group by 1
  ), joined as (
    select upper(a.tag collate "C") as folded, a.tag as spelled from public.agents as a
  )
  select
    coalesce(
      joined.spelled,
      (select m.tag from public.messages as m
        where upper(m.tag collate "C") = folded order by upper(m.tag collate "C") desc, m.id limit 1),
      addressed.spelled),
    greatest(writers.id, addressed.id, 0)
  from writers full join addressed using (folded) full join joined using (folded)
  order by 2 desc, 1;
end $$;

-- Websearch syntax ("a phrase", or, -not) over the first 100,000 characters, newest first.
create function public.search_messages(p_query text, p_limit int default 50) returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  perform public.mux_guard();
  return query
  select m.* from public.messages as m
  where to_tsvector('simple', left(m.content, 100000)) @@ websearch_to_tsquery('simple', p_query)
  order by m.id desc
  limit least(greatest(coalesce(p_limit, 50), 1), 1000);
end $$;

revoke all on function public.mailbox_state(), public.messages_since(text, bigint, int),
  public.channel_messages(text, bigint, bigint, int), public.channels(),
  public.search_messages(text, int) from public, anon, authenticated, service_role;
grant execute on function public.mailbox_state(), public.messages_since(text, bigint, int),
  public.channel_messages(text, bigint, bigint, int), public.channels(),
  public.search_messages(text, int) to authenticated, service_role;
