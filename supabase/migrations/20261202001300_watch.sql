-- Any table can be watched: SYSTEM sends a message about each change to a tag.

-- A table's name in such a message. A name that could be read as more than a name is quoted as JSON, and cannot mention anybody.
create or replace function agentmux.watched_name(p_schema text, p_table text) returns text
language sql immutable strict set search_path = '' as $$
  select case when named.name ~ '^[[:alnum:]_.$ -]+$' then named.name else replace(to_json(named.name)::text, '@', '\u0040') end
  from (select case when p_schema = 'public' then p_table else p_schema || '.' || p_table end) as named (name)
$$;

-- Sends the changes of one statement to the tag that watches the table, with ten rows at most.
create or replace function agentmux.watch_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  source text := agentmux.watched_name(tg_table_schema, tg_table_name);
  many bigint := (select count(*) from changed);
  room int := 60000 / greatest(least(many, 10), 1);
  shown text;
  before text := coalesce(current_setting('agentmux.author', true), '');
begin
  if many = 0 then return null; end if;
  -- c.* and not c: a column may be called that.
  select string_agg(case when char_length(line) > room then left(line, room) || '…' else line end, E'\n') into shown
  from (
    select regexp_replace(to_jsonb(c.*)::text, '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\\u0040', 'g') as line
    from changed as c limit 10
  ) as first;
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content) values (case
    when many = 1 then format('[SYSTEM] %s %s %s @%s', source, tg_op, shown, tg_argv[0])
    else format(E'[SYSTEM] %s %s %s rows @%s\n%s%s', source, tg_op, many, tg_argv[0], shown,
      case when many > 10 then format(E'\nand %s more', many - 10) end) end);
  perform set_config('agentmux.author', before, true);
  return null;
end $$;

-- The table with this name, if the caller may watch it: humans (tables in public), the service role and the owner.
create or replace function agentmux.watch_target(p_table text) returns regclass
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  target regclass := to_regclass(p_table);
  human boolean := coalesce((select kind = 'human' from agentmux.identity()), false);
  limited boolean := current_setting('role') in ('anon', 'authenticated');
begin
  perform public.mux_guard();
  if limited and not human then
    raise exception using errcode = '42501', message = 'only a human may watch tables';
  end if;
  if target is null or (limited and 'public'::regnamespace <> (select c.relnamespace from pg_catalog.pg_class as c where c.oid = target)) then
    raise exception using errcode = '42P01', message = format('there is no table %L', p_table);
  end if;
  return target;
end $$;

-- The tag that a trigger sends to: its only argument, without the final zero byte. A tag is plain ASCII.
create or replace function agentmux.watcher(p_arguments bytea) returns text
language sql immutable strict set search_path = '' as $$
  select split_part(encode(p_arguments, 'escape'), '\000', 1)
$$;

-- Watches a table for a tag. There is one trigger for each kind of change, because triggers for several cannot have transition tables.
create or replace function public.watch_table(p_table text, p_to_tag text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := agentmux.watch_target(p_table);
  found record;
  kind text;
begin
  if p_to_tag collate "C" !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' or p_to_tag is null then
    raise exception using errcode = '22023', message = format('%L is no tag', p_to_tag),
      hint = 'A letter, then up to 31 letters, digits, _ or -.';
  end if;
  select c.relkind, c.relpersistence into found from pg_catalog.pg_class as c where c.oid = target;
  if found.relkind not in ('r', 'p') or found.relpersistence = 't' then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target);
  end if;
  if target in ('public.messages'::regclass, 'public.channel_entries'::regclass, 'public.receipts'::regclass,
    'public.cursors'::regclass, 'public.agents'::regclass) then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target),
      hint = 'Messages change it themselves: each would post the next, without end.';
  end if;
  foreach kind in array array['insert', 'update', 'delete'] loop
    execute format('create or replace trigger %I after %s on %s referencing %s table as changed
      for each statement execute function agentmux.watch_statement(%L)',
      format('mux_watch_%s_%s', kind, lower(p_to_tag)), kind, target, case kind when 'delete' then 'old' else 'new' end, p_to_tag);
  end loop;
end $$;

-- Stops watching a table for a tag; returns false if it was not watched.
create or replace function public.unwatch_table(p_table text, p_to_tag text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := agentmux.watch_target(p_table);
  name text;
  ended boolean := false;
begin
  for name in
    select t.tgname from pg_catalog.pg_trigger as t
    where t.tgrelid = target and t.tgfoid = 'agentmux.watch_statement()'::regprocedure
      and upper(agentmux.watcher(t.tgargs) collate "C") = upper(p_to_tag collate "C")
  loop
    execute format('drop trigger %I on %s', name, target);
    ended := true;
  end loop;
  return ended;
end $$;

-- The watched tables, and the tags that are notified.
create or replace function public.watched_tables() returns table (table_name text, to_tag text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  select distinct case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end,
    agentmux.watcher(t.tgargs)
  from pg_catalog.pg_trigger as t
  join pg_catalog.pg_class as c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where t.tgfoid = 'agentmux.watch_statement()'::regprocedure and not t.tgisinternal
  order by 1, 2;
end $$;

insert into agentmux.migrations (version) values ('20261202001300');
