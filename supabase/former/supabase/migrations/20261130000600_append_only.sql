-- Messages are append-only for everybody, the owner and the service role included. The one change that there is takes what a
-- message said out of it and keeps who wrote it when. Seals, a chain of hashes over all messages, show later what was changed
-- past the triggers.

create schema if not exists agentmux;
revoke all on schema agentmux from public;

-- A message that is being redacted, by the transaction that does it. A row in a table that only our functions reach, and not a
-- setting, which whoever runs SQL could set. What prunes history one day marks here what it deletes.
create table agentmux.amending (
  xid xid8 not null,
  message_id bigint not null,
  constraint amending_pkey primary key (xid, message_id)
);

create function agentmux.refuse_amendment() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    raise exception using errcode = '42501', message = 'messages are append-only and cannot be truncated',
      hint = 'Redact what must not be read: select redact_message(ID).';
  end if;
  if exists (select from agentmux.amending as a where a.xid = pg_current_xact_id() and a.message_id = old.id) then
    if tg_op = 'DELETE' then return old; end if;
    if (new.id, new.reply_to, new.thread_id, new.client_id, new.author_tag, new.author_kind, new.verified, new.xid, new.created_at)
      is not distinct from
      (old.id, old.reply_to, old.thread_id, old.client_id, old.author_tag, old.author_kind, old.verified, old.xid, old.created_at)
    then
      return new;
    end if;
  end if;
  raise exception using errcode = '42501',
    message = format('messages are append-only: message %s cannot be %s', old.id, case tg_op when 'DELETE' then 'deleted' else 'changed' end),
    hint = format('Redact what must not be read: select redact_message(%s).', old.id);
end $$;
create trigger messages_append_only before update or delete on public.messages
  for each row execute function agentmux.refuse_amendment();
create trigger messages_append_only_truncate before truncate on public.messages
  for each statement execute function agentmux.refuse_amendment();

-- Who took out what a message said. The message itself says it too, in meta.redaction, for whoever reads only that.
create table public.redactions (
  message_id bigint not null constraint redactions_pkey primary key
    constraint redactions_message_id_fkey references public.messages (id) on delete cascade,
  by_tag text,
  by_kind text,
  verified boolean not null,
  reason text
    constraint redactions_reason_at_most_1000_characters check (char_length(reason) <= 1000),
  signature jsonb
    constraint redactions_signature_is_an_object check (jsonb_typeof(signature) = 'object' and octet_length(signature::text) <= 4096),
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp()
);
comment on table public.redactions is 'who took out what a message said';
create index redactions_cursor on public.redactions (xid, message_id);

-- What the seals need of the text that is gone. A digest of a short text can be guessed from, so nobody else sees it.
create table agentmux.redacted_digests (
  message_id bigint not null constraint redacted_digests_pkey primary key
    constraint redacted_digests_message_id_fkey references public.redactions (message_id) on delete cascade,
  content bytea not null,
  meta bytea not null
);

create function agentmux.digest(p_text text) returns bytea
language sql immutable strict parallel safe set search_path = '' as $$ select sha256(convert_to(p_text, 'UTF8')) $$;

create function agentmux.redacted_content(p_tag text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case p_tag when 'UNTAGGED' then '(redacted)' else format('[%s] (redacted)', p_tag) end
$$;

create function agentmux.redacted_meta(r public.redactions) returns jsonb
language sql stable parallel safe set search_path = '' as $$
  select jsonb_build_object('redaction', jsonb_strip_nulls(jsonb_build_object('by', r.by_tag, 'kind', r.by_kind,
    'verified', r.verified, 'reason', r.reason, 'signature', r.signature,
    'at', to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))))
$$;

-- Takes the text and the meta out of a message: its author may, and humans; the service role and the owner as well. The tag,
-- the author, the time and the thread stay; whom it was addressed to is forgotten with the text. Doing it again changes nothing.
create function public.redact_message(p_id bigint, p_reason text default null, p_signature jsonb default null)
returns public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  message public.messages;
  done public.redactions;
begin
  perform public.mux_guard();
  select i.tag, i.kind, i.verified into me from public.mux_identity() as i;
  select m.* into message from public.messages as m where m.id = p_id for update;
  if not found then
    raise exception using errcode = '23503', message = format('there is no message %s', coalesce(p_id::text, 'null'));
  end if;
  if coalesce(me.verified, false) and me.kind <> 'human'
    and (message.verified and upper(message.author_tag collate "C") = upper(me.tag collate "C")) is not true
  then
    raise exception using errcode = '42501',
      message = format('you are %s and may not redact message %s: only %s may', me.tag, p_id,
        case when message.verified then message.author_tag || ' and humans' else 'humans' end);
  end if;
  if exists (select from public.redactions as r where r.message_id = p_id) then return message; end if;
  insert into public.redactions (message_id, by_tag, by_kind, verified, reason, signature)
  values (p_id, me.tag, me.kind, coalesce(me.verified, false), nullif(p_reason, ''), p_signature)
  returning * into done;
  insert into agentmux.redacted_digests (message_id, content, meta)
  values (p_id, agentmux.digest(message.content), agentmux.digest(message.meta::text));
  insert into agentmux.amending (xid, message_id) values (pg_current_xact_id(), p_id);
  update public.messages as m
  set content = agentmux.redacted_content(message.tag), meta = agentmux.redacted_meta(done)
  where m.id = p_id returning m.* into message;
  delete from agentmux.amending as a where a.message_id = p_id;
  return message;
end $$;

-- Nobody writes a message that looks redacted. After messages_before_insert, by its name.
create function agentmux.drop_forged_redaction() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.meta := new.meta - 'redaction';
  return new;
end $$;
create trigger messages_before_insert_redaction before insert on public.messages
  for each row when (new.meta ? 'redaction') execute function agentmux.drop_forged_redaction();

-- As before, but a redacted message, which names nobody any more, waits for nobody.
create or replace function public.mux_waiting(p_reader text, p_limit int, p_free boolean default false) returns setof public.messages
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
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or r.lease_until > clock_timestamp()))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id)
      and case when m.mentions = '{}' then m.created_at >= joined and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.attempts >= 5 or r.lease_until > clock_timestamp()))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

alter table public.redactions enable row level security;
create policy redactions_read on public.redactions for select to authenticated using ((select public.mux_admitted()));
create policy redactions_service on public.redactions for select to service_role using (true);
revoke all on public.redactions from public, anon, authenticated, service_role;
grant select on public.redactions to authenticated, service_role;
revoke all on function public.redact_message(bigint, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.redact_message(bigint, text, jsonb) to authenticated, service_role;

-- The chain of hashes. Not made when a message is written, which would let writers wait for each other: a seal covers what is
-- settled (no transaction that could still commit before it is running) behind the seal before it, in the order (xid, id).

create table agentmux.seals (
  seq bigint not null constraint seals_pkey primary key,
  xid xid8 not null,
  id bigint not null,
  hash bytea not null,
  entries bytea not null,
  at timestamptz not null default clock_timestamp()
);
comment on column agentmux.seals.id is 'of the last entry, with its xid; of a redaction minus its message''s id';
comment on column agentmux.seals.hash is 'sha256 of the hash before it, then of each entry''s digest';
comment on column agentmux.seals.entries is 'to find what differs: of each entry its id (8 bytes) and the first 4 of its digest';

-- What is sealed: messages and redactions, after one place in their order up to another, the first p_limit of them and not
-- much more than p_bytes of text. A redacted message counts with the digests of what it said, as long as it says what
-- redact_message left of it.
create function agentmux.leaves(p_xid xid8, p_id bigint, p_to_xid xid8, p_to_id bigint, p_limit int, p_bytes bigint)
returns table (xid xid8, id bigint, leaf bytea)
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan as $$
begin
  return query
  with keys as (
    (select m.xid, m.id, m.id as message_id, false as redaction from public.messages as m
      where (m.xid, m.id) > (p_xid, p_id) and (m.xid, m.id) <= (p_to_xid, p_to_id) order by m.xid, m.id limit p_limit)
    union all
    (select r.xid, -r.message_id, r.message_id, true from public.redactions as r
      where r.xid >= p_xid and (r.xid, -r.message_id) > (p_xid, p_id) and (r.xid, -r.message_id) <= (p_to_xid, p_to_id)
      order by r.xid, -r.message_id limit p_limit)
    order by 1, 2, 4 limit p_limit
  ), sized as (
    select k.*, coalesce(sum(octet_length(m.content)) over (order by k.xid, k.id, k.redaction
      rows between unbounded preceding and 1 preceding), 0) as before
    from keys as k left join public.messages as m on m.id = k.message_id
  )
  select s.xid, s.id, agentmux.digest(case when s.redaction
    then json_build_array('redaction', r.message_id::text, r.xid::text, trunc(extract(epoch from r.at) * 1000000)::text,
      r.by_tag, r.by_kind, r.verified, r.reason, r.signature::text)
    else json_build_array('message', m.id::text, m.xid::text, trunc(extract(epoch from m.created_at) * 1000000)::text,
      m.author_tag, m.author_kind, m.verified, m.tag, m.reply_to::text, m.thread_id::text, m.client_id::text,
      encode(case when gone.holds then d.content else agentmux.digest(m.content) end, 'hex'),
      encode(case when gone.holds then d.meta else agentmux.digest(m.meta::text) end, 'hex')) end::text)
  from sized as s
  left join public.messages as m on m.id = s.message_id and not s.redaction
  left join public.redactions as r on r.message_id = s.message_id
  left join agentmux.redacted_digests as d on d.message_id = s.message_id
  cross join lateral (select d.message_id is not null and m.content = agentmux.redacted_content(m.tag)
    and m.meta = agentmux.redacted_meta(r) as holds) as gone
  where s.before <= p_bytes
  order by s.xid, s.id, s.redaction;
end $$;

-- Adds at most so many seals; whether there may be more to seal. One at a time.
create function agentmux.seal(p_seals int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  last agentmux.seals;
  added int;
begin
  perform pg_advisory_xact_lock(hashtextextended('agentmux.seals', 0));
  for turn in 1..p_seals loop
    select s.* into last from agentmux.seals as s order by s.seq desc limit 1;
    insert into agentmux.seals (seq, xid, id, hash, entries)
    select coalesce(last.seq, 0) + 1,
      (array_agg(l.xid order by l.xid desc, l.id desc))[1], (array_agg(l.id order by l.xid desc, l.id desc))[1],
      sha256(coalesce(last.hash, '') || string_agg(l.leaf, '' order by l.xid, l.id)),
      string_agg(int8send(l.id) || substr(l.leaf, 1, 4), '' order by l.xid, l.id)
    from agentmux.leaves(coalesce(last.xid, '0'), coalesce(last.id, -9223372036854775808),
      pg_snapshot_xmin(pg_current_snapshot()), -9223372036854775808, 1000, 4000000) as l
    having count(*) > 0;
    get diagnostics added = row_count;
    if added = 0 then return false; end if;
  end loop;
  return true;
end $$;

-- Seals what is settled, a part of it at each call, and says where the chain ends and which history it is of.
create function public.seal_history()
returns table (epoch uuid, seq bigint, hash text, more boolean)
language plpgsql security definer set search_path = '' as $$
declare
  left_over boolean;
begin
  perform public.mux_guard();
  left_over := agentmux.seal(2);
  return query select m.epoch, coalesce(s.seq, 0), coalesce(encode(s.hash, 'hex'), ''), left_over
  from public.mux_meta as m
  left join lateral (select * from agentmux.seals as l order by l.seq desc limit 1) as s on true;
end $$;

-- The first entry between two seals that is not what was sealed.
create function agentmux.first_difference(p_before agentmux.seals, p_seal agentmux.seals)
returns table (fault text, message_id bigint)
language sql stable set search_path = '' as $$
  with sealed as (
    select n, ('x' || encode(substr(p_seal.entries, n * 12 + 1, 8), 'hex'))::bit(64)::bigint as id, substr(p_seal.entries, n * 12 + 9, 4) as leaf
    from generate_series(0, octet_length(p_seal.entries) / 12 - 1) as n
  ), found as (
    select l.id, substr(l.leaf, 1, 4) as leaf, row_number() over (order by l.xid, l.id) - 1 as n
    from agentmux.leaves(coalesce(p_before.xid, '0'), coalesce(p_before.id, -9223372036854775808), p_seal.xid, p_seal.id,
      octet_length(p_seal.entries) / 12 + 1000, 9223372036854775807) as l
  )
  select case when s.id < 0 or f.id < 0 then 'redaction ' else '' end
    || case when f.id is null then 'deleted' when s.id is null then 'inserted' else 'changed' end, abs(coalesce(s.id, f.id))
  from sealed as s full join found as f on f.id = s.id
  where s.leaf is distinct from f.leaf
  order by coalesce(s.n, f.n) limit 1
$$;

-- Looks at the seals after one whether the messages are still those that were sealed: a row for each seal, until one that does
-- not hold, and never for much longer than a fifth of a second. fault: changed, deleted or inserted, of the message named (or of its
-- redaction); or seal, when the chain itself was changed.
create function public.verify_history(p_after bigint default 0, p_limit int default 200)
returns table (seq bigint, at timestamptz, hash text, messages int, first_id bigint, fault text, message_id bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
  started constant timestamptz := clock_timestamp();
  before agentmux.seals;
  seal agentmux.seals;
  found record;
begin
  perform public.mux_guard();
  select s.* into before from agentmux.seals as s where s.seq = p_after;
  for seal in select s.* from agentmux.seals as s where s.seq > p_after order by s.seq
    limit least(greatest(coalesce(p_limit, 200), 1), 1000)
  loop
    select sha256(coalesce(before.hash, '') || coalesce(string_agg(l.leaf, '' order by l.xid, l.id), '')) as hash,
      count(*) filter (where l.id > 0)::int as messages, (array_agg(l.id order by l.xid, l.id) filter (where l.id > 0))[1] as first_id
    into found
    from agentmux.leaves(coalesce(before.xid, '0'), coalesce(before.id, -9223372036854775808), seal.xid, seal.id,
      octet_length(seal.entries) / 12 + 1, 9223372036854775807) as l;
    seq := seal.seq;
    at := seal.at;
    hash := encode(seal.hash, 'hex');
    messages := found.messages;
    first_id := found.first_id;
    fault := null;
    message_id := null;
    if seal.seq <> coalesce(before.seq, 0) + 1 or found.hash <> seal.hash then
      if seal.seq = coalesce(before.seq, 0) + 1 then
        select d.fault, d.message_id into fault, message_id from agentmux.first_difference(before, seal) as d;
      end if;
      fault := coalesce(fault, 'seal');
    end if;
    return next;
    exit when fault is not null or clock_timestamp() > started + interval '200 milliseconds';
    before := seal;
  end loop;
end $$;

revoke all on agentmux.amending, agentmux.redacted_digests, agentmux.seals from public, anon, authenticated, service_role;
revoke all on function agentmux.refuse_amendment(), agentmux.digest(text), agentmux.redacted_content(text),
  agentmux.redacted_meta(public.redactions), agentmux.drop_forged_redaction(),
  agentmux.leaves(xid8, bigint, xid8, bigint, int, bigint), agentmux.seal(int),
  agentmux.first_difference(agentmux.seals, agentmux.seals)
  from public, anon, authenticated, service_role;
revoke all on function public.seal_history(), public.verify_history(bigint, int) from public, anon, authenticated, service_role;
grant execute on function public.seal_history(), public.verify_history(bigint, int) to authenticated, service_role;
