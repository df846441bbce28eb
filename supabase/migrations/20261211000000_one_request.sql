-- An agent that checks its mail makes one request instead of three, and the regular look of each subscription one instead of two.

-- Leases messages to p_me, as inbox_take says. `got`: what it took. `others`: what else waited and was free when it looked, in the order
-- of messages_since, at most p_named.
create function agentmux.take(p_me text, p_limit int, p_route text, p_lease int, p_bytes int, p_take_id text, p_session text,
  p_named int, out got bigint[], out others bigint[])
language plpgsql security definer set search_path = '' as $$
declare
  me text := p_me;
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  wanted int := least(greatest(coalesce(p_limit, 20), 1), 1000);
  most constant int := 1000;
  waits bigint[];
  free bigint[];
  first bigint[];
  again bigint[];
begin
  perform agentmux.watch_flush_due(me);
  -- As many as a look reads without effort.
  perform agentmux.advance(me, 200);
  loop
    waits := array(select w.id from agentmux.waiting(me, most, true) as w);
    exit when waits = '{}';
    if cardinality(waits) = most then
      waits := waits || array(select w.id from agentmux.waiting(me, wanted, true, true) as w);
    end if;
    free := array(
      select sized.id
      from (
        select p.id, row_number() over chosen as place, sum(p.bytes) over chosen as bytes
        from (
          select w.id, w.bytes, case when row_number() over (order by w.xid, w.id) = 1 then least(w.place, 1.5) else w.place end as place
          from (
            select m.id, m.xid, octet_length(m.content) as bytes,
              row_number() over (order by agentmux.precedence(m.author_kind), m.xid, m.id)::numeric as place
            from public.messages as m where m.id = any (waits)
          ) as w
        ) as p
        window chosen as (order by p.place)
      ) as sized
      where sized.place <= wanted and (sized.place = 1 or sized.bytes <= coalesce(p_bytes, 1048576)));
    exit when free = '{}';
    with taken as (
      insert into public.receipts (message_id, reader, state, route, delivered_at, takes, take_id, session, lease_until)
      select id, me, 'taken', p_route, null, 1, p_take_id, p_session, clock_timestamp() + lease from unnest(free) as id order by id
      on conflict do nothing returning message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into first from taken;
    with lapsed as (
      select r.message_id, r.reader, r.lease_until > clock_timestamp() as ahead from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (free) and r.message_id <> all (first)
        and r.state in ('taken', 'delivered') and r.attempts - r.returned < 5
        and (r.lease_until <= clock_timestamp() or r.lease_until > clock_timestamp() + agentmux.longest_lease()) is not false
      order by r.message_id for update
    ), bounded as (
      -- Since the lease was given the clock was put back: it lasts as long as it might from now on.
      update public.receipts as r set lease_until = clock_timestamp() + agentmux.longest_lease()
      from lapsed where lapsed.ahead and r.message_id = lapsed.message_id and r.reader = lapsed.reader
    ), taken as (
      update public.receipts as r
      set state = 'taken', route = p_route, takes = r.takes + 1, take_id = p_take_id, session = p_session, batches = 0,
        lease_until = clock_timestamp() + greatest(lease, agentmux.retry_after(r.takes + 1))
      from lapsed where lapsed.ahead is not true and r.message_id = lapsed.message_id and r.reader = lapsed.reader
      returning r.message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into again from taken;
    exit when first || again <> '{}';
  end loop;
  got := coalesce(first, '{}') || coalesce(again, '{}');
  -- What was chosen and not got is with another caller.
  others := array(select w.id from unnest(waits) with ordinality as w (id, place)
    where w.id <> all (coalesce(free, '{}')) group by w.id order by min(w.place) limit p_named);
end $$;
revoke all on function agentmux.take(text, int, text, int, int, text, text, int) from public, anon, authenticated, service_role;

create or replace function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30,
  p_bytes int default 1048576, p_take_id text default null, p_session text default null, p_ended text default null)
returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  got bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 then return; end if;
  got := (agentmux.take(me, p_limit, p_route, p_lease, p_bytes, p_take_id, p_session, 0)).got;
  return query select m.* from public.messages as m where m.id = any (got)
    order by agentmux.precedence(m.author_kind), m.id;
end $$;

-- inbox_take together with what is said beside the messages: their receipts, which tell whether the reader may have them already; the
-- ids of at most p_named others that wait, oldest first; and with p_open, if none was taken, the ids of those among the 50 oldest open
-- ones that were taken before.
create function public.inbox_check(p_limit int default 20, p_route text default null, p_bytes int default 1048576,
  p_take_id text default null, p_session text default null, p_named int default 11, p_open boolean default false)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  taken record;
begin
  select * into taken from agentmux.take(me, p_limit, p_route, null, p_bytes, p_take_id, p_session,
    least(greatest(coalesce(p_named, 11), 0), 1000));
  return jsonb_build_object(
    'messages', coalesce((select jsonb_agg(to_jsonb(m.*) order by agentmux.precedence(m.author_kind), m.id)
      from public.messages as m where m.id = any (taken.got)), '[]'),
    'receipts', coalesce((select jsonb_agg(to_jsonb(r.*)) from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (taken.got)), '[]'),
    'waiting', coalesce((select jsonb_agg(id order by id) from unnest(taken.others) as id), '[]'),
    'open', case when p_open and taken.got = '{}' then coalesce((select jsonb_agg(w.id order by w.id)
      from agentmux.waiting(me, 50) as w
      where exists (select from public.receipts as r where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = w.id)), '[]')
      else '[]' end);
end $$;
revoke all on function public.inbox_check(int, text, int, text, text, int, boolean) from public, anon, authenticated, service_role;
grant execute on function public.inbox_check(int, text, int, text, text, int, boolean) to authenticated, service_role;

-- messages_since with the epoch, after what mailbox_state does besides: a subscriber that looks regularly needs both.
create function public.messages_poll(p_xid text default '0', p_id bigint default 0, p_limit int default 500)
returns table (id bigint, content text, tag text, body text, mentions text[], reply_to bigint, thread_id bigint, client_id uuid, meta jsonb,
  author_tag text, author_kind text, verified boolean, xid text, created_at timestamptz, settled boolean, epoch uuid)
language plpgsql security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  perform agentmux.watch_upkeep();
  -- In one statement, so that the rows are of that epoch.
  return query select s.*, (select m.epoch from public.mux_meta as m) from public.messages_since(p_xid, p_id, p_limit) as s;
end $$;
revoke all on function public.messages_poll(text, bigint, int) from public, anon, authenticated, service_role;
grant execute on function public.messages_poll(text, bigint, int) to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261211000000');
