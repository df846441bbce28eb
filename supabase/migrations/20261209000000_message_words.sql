-- Search that takes as long in a long history as in a short one: what is searched for in a message is stored when it is written, and
-- is read newest first, in parts that grow, until a page is full. Before, the words of each message that might match were made again
-- for each search, and all that an index found were sorted to get the newest.

-- ==== the stored words ====

-- All that is searched for in a message: its words, and marks, which begin with a sign that no word has. b, g and r: the block of 2^11,
-- 2^14 and 2^17 ids that the message is in, so that the index can find words in a part of the history; f: its tag; t: a tag that it
-- mentions; p: both, so that from:A to:B is one look; d: its author is not verified or not its tag's, and a: that author; u:
-- unverified; k, c and l: has:task, has:code and has:link. Without SET, so that it becomes part of the statement that calls it.
create or replace function agentmux.search_words(p_id bigint, p_content text, p_tag text, p_body text, p_mentions text[],
  p_author text, p_verified boolean) returns tsvector
language sql immutable parallel safe
return agentmux.words(p_content) || (
  '=b' || (p_id >> 11) || ' =g' || (p_id >> 14) || ' =r' || (p_id >> 17) || ' =f' || upper(p_tag collate "C")
  || case when p_mentions = '{}' then '' else
    replace(' ' || upper(array_to_string(p_mentions, ' ') collate "C"), ' ', ' =t')
    || replace(' ' || upper(array_to_string(p_mentions, ' ') collate "C"), ' ', ' =p' || upper(p_tag collate "C") || '>') end
  || case when upper(p_author collate "C") = upper(p_tag collate "C") then ''
    when p_author collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' then ' =d =a' || upper(p_author collate "C")
    else ' =d' end
  || case when p_verified then '' else ' =u' end
  || case when strpos(p_body, '#') > 0 and left(p_body, 100000) ~ '(^|[^A-Za-z0-9_#&])#[0-9]' then ' =k' else '' end
  || case when strpos(p_body, '`') > 0 and left(p_body, 100000) ~ '`[^`]' then ' =c' else '' end
  || case when strpos(p_body, '://') > 0 and left(p_body, 100000) ~* 'https?://[^[:space:]]' then ' =l' else '' end
)::tsvector;

create table if not exists agentmux.message_words (
  message_id bigint not null constraint message_words_pkey primary key,
  created_at timestamptz not null,
  words tsvector not null
);
-- To compress the words of long messages takes longer than to write them.
alter table agentmux.message_words alter column words set storage external;
-- Few words of new messages wait beside the index (in kB), because every search reads all of those.
create index if not exists message_words_search on agentmux.message_words using gin (words) with (gin_pending_list_limit = 64);

-- The hours in which messages of each block of 2,048 ids were written: a search within a time begins where that was. Two transactions
-- may both add the same one; without a unique index, none waits for the other.
create table if not exists agentmux.message_hours (
  block bigint not null,
  hour timestamptz not null
);
create index if not exists message_hours_block on agentmux.message_hours (block, hour);

-- Messages with a lower id may be without stored words: those that were there before this migration, until a hub has stored them
-- (agentmux.store_words). No row: all messages have them.
create table if not exists agentmux.words_missing (
  below bigint not null
);

-- Keeps the stored words up to date.
create or replace function agentmux.message_words() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    truncate agentmux.message_words, agentmux.message_hours;
  elsif tg_op = 'INSERT' then
    insert into agentmux.message_words (message_id, created_at, words)
    select a.id, a.created_at, agentmux.search_words(a.id, a.content, a.tag, a.body, a.mentions, a.author_tag, a.verified)
    from added as a;
    insert into agentmux.message_hours (block, hour)
    select distinct a.id >> 11, date_trunc('hour', a.created_at, 'UTC') from added as a
    where not exists (select from agentmux.message_hours as h
      where h.block = a.id >> 11 and h.hour = date_trunc('hour', a.created_at, 'UTC'));
  elsif tg_op = 'DELETE' then
    delete from agentmux.message_words as w where w.message_id = old.id;
  else
    if new.id <> old.id then delete from agentmux.message_words as w where w.message_id = old.id; end if;
    -- agentmux.store_words may be adding it at the same time.
    insert into agentmux.message_words (message_id, created_at, words)
    values (new.id, new.created_at,
      agentmux.search_words(new.id, new.content, new.tag, new.body, new.mentions, new.author_tag, new.verified))
    on conflict (message_id) do update set created_at = excluded.created_at, words = excluded.words;
    insert into agentmux.message_hours (block, hour) values (new.id >> 11, date_trunc('hour', new.created_at, 'UTC'));
  end if;
  return null;
end $$;

create or replace trigger messages_words after insert on public.messages
  referencing new table as added for each statement execute function agentmux.message_words();
create or replace trigger messages_words_changed after delete or update of id, content, author_tag, verified, created_at
  on public.messages for each row execute function agentmux.message_words();
create or replace trigger messages_words_truncate after truncate on public.messages
  for each statement execute function agentmux.message_words();

-- Stores the words of the newest p_limit messages that may have none; returns whether there are more. After the last, the
-- index of before goes. Hubs call it; of two at a time, one does nothing.
create or replace function agentmux.store_words(p_limit int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  mark bigint;
  part bigint[];
begin
  select m.below into mark from agentmux.words_missing as m for update skip locked;
  if not found then return exists (select from agentmux.words_missing); end if;
  part := array(select m.id from public.messages as m where m.id < mark order by m.id desc limit p_limit);
  insert into agentmux.message_words (message_id, created_at, words)
  select m.id, m.created_at, agentmux.search_words(m.id, m.content, m.tag, m.body, m.mentions, m.author_tag, m.verified)
  from public.messages as m where m.id = any (part)
  on conflict do nothing;
  insert into agentmux.message_hours (block, hour)
  select m.id >> 11, date_trunc('hour', m.created_at, 'UTC') from public.messages as m where m.id = any (part)
  except select h.block, h.hour from agentmux.message_hours as h;
  if cardinality(part) = p_limit then
    update agentmux.words_missing set below = part[p_limit];
    return true;
  end if;
  drop index if exists public.messages_search;
  delete from agentmux.words_missing;
  return false;
end $$;

-- Creating the triggers has locked the table, so no message is missed. A short history gets its words at once.
do $$
begin
  insert into agentmux.words_missing (below) select max(m.id) + 1 from public.messages as m having max(m.id) is not null;
  if not agentmux.store_words(5000) then drop index if exists public.messages_search; end if;
end $$;

-- All of these that are not null; null without any.
create or replace function agentmux.all_of(variadic p_queries tsquery[]) returns tsquery
language sql immutable parallel safe set search_path = '' as $$
  select string_agg('(' || q::text || ')', ' & ')::tsquery from unnest(p_queries) as q where numnode(q) > 0
$$;

-- The marks (agentmux.search_words) that a search's terms ask for, as a tsquery's text; null without any, `none` if no message can
-- have them.
create or replace function agentmux.search_marks(p_from text[], p_to text[], p_tag text[], p_is text[], p_has text[]) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  me text;
  marks text;
  impossible boolean;
begin
  select string_agg(case when t.no then '!(' else '(' end || case t.field
      when 'from' then format('''=f%s''', t.tag)
      when 'to' then format('''=t%s''', t.tag)
      else format('''=f%s'' | ''=t%1$s''', t.tag)
    end || ')', ' & ') filter (where t.tag ~ '^[A-Z][A-Z0-9_-]{0,31}$'),
    bool_or(not t.no and t.tag !~ '^[A-Z][A-Z0-9_-]{0,31}$')
  into marks, impossible
  from (
    select i.field, i.term like '-%' as no, upper(regexp_replace(i.term, '^-', '') collate "C") as tag
    from (
      select 'from' as field, f as term from unnest(p_from) as f
      union all select 'to', t from unnest(p_to) as t
      union all select 'tag', t from unnest(p_tag) as t
    ) as i
  ) as t;
  if impossible then return 'none'; end if;
  marks := concat_ws(' & ', marks,
    (select string_agg(format('''=p%s>%s''', upper(f collate "C"), upper(t collate "C")), ' & ')
      from unnest(p_from) as f, unnest(p_to) as t where f not like '-%' and t not like '-%'),
    case when 'task' = any (p_has) then '''=k''' when '-task' = any (p_has) then '!''=k''' end,
    case when 'code' = any (p_has) then '''=c''' when '-code' = any (p_has) then '!''=c''' end,
    case when 'link' = any (p_has) then '''=l''' when '-link' = any (p_has) then '!''=l''' end,
    case when 'unverified' = any (p_is) then '''=u''' when '-unverified' = any (p_is) then '!''=u''' end);
  if p_is && '{mine,-mine}' then
    select upper(i.tag collate "C") into me from agentmux.identity() as i;
    if me is not null then
      marks := concat_ws(' & ', nullif(marks, ''), case when 'mine' = any (p_is) then '(' else '!(' end
        || format('''=a%s'' | ''=f%1$s'' & !''=d'')', me));
    elsif 'mine' = any (p_is) then
      return 'none';
    end if;
  end if;
  return nullif(marks, '');
end $$;

-- ==== the search ====

-- Searches messages, newest first. Queries are bounded, because one with 50,000 words searched everything for a quarter of a minute
-- (filter-parse.ts checks the same bounds before it sends a query). Each step looks at the newest part of what is left of the history:
-- first at rows one by one, then at what the index finds in blocks, which become larger while they have little and smaller when one
-- has too much. All plans are made once: to make them took longer than the search.
create or replace function public.search_messages(p_query text default null, p_limit int default 50, p_words text[] default '{}',
  p_from text[] default '{}', p_to text[] default '{}', p_tag text[] default '{}',
  p_thread bigint[] default '{}', p_id bigint[] default '{}',
  p_after timestamptz default null, p_before timestamptz default null,
  p_is text[] default '{}', p_has text[] default '{}', p_before_id bigint default null)
returns setof public.messages
language plpgsql stable security definer
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  page constant int := least(greatest(coalesce(p_limit, 50), 1), 1000);
  -- The most that the index may find in a block of more than 2,048 ids.
  many constant int := page + 1000;
  least_id constant bigint := -9223372036854775807;
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
  common text[];
  -- The ids from `low` to `high` are left; below `stored`, words may not be stored.
  high bigint := greatest(coalesce(p_before_id, 9223372036854775807), least_id) - 1;
  low bigint;
  stored bigint;
  -- Rows to look at one by one.
  rows int := greatest(128, 2 * page);
  -- The block: 2^bits ids, or all that are left (62).
  bits int;
  max_bits int := 17;
  start bigint;
  part tsquery;
  -- The lowest ids of the blocks in which the index found too much.
  full_17 bigint;
  full_14 bigint;
  -- How many were found before this block.
  before int;
  candidates bigint[];
  -- Whether their words, marks and times are known to match; whether nothing is left.
  checked boolean;
  done boolean := false;
  -- What the index of before found.
  former bigint[];
  found bigint[] := '{}';
begin
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
    end if;
    if p_after is not null then
      low := greatest(low, coalesce(
        (select min(h.block) << 11 from agentmux.message_hours as h where h.hour > p_after - interval '1 hour'), high + 1));
    end if;
  end if;

  while not done and cardinality(found) < page loop
    checked := false;
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
    elsif bits is null then
      select array_agg(r.id) filter (where r.hit), min(r.id), count(*) < rows into candidates, start, checked
      from (
        select w.message_id as id, (wanted is null or ts_match_vq(w.words, wanted))
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before) as hit
        from agentmux.message_words as w where w.message_id between low and high order by w.message_id desc limit rows
      ) as r;
      if indexed is null and not checked and wanted is not null then
        common := array(
          with newest as materialized (
            select w.words from agentmux.message_words as w where w.message_id <= high order by w.message_id desc limit 128
          )
          select i.item from (select distinct item from unnest(p_words) as item where item like '%*') as i
          where i.item like '-%' or (select count(*) from newest as n where ts_match_vq(n.words, agentmux.words_query(array[i.item]))) > 10);
        indexed := agentmux.all_of(words,
          agentmux.words_query(array(select item from unnest(p_words) as item where item <> all (common))), marks::tsquery);
        if indexed is not null then bits := 11; end if;
        -- A prefix is looked for in the whole history each time.
        if exists (select from unnest(p_words) as item where item like '%*' and item <> all (common)) then max_bits := 62; end if;
      end if;
      high := case when checked then low else start end - 1;
      rows := least(4 * rows, 4096);
      checked := true;
    else
      start := case bits when 62 then low else high >> bits << bits end;
      part := case bits when 62 then indexed
        else indexed && format('''=%s%s''', case bits when 11 then 'b' when 14 then 'g' else 'r' end, high >> bits)::tsquery end;
      candidates := array(
        select w.message_id from agentmux.message_words as w
        where w.words @@ part and ts_match_vq(w.words, wanted) and w.message_id + 0 between low and high
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before)
        limit case when bits > 11 then many end);
      if bits > 11 and cardinality(candidates) = many then
        if bits = 62 then max_bits := 17;
        elsif bits = 17 then full_17 := start;
        else full_14 := start;
        end if;
        bits := case bits when 62 then 17 when 17 then 14 else 11 end;
        continue;
      end if;
      high := coalesce((select max(w.message_id) from agentmux.message_words as w where w.message_id between low and start - 1), low - 1);
      before := cardinality(found);
      checked := true;
    end if;
    if checked and not more then
      found := found || array(select c from unnest(candidates) as c order by c desc limit page - cardinality(found));
    else
      found := found || array(
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
        order by m.id desc limit page - cardinality(found));
    end if;
    if bits is not null and before is not null then
      bits := case
        when high >= full_14 then 11
        -- A few more of this size fill the page.
        when bits < 17 and 4 * (cardinality(found) - before) >= page - cardinality(found) then bits
        when bits = 11 or high >= full_17 then 14
        else max_bits
      end;
    end if;
  end loop;
  return query select m.* from public.messages as m where m.id = any (found) order by m.id desc;
end $$;

insert into agentmux.migrations (version) values ('20261209000000');
