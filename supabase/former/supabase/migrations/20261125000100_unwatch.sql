-- A watch tells of each statement once, however many rows it changes; it can be ended, and be listed.

--   [SYSTEM] orders INSERT {"id": 1} @RESPONDER
-- or, for several rows, so that a bulk load is one message and not an inbox full of them:
--   [SYSTEM] orders INSERT 1000 rows @RESPONDER
--   {"id": 1}
--   ... ten rows at most, one a line (JSON holds no line break)
--   and 990 more
-- The rows' text can hold anything: an @NAME in it is written as JSON's \u0040, so that data addresses nobody, and it is cut
-- to what a message takes. `changed` is the statement's transition table.
create function public.mux_watch_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  source text := case when tg_table_schema = 'public' then tg_table_name else tg_table_schema || '.' || tg_table_name end;
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

-- The table that a watch is about, when the caller may say so: humans (for tables in public), the service role and the owner.
create function public.mux_watch_target(p_table text) returns regclass
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  target regclass := to_regclass(p_table);
  human boolean := coalesce((select kind = 'human' from public.mux_identity()), false);
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

-- Whom a trigger tells: its one argument, without the zero byte that ends it. A tag is plain ASCII.
create function public.mux_watcher(p_arguments bytea) returns text
language sql immutable strict set search_path = '' as $$
  select split_part(encode(p_arguments, 'escape'), '\000', 1)
$$;

-- One trigger for each kind of change, because only such a one has a transition table.
create or replace function public.watch_table(p_table text, p_to_tag text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := public.mux_watch_target(p_table);
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
      for each statement execute function public.mux_watch_statement(%L)',
      format('mux_watch_%s_%s', kind, lower(p_to_tag)), kind, target, case kind when 'delete' then 'old' else 'new' end, p_to_tag);
  end loop;
end $$;

-- Ends it; false when there was nothing to end.
create function public.unwatch_table(p_table text, p_to_tag text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := public.mux_watch_target(p_table);
  name text;
  ended boolean := false;
begin
  for name in
    select t.tgname from pg_catalog.pg_trigger as t
    where t.tgrelid = target and t.tgfoid = 'public.mux_watch_statement()'::regprocedure
      and upper(public.mux_watcher(t.tgargs) collate "C") = upper(p_to_tag collate "C")
  loop
    execute format('drop trigger %I on %s', name, target);
    ended := true;
  end loop;
  return ended;
end $$;

create function public.watched_tables() returns table (table_name text, to_tag text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  select distinct case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end,
    public.mux_watcher(t.tgargs)
  from pg_catalog.pg_trigger as t
  join pg_catalog.pg_class as c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where t.tgfoid = 'public.mux_watch_statement()'::regprocedure and not t.tgisinternal
  order by 1, 2;
end $$;

-- What was watched row by row is watched anew. Triggers on partitions go with that of their parent.
do $$
declare
  former record;
begin
  for former in
    select t.tgname, format('%I.%I', n.nspname, c.relname) as source, public.mux_watcher(t.tgargs) as to_tag
    from pg_trigger as t join pg_class as c on c.oid = t.tgrelid join pg_namespace as n on n.oid = c.relnamespace
    where t.tgfoid = 'public.mux_watch()'::regprocedure and not t.tgisinternal and t.tgparentid = 0
  loop
    execute format('drop trigger %I on %s', former.tgname, former.source);
    if former.source not in ('public.channel_entries', 'public.receipts', 'public.cursors', 'public.agents') then
      perform public.watch_table(former.source, former.to_tag);
    end if;
  end loop;
end $$;
drop function public.mux_watch();

revoke all on function public.mux_watch_statement(), public.mux_watch_target(text), public.mux_watcher(bytea),
  public.unwatch_table(text, text), public.watched_tables() from public, anon, authenticated, service_role;
grant execute on function public.unwatch_table(text, text), public.watched_tables() to authenticated, service_role;
