-- Search for messages, by the grammar that all programs share (source/mailbox/filter).

-- The words in the index: letters and digits. Punctuation separates words, so that a path, an address and a name_with_underscores
-- are found by their parts; PostgreSQL's own parser would keep each as one word.
create or replace function agentmux.words(p_text text) returns tsvector
language sql immutable parallel safe
return to_tsvector('simple'::regconfig, translate(left(p_text, 100000), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32)));

-- An expression, not a column: a stored tsvector above 1 MB would reject the row (54000).
create index if not exists messages_search on public.messages using gin (agentmux.words(content));

-- A query for several items, all of which must match; null without any. Each item is a phrase; a minus before it excludes, and a star
-- after it makes the last word a prefix.
create or replace function agentmux.words_query(p_words text[]) returns tsquery
language sql immutable parallel safe set search_path = '' as $$
  select string_agg(
    case when item.word like '-%' then '!(' else '(' end || item.query::text || case when item.word like '%*' then ':*)' else ')' end,
    ' & ')::tsquery
  from (select word, phraseto_tsquery('simple', word) as query from unnest(p_words) as word) as item
  where numnode(item.query) > 0
$$;

-- Searches messages, newest first. Queries are bounded, because one with 50,000 words searched everything for a quarter of a minute
-- (filter-parse.ts checks the same bounds before it sends a query). Two passes: the newest 500 candidates, then all.
create or replace function public.search_messages(p_query text default null, p_limit int default 50, p_words text[] default '{}',
  p_from text[] default '{}', p_to text[] default '{}', p_tag text[] default '{}',
  p_thread bigint[] default '{}', p_id bigint[] default '{}',
  p_after timestamptz default null, p_before timestamptz default null,
  p_is text[] default '{}', p_has text[] default '{}', p_before_id bigint default null)
returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  page int := least(greatest(coalesce(p_limit, 50), 1), 1000);
  below bigint := coalesce(p_before_id, 9223372036854775807);
  me text := (select upper(tag collate "C") from agentmux.identity());
  wanted tsquery;
  from_one text[] := array(select upper(t collate "C") from unnest(p_from) as t where t not like '-%');
  from_none text[] := array(select upper(substr(t, 2) collate "C") from unnest(p_from) as t where t like '-%');
  to_all text[] := array(select upper(t collate "C") from unnest(p_to) as t where t not like '-%');
  to_none text[] := array(select upper(substr(t, 2) collate "C") from unnest(p_to) as t where t like '-%');
  tag_all text[] := array(select upper(t collate "C") from unnest(p_tag) as t where t not like '-%');
  tag_none text[] := array(select upper(substr(t, 2) collate "C") from unnest(p_tag) as t where t like '-%');
  -- A channel that all of it stands in, where one is named.
  channel text := (to_all || tag_all || from_one)[1];
  thread bigint := (select t from unnest(p_thread) as t where t > 0 limit 1);
  single bigint := (select i from unnest(p_id) as i where i > 0 limit 1);
  candidates bigint[];
  found bigint[];
begin
  perform public.mux_guard();
  -- Before anything is made of them: each word is looked for in every message that may match.
  if length(p_query) > 1000 or length(array_to_string(p_words, ' ')) > 2000 then
    raise exception using errcode = '54000', message = 'a search has at most 1000 characters', hint = 'Search for fewer words.';
  end if;
  if cardinality(p_words) + cardinality(p_from) + cardinality(p_to) + cardinality(p_tag) + cardinality(p_thread)
    + cardinality(p_id) + cardinality(p_is) + cardinality(p_has) > 64 then
    raise exception using errcode = '54000', message = 'a search has at most 64 terms', hint = 'Search for fewer words.';
  end if;
  wanted := agentmux.words_query(p_words);
  if not (p_is <@ '{mine,-mine,unverified,-unverified,stuck,-stuck}' and p_has <@ '{task,-task,code,-code,link,-link}') then
    raise exception using errcode = '22023',
      message = 'p_is takes mine, unverified and stuck, p_has takes task, code and link, each with or without a minus before it';
  end if;
  if p_query is not null then
    -- A minus within a word parts it; before a word it excludes.
    wanted := websearch_to_tsquery('simple', translate(regexp_replace(p_query, '(?<=[^[:space:]"])-', ' ', 'g'),
      '!#$%&''()*+,./:;<=>?@[\]^_`{|}~', repeat(' ', 30)));
    if numnode(wanted) = 0 then return; end if;
    wanted := wanted && coalesce(agentmux.words_query(p_words), ''::tsquery);
  end if;

  for pass in 1..2 loop
    candidates := case
      when single is not null then array[single]
      when channel is not null then array(
        select e.message_id from public.channel_entries as e
        where e.tag = channel and e.message_id < below
        order by e.tag desc, e.message_id desc
        limit case pass when 1 then 500 end)
      when 'stuck' = any (p_is) then array(
        select distinct r.message_id from public.receipts as r where r.state <> 'acked' and r.attempts >= 5)
      when pass = 1 and thread is null then array(
        select m.id from public.messages as m where m.id < below order by m.id desc limit 500)
    end;
    found := array(
      with matching as materialized (
        select m.id from public.messages as m
        where m.id < below
          and (candidates is null or m.id = any (candidates))
          and (wanted is null or agentmux.words(m.content) @@ wanted)
          and (thread is null or m.thread_id = thread)
          and (p_after is null or m.created_at >= p_after)
          and (p_before is null or m.created_at < p_before)
          and (p_from = '{}' or upper(m.tag collate "C") = all (from_one) and upper(m.tag collate "C") <> all (from_none))
          -- Tags have no letter that an array's text would have to quote.
          and (p_to = '{}' or upper(m.mentions::text collate "C")::text[] @> to_all
            and not upper(m.mentions::text collate "C")::text[] && to_none)
          and (p_tag = '{}' or upper((m.mentions || m.tag)::text collate "C")::text[] @> tag_all
            and not upper((m.mentions || m.tag)::text collate "C")::text[] && tag_none)
          and (p_thread = '{}' or (select bool_and((m.thread_id = abs(t)) = (t > 0)) from unnest(p_thread) as t))
          and (p_id = '{}' or (select bool_and((m.id = abs(i)) = (i > 0)) from unnest(p_id) as i))
          and (p_is = '{}' or (
            (not p_is && '{unverified,-unverified}' or (not m.verified) = ('unverified' = any (p_is)))
            and (not p_is && '{mine,-mine}' or coalesce(upper(m.author_tag collate "C") = me, false) = ('mine' = any (p_is)))
            and (not p_is && '{stuck,-stuck}' or ('stuck' = any (p_is)) = exists (select from public.receipts as r
              where r.message_id = m.id and r.state <> 'acked' and r.attempts >= 5
                and (r.lease_until is null or r.lease_until <= clock_timestamp())))))
          and (p_has = '{}' or (
            (not p_has && '{task,-task}' or (left(m.body, 100000) ~ '(^|[^A-Za-z0-9_#&])#[0-9]') = ('task' = any (p_has)))
            and (not p_has && '{code,-code}' or (left(m.body, 100000) ~ '`[^`]') = ('code' = any (p_has)))
            and (not p_has && '{link,-link}' or (left(m.body, 100000) ~* 'https?://[^[:space:]]') = ('link' = any (p_has)))))
      )
      select id from matching order by id desc limit page);
    exit when cardinality(found) = page or single is not null;
  end loop;
  return query select m.* from public.messages as m where m.id = any (found) order by m.id desc;
end $$;

insert into agentmux.migrations (version) values ('20261202001400');
