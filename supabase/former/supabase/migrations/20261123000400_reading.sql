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
  -- PostgreSQL 15 would read any other text as 0.
  if p_xid !~ '^[0-9]{1,20}$' then
    raise exception using errcode = '22P02', message = format('the cursor''s xid is a number, not %L', p_xid);
  end if;
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
begin
  perform public.mux_guard();
  return query
  select m.* from public.messages as m
  where m.id = any (array(
    select e.message_id from public.channel_entries as e
    where e.tag = upper(p_tag collate "C")
      and e.message_id < coalesce(p_before, 9223372036854775807) and e.message_id > coalesce(p_after, -1)
    order by e.tag desc, e.message_id desc
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
  ))
  order by m.id desc;
end $$;

-- Every tag that wrote, was addressed or joined, spelled as it joined or was first seen, with the newest message of its
-- channel. Jumps from tag to tag through the index instead of reading all rows.
create function public.channels() returns table (tag text, last_id bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  with recursive folded as (
    (select e.tag from public.channel_entries as e order by e.tag limit 1)
    union all
    select (select e.tag from public.channel_entries as e where e.tag > folded.tag order by e.tag limit 1)
    from folded where folded.tag is not null
  )
  select coalesce(a.tag, first.spelled), coalesce(last.message_id, 0)
  from folded
  cross join lateral (select e.message_id from public.channel_entries as e
    where e.tag = folded.tag order by e.tag desc, e.message_id desc limit 1) as last
  cross join lateral (select e.spelled from public.channel_entries as e
    where e.tag = folded.tag order by e.tag, e.message_id limit 1) as first
  full join public.agents as a on upper(a.tag collate "C") = folded.tag
  order by 2 desc, 1;
end $$;

-- Websearch syntax ("a phrase", or, -not) over the first 100,000 characters, newest first. A GIN index knows no order:
-- what is frequent is found by looking through the newest 2,000, what is not is rare enough to fetch all of it.
create function public.search_messages(p_query text, p_limit int default 50) returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  wanted tsquery := websearch_to_tsquery('simple', p_query);
  page int := least(greatest(coalesce(p_limit, 50), 1), 1000);
  found bigint[];
begin
  perform public.mux_guard();
  if numnode(wanted) = 0 then return; end if;
  found := array(
    select recent.id from (select m.id, m.content from public.messages as m order by m.id desc limit 2000) as recent
    where to_tsvector('simple', left(recent.content, 100000)) @@ wanted
    order by recent.id desc limit page);
  if cardinality(found) < page then
    found := array(
      with matching as materialized (
        select m.id from public.messages as m where to_tsvector('simple', left(m.content, 100000)) @@ wanted
      )
      select id from matching order by id desc limit page);
  end if;
  return query select m.* from public.messages as m where m.id = any (found) order by m.id desc;
end $$;

revoke all on function public.mailbox_state(), public.messages_since(text, bigint, int),
  public.channel_messages(text, bigint, bigint, int), public.channels(),
  public.search_messages(text, int) from public, anon, authenticated, service_role;
grant execute on function public.mailbox_state(), public.messages_since(text, bigint, int),
  public.channel_messages(text, bigint, bigint, int), public.channels(),
  public.search_messages(text, int) to authenticated, service_role;
