-- Urgent messages: those whose meta has "urgent": true. They go first in a hand-over, before what people wrote, and alone reach a focused
-- agent between its tools. One from a human wakes an agent even soon after its user has interrupted it. Two agents cannot keep each
-- other awake by them: damping counts all their messages alike.

-- What goes first: messages of people, and urgent ones.
create index messages_first on public.messages (xid, id) where author_kind = 'human' or meta @> '{"urgent": true}';
drop index public.messages_people;
alter table agentmux.unacked rename column by_person to goes_first;
alter index agentmux.unacked_people rename to unacked_first;

-- The order of a hand-over: urgent ones, people, agents, SYSTEM.
create function agentmux.precedence(p_author_kind text, p_meta jsonb) returns int language sql immutable parallel safe set search_path = ''
return case when p_meta @> '{"urgent": true}' then -1 when p_author_kind = 'human' then 0 when p_author_kind = 'system' then 2 else 1 end;
revoke all on function agentmux.precedence(text, jsonb) from public;

drop function agentmux.waiting(text, int, boolean, boolean);
-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that were read, that are leased, or that were handed over five
-- times and not given back. p_first: only those that go first. Leases that were created while the clock was ahead do not count.
CREATE OR REPLACE FUNCTION agentmux.waiting(p_reader text, p_limit integer, p_free boolean DEFAULT false, p_first boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  since record;
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
  given bigint := 0;
begin
  select c.xid, c.id into since from public.cursors as c join public.mux_meta as m on m.epoch = c.epoch where c.reader = me;
  if found then
    return query
    select m.* from agentmux.unacked as u
    cross join lateral (select * from public.messages where messages.id = u.message_id and messages.xid = u.xid offset 0) as m
    where u.reader = me and (not p_first or u.goes_first)
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by u.xid, u.message_id limit p_limit;
    get diagnostics given = row_count;
    if given = p_limit then return; end if;
  else
    select '0'::xid8 as xid, 0::bigint as id into since;
  end if;
  return query select w.* from agentmux.waiting_after(me, since.xid, since.id, p_limit - given::int, p_free, p_first) as w;
end $function$;
revoke all on function agentmux.waiting from public, anon, authenticated, service_role;

drop function agentmux.waiting_after(text, xid8, bigint, int, boolean, boolean);
-- The part of agentmux.waiting that comes after a position, in the order of messages_since. Where few messages follow, all are read;
-- else those that mention the reader, and those to everyone. By indexes alone: for how many messages follow a position PostgreSQL has
-- no statistics and takes a third of all.
CREATE OR REPLACE FUNCTION agentmux.waiting_after(p_reader text, p_xid xid8, p_id bigint, p_limit integer, p_free boolean DEFAULT false, p_first boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
begin
  -- The receipt is looked up for each row that is left, by a subquery that cannot become a join over all receipts.
  if joined is not null and not exists (
    select from public.messages as m where (m.xid, m.id) > (p_xid, p_id) order by m.xid, m.id offset 500 limit 1)
  then
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (p_xid, p_id) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select * from (
      (-- offset 0: from the mentions to their messages, never along all messages looking for mentions.
      select m.* from public.channel_entries as e
      cross join lateral (select * from public.messages where messages.id = e.message_id offset 0) as m
      where e.tag = me and e.mentioned and (m.xid, m.id) > (p_xid, p_id) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
      union all
      (select m.* from public.messages as m
      where m.mentions = '{}' and (m.xid, m.id) > (p_xid, p_id) and m.xid >= pg_snapshot_xmin(joined) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
        and not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
    ) as m
    order by m.xid, m.id limit p_limit;
  end if;
end $function$;
revoke all on function agentmux.waiting_after from public, anon, authenticated, service_role;

CREATE OR REPLACE FUNCTION agentmux.advance(p_reader text, p_beyond integer DEFAULT 0)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(p_reader collate "C");
  most constant int := 1000;
  present uuid := (select m.epoch from public.mux_meta as m);
  since record;
  settled record;
  left_over record;
begin
  -- Of several callers, one moves it, and the others do not wait.
  select c.xid, c.id, c.epoch = present as counts into since from public.cursors as c where c.reader = me for update skip locked;
  if not found and exists (select from public.cursors as c where c.reader = me) then return; end if;
  if since.counts is not true then
    select '0'::xid8 as xid, 0::bigint as id, false as counts into since;
    delete from agentmux.unacked as u where u.reader = me;
  end if;
  select m.xid, m.id into settled from public.messages as m
  where m.xid < agentmux.horizon() order by m.xid desc, m.id desc limit 1;
  if not found or (settled.xid, settled.id) <= (since.xid, since.id) then return; end if;
  if p_beyond > 0 and since.counts then
    if not exists (select from public.messages as m
      where (m.xid, m.id) > (since.xid, since.id) and (m.xid, m.id) <= (settled.xid, settled.id)
      order by m.xid, m.id offset p_beyond limit 1)
    then
      return;
    end if;
    delete from agentmux.unacked as u
    where u.reader = me and exists (select from public.receipts as r
      where upper(r.reader collate "C") = me and r.message_id = u.message_id and r.state = 'acked');
  end if;
  select count(*) as number, array_agg(w.xid) as xids, array_agg(w.id) as ids, array_agg(coalesce(w.author_kind = 'human', false) or w.meta @> '{"urgent": true}') as firsts
  into left_over
  from (
    select w.* from agentmux.waiting_after(me, since.xid, since.id, most) as w where (w.xid, w.id) <= (settled.xid, settled.id)
    order by w.xid, w.id
  ) as w;
  if left_over.number = most then
    select left_over.xids[most] as xid, left_over.ids[most] as id into settled;
  end if;
  insert into agentmux.unacked (reader, xid, message_id, goes_first)
  select me, w.xid, w.id, w.goes_first from unnest(left_over.xids, left_over.ids, left_over.firsts) as w (xid, id, goes_first)
  on conflict do nothing;
  insert into public.cursors as c (reader, epoch, xid, id) values (me, present, settled.xid, settled.id)
  on conflict (reader) do update
    set epoch = excluded.epoch, xid = excluded.xid, id = excluded.id, updated_at = clock_timestamp()
    where c.epoch <> excluded.epoch or (c.xid, c.id) < (excluded.xid, excluded.id);
end $function$;

drop function agentmux.take(text, int, text, int, int, text, text, int);
-- Leases messages to p_me, as inbox_take says. `got`: what it took. `others`: what else waited and was free when it looked, in the order
-- of messages_since, at most p_named. p_urgent: only urgent ones.
CREATE OR REPLACE FUNCTION agentmux.take(p_me text, p_limit integer, p_route text, p_lease integer, p_bytes integer, p_take_id text, p_session text, p_named integer, p_urgent boolean, OUT got bigint[], OUT others bigint[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
    if p_urgent then
      waits := array(select w.id from agentmux.waiting(me, most, true, true) as w where w.meta @> '{"urgent": true}');
    else
      waits := array(select w.id from agentmux.waiting(me, most, true) as w);
    end if;
    exit when waits = '{}';
    if cardinality(waits) = most and not p_urgent then
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
              row_number() over (order by agentmux.precedence(m.author_kind, m.meta), m.xid, m.id)::numeric as place
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
end $function$;
revoke all on function agentmux.take from public, anon, authenticated, service_role;

drop function public.inbox_take(int, text, int, int, text, text, text);
-- Leases messages that wait for the caller, at most p_limit of at most p_bytes, for p_lease seconds; p_urgent: only urgent ones. p_ended
-- says what of the session has ended, so that its model has read what it was given.
CREATE OR REPLACE FUNCTION public.inbox_take(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_lease integer DEFAULT 30, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_ended text DEFAULT NULL::text, p_urgent boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  got bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 or agentmux.my_pause(me) is not null then return; end if;
  got := (agentmux.take(me, p_limit, p_route, p_lease, p_bytes, p_take_id, p_session, 0, coalesce(p_urgent, false))).got;
  return query select m.* from public.messages as m where m.id = any (got)
    order by agentmux.precedence(m.author_kind, m.meta), m.id;
end $function$;
revoke all on function public.inbox_take from public, anon;
grant execute on function public.inbox_take to authenticated, service_role;

CREATE OR REPLACE FUNCTION public.inbox_check(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_named integer DEFAULT 11, p_open boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  taken record;
  pause jsonb := agentmux.my_pause(me);
begin
  if pause is not null then
    return jsonb_build_object('messages', '[]'::jsonb, 'receipts', '[]'::jsonb, 'waiting', '[]'::jsonb, 'open', '[]'::jsonb, 'paused', pause);
  end if;
  select * into taken from agentmux.take(me, p_limit, p_route, null, p_bytes, p_take_id, p_session,
    least(greatest(coalesce(p_named, 11), 0), 1000), false);
  return jsonb_build_object(
    'messages', coalesce((select jsonb_agg(to_jsonb(m.*) order by agentmux.precedence(m.author_kind, m.meta), m.id)
      from public.messages as m where m.id = any (taken.got)), '[]'),
    'receipts', coalesce((select jsonb_agg(to_jsonb(r.*)) from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (taken.got)), '[]'),
    'waiting', coalesce((select jsonb_agg(id order by id) from unnest(taken.others) as id), '[]'),
    'open', case when p_open and taken.got = '{}' then coalesce((select jsonb_agg(w.id order by w.id)
      from agentmux.waiting(me, 50) as w
      where exists (select from public.receipts as r where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = w.id)), '[]')
      else '[]' end);
end $function$;

-- An agent that is focused is not interrupted: between its tools it gets only urgent messages, and the others when its turn ends.
alter table public.agents add column focused boolean not null default false;
comment on column public.agents.focused is 'whether it gets only urgent messages between its tools';

-- Focuses an agent, or all of them, or with p_focused false ends that: for humans. Returns those that it named.
create function public.agent_focus(p_tag text default null, p_all boolean default false, p_focused boolean default true)
returns setof public.agents language plpgsql security definer set search_path = '' as $$
declare
  tags text[];
begin
  perform agentmux.guard_pause('focus');
  tags := agentmux.paused_tags(p_tag, p_all);
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  update public.agents as a set focused = coalesce(p_focused, true)
  where upper(a.tag collate "C") = any (tags) and a.focused <> coalesce(p_focused, true);
  return query select a.* from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag;
end $$;
revoke all on function public.agent_focus from public, anon;
grant execute on function public.agent_focus to authenticated, service_role;

-- What a hook asks for between two steps, in one request. `messages`: what inbox_take takes, with the receipts that they had before.
-- With p_stops, which it says between tools: `stop` if a human wants this client to stop; then no message is taken. It is asked for
-- until agent_stopped says that the client was told. And if the agent is focused, `focused`: then only urgent messages are taken.
-- p_edits: the files that the agent has edited, on p_machine. With p_hears, `edits`: who else has edited those of the last hour; the
-- agent is told of each once.
CREATE OR REPLACE FUNCTION public.hook_take(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_ended text DEFAULT NULL::text, p_stops boolean DEFAULT false, p_hears boolean DEFAULT false, p_machine text DEFAULT NULL::text, p_edits jsonb DEFAULT NULL::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  wish record;
  mail jsonb;
  is_focused boolean;
begin
  perform agentmux.guard_lock('what its hooks report');
  if p_edits is not null then perform agentmux.note_edits(folded, p_machine, p_edits); end if;
  if p_stops then
    select s.asked_by, s.reason into wish from public.mux_stops as s
    where s.tag = folded and s.session = p_session and s.stopped_at is null
      and s.asked_at > clock_timestamp() - agentmux.stop_patience();
    if found then
      if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
      return jsonb_build_object('messages', '[]'::jsonb, 'stop', jsonb_build_object('asked_by', wish.asked_by, 'reason', wish.reason));
    end if;
  end if;
  is_focused := coalesce(p_stops and (select a.focused from public.agents as a where upper(a.tag collate "C") = folded), false);
  select jsonb_agg(jsonb_build_object('id', m.id, 'content', m.content, 'tag', m.tag, 'mentions', m.mentions, 'reply_to', m.reply_to,
    'client_id', m.client_id, 'author_tag', m.author_tag, 'author_kind', m.author_kind, 'verified', m.verified,
    'created_at', m.created_at, 'signature', m.meta -> 'signature', 'urgent', m.meta -> 'urgent',
    'receipts', (select coalesce(jsonb_agg(jsonb_build_object('reader', r.reader, 'attempts', r.attempts, 'takes', r.takes)), '[]')
      from public.receipts as r where r.message_id = m.id and upper(r.reader collate "C") = folded)))
  into mail
  from public.inbox_take(p_limit, p_route, 30, p_bytes, p_take_id, p_session, p_ended, is_focused) as m;
  return jsonb_build_object('messages', coalesce(mail, '[]'))
    || case when p_hears then jsonb_build_object('edits', agentmux.tell_edits(folded)) else '{}' end
    || case when is_focused then jsonb_build_object('focused', true) else '{}' end;
end $function$;

-- The mail for which this session of the caller is to be woken now; nothing if it is not. The one place that decides a wake, so
-- whoever rings may ring twice. Worth a turn is mail that was never delivered, that was given back, or that names the agent. Of
-- several sessions one is woken, the one that its user prompted last; another after ten seconds in which that one took nothing. Two
-- agents wake each other max_wakes() times, by messages and by changes in tables; after that their mail waits for the next turns
-- (agents.damped), until one of both does other work (which changes in tables are themselves) or a human writes to one. After its user
-- has interrupted it, an agent is left alone for a while, unless a human writes that it is urgent.
CREATE OR REPLACE FUNCTION public.wake_begin(p_session text, p_limit integer DEFAULT 20)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ids bigint[];
  chosen record;
  other record;
  is_allowed boolean := false;
  is_pressing boolean;
  stopped text[] := '{}';
  stopped_by_change text[] := '{}';
begin
  if agentmux.my_pause(me) is not null then return; end if;
  perform agentmux.guard_lock('wakes');
  -- One after the other for all sessions of the agent.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  ids := array(
    select w.id from (
      select * from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true)
      union all
      select * from agentmux.waiting(me, 100, true, true) as f where f.meta @> '{"urgent": true}'
    ) as w
    left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = w.id
    where w.mentions <> '{}' or r.delivered_at is null or r.returned > 0
    group by w.id);
  if ids = '{}' then return; end if;
  -- Once: what was handed over does not disturb again.
  is_pressing := exists (
    select from public.messages as m left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = m.id
    where m.id = any (ids) and m.author_kind = 'human' and m.verified and m.meta @> '{"urgent": true}' and r.delivered_at is null);
  select s.session, s.woken_at into chosen
  from public.agent_sessions as s
  where s.tag = folded and s.presence = 'idle' and s.wake is not null and s.seen_at > clock_timestamp() - interval '5 minutes'
    and (is_pressing or coalesce(s.quiet_until <= clock_timestamp(), true))
  -- One that was woken in vain comes last.
  order by coalesce(s.woken_at <= clock_timestamp() - interval '10 seconds', false), s.prompted_at desc nulls last, s.started_at desc, s.session
  limit 1;
  if not found or chosen.session <> p_session then return; end if;
  if chosen.woken_at > clock_timestamp() - interval '10 seconds' then return; end if;
  for other in
    select sender.tag, sender.by_change, sender.is_agent, max(m.id) as last_id, coalesce(w.last_id, 0) as counted,
      case when sender.by_change and not w.damped and w.at < clock_timestamp() - interval '10 minutes' then 0 else coalesce(w.wakes, 0) end as wakes
    from public.messages as m cross join lateral agentmux.wakers(m) as sender
    left join agentmux.wakes as w on w.by_change = sender.by_change
      and w.low = least(sender.tag collate "C", folded collate "C") and w.high = greatest(sender.tag collate "C", folded collate "C")
    where m.id = any (ids)
    group by sender.tag, sender.by_change, sender.is_agent, w.wakes, w.last_id, w.damped, w.at
    order by 1, 2
  loop
    if not other.is_agent or other.last_id <= other.counted or other.wakes < agentmux.max_wakes() then
      is_allowed := true;
    elsif other.by_change then
      stopped_by_change := stopped_by_change || other.tag;
    else
      stopped := stopped || other.tag;
    end if;
  end loop;
  if stopped || stopped_by_change <> '{}' then
    update agentmux.wakes as w set damped = true
    where not w.damped and folded in (w.low, w.high)
      and case when w.low = folded then w.high else w.low end = any (case when w.by_change then stopped_by_change else stopped end);
    -- Only in its own row: two wakes that each change both rows could deadlock.
    perform agentmux.show_damped(array[folded]);
  end if;
  if not is_allowed then return; end if;
  insert into agentmux.wakes as w (low, high, by_change, wakes, last_id, woken)
  select least(sender.tag, folded collate "C"), greatest(sender.tag, folded collate "C"), sender.by_change, 1, sender.last_id, folded
  from (
    select s.tag collate "C" as tag, s.by_change, max(m.id) as last_id
    from public.messages as m cross join lateral agentmux.wakers(m) as s
    where m.id = any (ids) and s.is_agent and s.tag <> folded
      and s.tag <> all (case when s.by_change then stopped_by_change else stopped end)
    group by 1, 2
  ) as sender
  on conflict (low, high, by_change) do update set last_id = excluded.last_id, woken = excluded.woken, at = clock_timestamp(),
    wakes = case
      when not w.by_change then w.wakes + 1
      when w.at < clock_timestamp() - interval '10 minutes' then 1
      when w.woken <> excluded.woken then w.wakes + 1 else w.wakes end
  where w.last_id < excluded.last_id;
  update public.agent_sessions as s set woken_at = clock_timestamp() where s.tag = folded and s.session = p_session;
  return query select m.* from public.messages as m where m.id = any (ids) order by m.id;
end $function$;

drop function agentmux.precedence(text);

insert into agentmux.migrations (version) values ('20261220000000');
