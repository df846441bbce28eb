-- Searches that stop after a while and say how far they came, and an index that is asked for less.

-- The index finds the messages that have the words of a phrase, in any order: whether they are adjacent is checked once, by the
-- search, and not also by the index. What is excluded stays as it is: without its order, it would exclude more.
create or replace function agentmux.any_order(p_query tsquery) returns tsquery
language sql immutable parallel safe set search_path = '' as $$
  select case when p_query::text like '%!%' then p_query else regexp_replace(p_query::text, ' <(-|[0-9]+)> ', ' & ', 'g')::tsquery end
$$;

-- The ids of messages that match, newest first, at most p_limit. p_milliseconds: after that time no further step is begun; `below` then
-- is the id down to which everything was searched, and otherwise null. At least one step is made, so a search that goes on below that
-- id comes to its end.
--
-- Queries are bounded, because one with 50,000 words searched everything for a quarter of a minute (filter-parse.ts checks the same
-- bounds before it sends a query). Each step looks at the newest part of what is left of the history: first at rows one by one, then
-- at what the index finds in a window of ids, which becomes larger while it has little and smaller when it has too much. The index is
-- asked for the window and for the words in two conditions: of one condition it would read the list of the rarest word from its
-- beginning. All plans are made once: to make them took longer than the search.
create or replace function agentmux.search(p_query text, p_limit int, p_words text[], p_from text[], p_to text[], p_tag text[],
  p_thread bigint[], p_id bigint[], p_after timestamptz, p_before timestamptz, p_is text[], p_has text[], p_before_id bigint,
  p_milliseconds int, out ids bigint[], out below bigint)
language plpgsql stable security definer
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  page constant int := least(greatest(coalesce(p_limit, 50), 1), 1000);
  -- The most that the index may find in a window of more than 2,048 ids.
  many int := page + 1000;
  least_id constant bigint := -9223372036854775807;
  begun constant timestamptz := clock_timestamp();
  thread bigint;
  single bigint;
  stuck constant boolean := coalesce('stuck' = any (p_is), false);
  -- Whether there is more to check than what is stored with the words.
  more boolean;
  words tsquery;
  marks text;
  -- The words and the marks, and those of them that the index is asked for.
  wanted tsquery;
  indexed tsquery;
  -- The prefixes that it is not asked for, because too many words begin with them.
  common text[] := '{}';
  -- The ids from `low` to `high` are left; below `stored`, words may not be stored.
  high bigint := greatest(coalesce(p_before_id, 9223372036854775807), least_id) - 1;
  low bigint;
  stored bigint;
  -- Rows to look at one by one.
  rows int := greatest(128, 2 * page);
  -- How many rows were looked at, and how many steps were made.
  looked int := 0;
  steps int := 0;
  -- The ids that the index is asked for, in blocks of 2^bits ids; null while rows are looked at.
  span bigint;
  span_before bigint;
  bits int;
  start bigint;
  blocks tsquery;
  -- The lowest ids of the windows in which the index found too much: of those of 2^17 ids, and of smaller ones.
  dense bigint;
  denser bigint;
  -- Milliseconds since it began, now and when this step began.
  elapsed double precision := 0;
  before_step double precision := 0;
  -- How many were found before this window.
  hits int;
  candidates bigint[];
  -- Whether their words, marks and times are known to match; whether nothing is left.
  checked boolean;
  done boolean := false;
  -- Whether the index can be asked has been found out.
  tried boolean := false;
  -- What the index of before found.
  former bigint[];
  part tsquery;
begin
  ids := '{}';
  perform public.mux_guard();
  -- Before anything is made of them: each word is looked for in every message that may match.
  if length(p_query) > 1000 or length(array_to_string(p_words, ' ')) > 2000 then
    raise exception using errcode = '54000', message = 'a search can have at most 1000 characters', hint = 'Search for fewer words.';
  end if;
  if cardinality(p_words) + cardinality(p_from) + cardinality(p_to) + cardinality(p_tag) + cardinality(p_thread)
    + cardinality(p_id) + cardinality(p_is) + cardinality(p_has) > 64 then
    raise exception using errcode = '54000', message = 'a search can have at most 64 terms', hint = 'Search for fewer words.';
  end if;
  if not (p_is <@ '{mine,-mine,unverified,-unverified,stuck,-stuck}' and p_has <@ '{task,-task,code,-code,link,-link}') then
    raise exception using errcode = '22023',
      message = 'p_is accepts mine, unverified and stuck, and p_has accepts task, code and link; a minus before one excludes it';
  end if;
  if p_query is not null then
    -- A minus within a word parts it; before a word it excludes.
    words := websearch_to_tsquery('simple', translate(regexp_replace(p_query, '(?<=[^[:space:]"])-', ' ', 'g'),
      '!#$%&''()*+,./:;<=>?@[\]^_`{|}~', repeat(' ', 30)));
    if numnode(words) = 0 then return; end if;
  end if;
  marks := agentmux.search_marks(p_from, p_to, p_tag, p_is, p_has);
  if marks = 'none' then return; end if;
  wanted := agentmux.all_of(words, agentmux.words_query(p_words), marks::tsquery);
  thread := (select t from unnest(p_thread) as t where t > 0 limit 1);
  single := (select i from unnest(p_id) as i where i > 0 limit 1);
  more := p_thread <> '{}' or p_id <> '{}' or p_is && '{stuck,-stuck}';

  select m.below into stored from agentmux.words_missing as m;
  low := coalesce(stored, least_id);
  if single is null and not stuck and thread is null and high >= low then
    if p_before is not null then
      high := least(high, coalesce((select (max(h.block) << 11) + 2047 from agentmux.message_hours as h where h.hour < p_before), low - 1));
      -- A block may have messages of many hours.
      high := coalesce((select max(w.message_id) from agentmux.message_words as w
        where w.message_id between greatest(low, high >> 11 << 11) and high and w.created_at < p_before), greatest(low, high >> 11 << 11) - 1);
    end if;
    if p_after is not null then
      low := greatest(low, coalesce(
        (select min(h.block) << 11 from agentmux.message_hours as h where h.hour > p_after - interval '1 hour'), high + 1));
    end if;
  end if;

  while not done and cardinality(ids) < page loop
    checked := false;
    if p_milliseconds is not null then
      elapsed := extract(epoch from clock_timestamp() - begun) * 1000;
      -- What the index of before found is not looked for again.
      if steps > 0 and elapsed >= p_milliseconds and former is null and (high >= low or thread is not null or stored is not null) then
        below := high + 1;
        exit;
      end if;
    end if;
    steps := steps + 1;
    if looked > 0 and indexed is null and wanted is not null and not tried then
      tried := true;
      if array_to_string(p_words, ' ') like '%*%' then
        common := array(
          with newest as materialized (
            select w.words from agentmux.message_words as w where w.message_id <= high order by w.message_id desc limit 128
          ), prefixes as materialized (
            select item, agentmux.words_query(array[item]) as query from (select distinct item from unnest(p_words) as item where item like '%*') as i
          )
          select p.item from prefixes as p
          where p.item like '-%' or (select count(*) from newest as n where ts_match_vq(n.words, p.query)) > 10);
      end if;
      indexed := agentmux.all_of(agentmux.any_order(words),
        agentmux.any_order(agentmux.words_query(array(select item from unnest(p_words) as item where item not like '-%' and item <> all (common)))),
        agentmux.words_query(array(select item from unnest(p_words) as item where item like '-%' and item <> all (common))),
        marks::tsquery);
      if indexed is not null then
        span := 2048;
        -- The words that begin with a prefix are looked for in the whole history, whatever the window is: few and large ones.
        if exists (select from unnest(p_words) as item where item like '%*' and item <> all (common)) then
          if cardinality(ids) = 0 then span := 131072; end if;
          many := page + 10000;
        end if;
      end if;
    end if;
    if single is not null then
      candidates := array[single];
      done := true;
    elsif stuck then
      candidates := array(select distinct r.message_id from public.receipts as r where r.state <> 'acked' and r.attempts >= 5);
      done := true;
    elsif thread is not null then
      candidates := array(select m.id from public.messages as m where m.thread_id = thread and m.id <= high
        order by m.thread_id desc, m.id desc limit rows);
      done := cardinality(candidates) < rows;
      high := candidates[rows] - 1;
      rows := least(4 * rows, 4096);
    elsif high < low then
      -- The part whose words are not stored yet, as it was before.
      exit when stored is null;
      if former is null then
        high := least(high, stored - 1);
        candidates := array(select m.id from public.messages as m where m.id <= high order by m.id desc limit 500);
        done := cardinality(candidates) < 500;
        high := candidates[500] - 1;
        if not done and agentmux.all_of(words, agentmux.words_query(p_words), null) is not null then
          former := '{}';
        end if;
      else
        if former = '{}' then
          part := agentmux.all_of(words, agentmux.words_query(p_words), null);
          with matching as materialized (
            select m.id from public.messages as m where agentmux.words(m.content) @@ part and m.id + 0 <= high
          )
          select coalesce(array_agg(m.id order by m.id desc), '{}') into former from matching as m;
        end if;
        candidates := former[:1000];
        former := former[1001:];
        done := former = '{}';
      end if;
    elsif span is null then
      select array_agg(r.id) filter (where r.hit), min(r.id), count(*) < rows into candidates, start, checked
      from (
        select w.message_id as id, (wanted is null or ts_match_vq(w.words, wanted))
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before) as hit
        from agentmux.message_words as w where w.message_id between low and high order by w.message_id desc limit rows
      ) as r;
      high := case when checked then low else start end - 1;
      looked := looked + rows;
      rows := least(4 * rows, 4096);
      checked := true;
    else
      before_step := elapsed;
      bits := case when span < 16384 then 11 when span < 131072 then 14 else 17 end;
      start := (high >> bits) - (span >> bits) + 1;
      blocks := (select string_agg(format('''=%s%s''', case bits when 11 then 'b' when 14 then 'g' else 'r' end, block), '|')
        from generate_series(greatest(start, low >> bits), high >> bits) as block)::tsquery;
      start := greatest(start << bits, low);
      hits := cardinality(ids);
      candidates := array(
        select w.message_id from agentmux.message_words as w
        where w.words @@ blocks and w.words @@ indexed and ts_match_vq(w.words, wanted) and w.message_id + 0 between low and high
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before)
        limit case when span >= 4096 then many end);
      if span >= 4096 and cardinality(candidates) = many then
        if span >= 131072 then
          dense := start;
          span := 16384;
        else
          denser := start;
          span := 2048;
        end if;
        continue;
      end if;
      high := coalesce((select max(w.message_id) from agentmux.message_words as w where w.message_id between low and start - 1), low - 1);
      checked := true;
    end if;
    if checked and not more then
      ids := ids || array(select c from unnest(candidates) as c order by c desc limit page - cardinality(ids));
    else
      ids := ids || array(
        select m.id from public.messages as m left join agentmux.message_words as w on w.message_id = m.id
        where m.id = any (candidates) and m.id < coalesce(p_before_id, 9223372036854775807)
          and (checked or (
            (p_after is null or m.created_at >= p_after)
            and (p_before is null or m.created_at < p_before)
            and (wanted is null or ts_match_vq(coalesce(w.words,
              agentmux.search_words(m.id, m.content, m.tag, m.body, m.mentions, m.author_tag, m.verified)), wanted))))
          and (p_thread = '{}' or (select bool_and((m.thread_id = abs(t)) = (t > 0)) from unnest(p_thread) as t))
          and (p_id = '{}' or (select bool_and((m.id = abs(i)) = (i > 0)) from unnest(p_id) as i))
          and (not p_is && '{stuck,-stuck}' or stuck = exists (select from public.receipts as r
            where r.message_id = m.id and r.state <> 'acked' and r.attempts >= 5
              and (r.lease_until is null or r.lease_until <= clock_timestamp())))
        order by m.id desc limit page - cardinality(ids));
    end if;
    if hits is not null and high >= low and cardinality(ids) < page then
      -- The next window: with what is left of the page, if it has as much as this one, and within the time that is left.
      hits := cardinality(ids) - hits;
      span_before := span;
      span := least(greatest(span * least(8, 1.2 * (page - cardinality(ids)) / greatest(hits, 0.1)), 2048), 131072);
      span := least(span, case when high >= denser then 2048 when high >= dense then 16384 end);
      if p_milliseconds is not null then
        elapsed := extract(epoch from clock_timestamp() - begun) * 1000;
        span := least(span, greatest(span_before * (p_milliseconds - elapsed) / greatest(elapsed - before_step - 0.2, 0.02), 2048));
      end if;
    end if;
  end loop;
end $$;
revoke all on function agentmux.any_order, agentmux.search from public, anon, authenticated, service_role;

-- All messages that match, newest first, or the newest p_limit of them.
create or replace function public.search_messages(p_query text default null, p_limit int default 50, p_words text[] default '{}',
  p_from text[] default '{}', p_to text[] default '{}', p_tag text[] default '{}',
  p_thread bigint[] default '{}', p_id bigint[] default '{}',
  p_after timestamptz default null, p_before timestamptz default null,
  p_is text[] default '{}', p_has text[] default '{}', p_before_id bigint default null)
returns setof public.messages
language plpgsql stable security definer set search_path = '' as $$
begin
  return query select m.* from public.messages as m
    where m.id = any ((select s.ids from agentmux.search(p_query, p_limit, p_words, p_from, p_to, p_tag, p_thread, p_id, p_after,
      p_before, p_is, p_has, p_before_id, null) as s)::bigint[])
    order by m.id desc;
end $$;

-- The same, as far as a search comes in about p_milliseconds: `messages`; `searched_to`, the id down to which everything was searched,
-- and `searched_to_at`, the time of that message. To go on, p_before_id is that id. Null: the page is full, or nothing is left.
create or replace function public.search_part(p_query text default null, p_limit int default 50, p_words text[] default '{}',
  p_from text[] default '{}', p_to text[] default '{}', p_tag text[] default '{}',
  p_thread bigint[] default '{}', p_id bigint[] default '{}',
  p_after timestamptz default null, p_before timestamptz default null,
  p_is text[] default '{}', p_has text[] default '{}', p_before_id bigint default null, p_milliseconds int default 40)
returns json
language plpgsql stable security definer set search_path = '' as $$
declare
  part record;
begin
  select * into part from agentmux.search(p_query, p_limit, p_words, p_from, p_to, p_tag, p_thread, p_id, p_after,
    p_before, p_is, p_has, p_before_id, least(greatest(coalesce(p_milliseconds, 40), 0), 1000));
  return json_build_object(
    'messages', coalesce((select json_agg(m.* order by m.id desc) from public.messages as m where m.id = any (part.ids)), '[]'),
    'searched_to', part.below,
    'searched_to_at', (select m.created_at from public.messages as m where m.id >= part.below order by m.id limit 1));
end $$;
revoke all on function public.search_part(text, int, text[], text[], text[], text[], bigint[], bigint[], timestamptz, timestamptz,
  text[], text[], bigint, int) from public, anon, authenticated, service_role;
grant execute on function public.search_part(text, int, text[], text[], text[], text[], bigint[], bigint[], timestamptz, timestamptz,
  text[], text[], bigint, int) to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261213000000');
