-- A message of the largest size is taken, whatever it holds: one that repeats `@a` 87,000 times took seconds on a busy machine.

-- As before, but looks no further than the first 4,096 @. (mentionsIn in source/mailbox/message.ts has the same rule.)
create or replace function public.mux_mentions(p_content text) returns text[]
language sql immutable strict parallel safe set search_path = '' as $$
  select coalesce(array_agg(first.name order by first.place), '{}')
  from (
    select once.name, once.place
    from (
      select distinct on (upper(found.groups[1] collate "C")) found.groups[1] as name, found.place
      from regexp_matches(array_to_string((string_to_array(p_content, '@'))[:4097], '@') collate "C",
        '(?:^|[^A-Za-z0-9_@-])@([A-Za-z][A-Za-z0-9_-]{0,31})(?![A-Za-z0-9_-])', 'g') with ordinality as found (groups, place)
      order by upper(found.groups[1] collate "C"), found.place
    ) as once
    order by once.place
    limit 64
  ) as first
$$;
