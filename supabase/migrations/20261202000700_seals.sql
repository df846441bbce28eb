-- A chain of hashes over all messages, which reveals changes that bypassed the triggers. Seals are not made when a message is
-- written, because writers would have to wait for each other. A seal covers the settled rows (no running transaction can commit
-- before them) after the previous seal, in the order (xid, id).

create table if not exists agentmux.seals (
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

-- Locked while sealing, so that only one session does it at a time. A table, for the same reason as task_turn.
create table if not exists agentmux.seal_turn ();

-- The entries to seal: messages and redactions between two positions in their order, the first p_limit of them and not much more
-- than p_bytes of text. A redacted message counts with the digests of its removed text, as long as its row is what redact_message
-- left.
create or replace function agentmux.leaves(p_xid xid8, p_id bigint, p_to_xid xid8, p_to_id bigint, p_limit int, p_bytes bigint)
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

-- Adds at most that many seals, one at a time. Returns whether there may be more to seal.
create or replace function agentmux.seal(p_seals int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  last agentmux.seals;
  added int;
begin
  lock table agentmux.seal_turn in exclusive mode;
  for turn in 1..p_seals loop
    select s.* into last from agentmux.seals as s order by s.seq desc limit 1;
    insert into agentmux.seals (seq, xid, id, hash, entries)
    select coalesce(last.seq, 0) + 1,
      (array_agg(l.xid order by l.xid desc, l.id desc))[1], (array_agg(l.id order by l.xid desc, l.id desc))[1],
      sha256(coalesce(last.hash, '') || string_agg(l.leaf, '' order by l.xid, l.id)),
      string_agg(int8send(l.id) || substr(l.leaf, 1, 4), '' order by l.xid, l.id)
    from agentmux.leaves(coalesce(last.xid, '0'), coalesce(last.id, -9223372036854775808),
      agentmux.horizon(), -9223372036854775808, 1000, 4000000) as l
    having count(*) > 0;
    get diagnostics added = row_count;
    if added = 0 then return false; end if;
  end loop;
  return true;
end $$;

-- Seals settled rows, a part of them at each call, and returns the epoch and the end of the chain.
create or replace function public.seal_history()
returns table (epoch uuid, seq bigint, hash text, more boolean)
language plpgsql security definer set search_path = '' as $$
declare
  left_over boolean;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('the seals');
  left_over := agentmux.seal(2);
  return query select m.epoch, coalesce(s.seq, 0), coalesce(encode(s.hash, 'hex'), ''), left_over
  from public.mux_meta as m
  left join lateral (select * from agentmux.seals as l order by l.seq desc limit 1) as s on true;
end $$;

-- The first entry between two seals that differs from what was sealed.
create or replace function agentmux.first_difference(p_before agentmux.seals, p_seal agentmux.seals)
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

-- Checks the seals after p_after: returns a row for each, up to the first that does not match its messages, and stops after about a
-- fifth of a second. fault: changed, deleted or inserted, for the given message (or its redaction); or seal, if the chain itself
-- was changed.
create or replace function public.verify_history(p_after bigint default 0, p_limit int default 200)
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

insert into agentmux.migrations (version) values ('20261202000700');
