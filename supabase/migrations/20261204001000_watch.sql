-- Watched tables. The changes of a table are collected, and told to a tag in few messages: the first at once, the others when a
-- window has passed. A statement only adds a row to agentmux.watch_changes, so writers of a watched table never wait for each
-- other. See docs/decisions.md.

create table if not exists agentmux.watches (
  id bigint generated always as identity constraint watches_pkey primary key,
  source regclass not null,
  name text not null,
  to_tag text not null,
  kinds text[] not null,
  condition text,
  path jsonpath,
  tested text[] not null,
  columns text[],
  hidden text[] not null default '{}',
  trusted boolean not null,
  quiet interval not null,
  pause interval not null,
  due_at timestamptz not null default '-infinity'
);
comment on column agentmux.watches.name is 'the name that the tag knows it by, to notice that it was renamed';
comment on column agentmux.watches.path is 'the condition, as what is tested on a row';
comment on column agentmux.watches.tested is 'the columns that the condition names';
comment on column agentmux.watches.hidden is 'columns whose change alone is none; as of the last message, what else is left out is decided later';
comment on column agentmux.watches.columns is 'what messages show; null: whatever agents may read at that moment';
comment on column agentmux.watches.trusted is 'set up by somebody who may read all columns, and may show them to the tag';
comment on column agentmux.watches.quiet is 'the window that was asked for: the least time between two messages';
comment on column agentmux.watches.pause is 'the present one, which grows while there is no end of changes';
comment on column agentmux.watches.due_at is 'when the next message may be sent';
create unique index if not exists watches_once on agentmux.watches (source, upper(to_tag collate "C"));

-- The changes that were not told yet. What of their rows is shown is decided when they are. No foreign key: its lock would make
-- writers wait for whoever sends the message.
create table if not exists agentmux.watch_changes (
  watch_id bigint not null,
  id bigint generated always as identity,
  kind text not null,
  number bigint not null,
  rows jsonb[] not null,
  maker text not null,
  agent text,
  at timestamptz not null default clock_timestamp(),
  due boolean not null,
  constraint watch_changes_pkey primary key (watch_id, id)
);
comment on column agentmux.watch_changes.rows is 'the first ten rows; of an update, the one before and the one after it in an array';
comment on column agentmux.watch_changes.agent is 'the tag of the agent that made it, in upper case; null: it was no agent';
comment on column agentmux.watch_changes.due is 'whether a message could be sent when it was made';
revoke all on agentmux.watches, agentmux.watch_changes from public, anon, authenticated, service_role;

-- The columns of a table that every agent may read in every row; null: all. Of a table with row level security none, unless a policy
-- shows all agents everything: whether a policy lets somebody read a row cannot be asked on their behalf.
create or replace function agentmux.readable_columns(p_table oid) returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
  found record;
begin
  select c.relrowsecurity, has_schema_privilege('authenticated', c.relnamespace, 'usage') as is_reachable into found
  from pg_catalog.pg_class as c where c.oid = p_table;
  if found.is_reachable is not true then return '{}'; end if;
  if found.relrowsecurity and (
    select bool_or(p.polpermissive and pg_get_expr(p.polqual, p.polrelid) ~ '^(true|\( SELECT agentmux\.admitted\(\) AS \w+\))$')
      and bool_and(p.polpermissive)
    from pg_catalog.pg_policy as p
    where p.polrelid = p_table and p.polcmd in ('r', '*') and p.polroles && array[0::oid, 'authenticated'::regrole::oid]
  ) is not true then return '{}'; end if;
  if has_table_privilege('authenticated', p_table, 'select') then return null; end if;
  return array(
    select a.attname::text from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped
      and has_column_privilege('authenticated', p_table, a.attnum, 'select')
    order by a.attnum);
end $$;

-- The columns of a table that are not among these.
create or replace function agentmux.other_columns(p_table oid, p_columns text[]) returns text[]
language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(a.attname::text), '{}') from pg_catalog.pg_attribute as a
  where p_columns is not null and a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attname <> all (p_columns)
$$;

-- Translates a condition on a row into a path over its JSON, and lists the columns that it names. Such a path can neither call
-- functions nor read anything but the row. Its tokens are translated one by one; PostgreSQL checks their order.
create or replace function agentmux.watch_path(p_table regclass, p_where text, out path jsonpath, out columns text[])
language plpgsql stable security definer set search_path = '' as $$
declare
  token constant text := '\s+|''(?:[^'']|'''')*''|"(?:[^"]|"")+"|-?[0-9]{1,18}(?:\.[0-9]{1,18})?|<=|>=|<>|!=|[=<>(),]|[A-Za-z_][A-Za-z0-9_]*';
  words text[] := array(select t.groups[1] from regexp_matches(p_where, token, 'g') as t (groups));
  word text;
  folded text;
  shape text := '';
  name text;
  category "char";
  subject text;
  listing boolean := false;
begin
  columns := '{}';
  if length(p_where) > 2000 or array_to_string(words, '') <> p_where then
    raise exception using errcode = '42601', message = format('the condition %L cannot be read', left(p_where, 200));
  end if;
  foreach word in array words loop
    folded := lower(word);
    if word ~ '^\s' then
      continue;
    elsif word ~ '^''' or word ~ '^-?[0-9]' or folded in ('true', 'false') then
      -- Compared with the column before it, as what that column holds.
      name := case when word ~ '^''' then replace(substr(word, 2, length(word) - 2), '''''', '''') else folded end;
      name := case
        when category = 'N' or category is null and word !~ '^''' then name::numeric::text
        when category = 'B' then name::boolean::text
        else to_json(name)::text end;
      shape := shape || case when listing then format('%s == %s', subject, name) else name end;
    elsif listing and word = ',' then
      shape := shape || ' || ';
    elsif listing and word not in ('(', ')') then
      raise exception using errcode = '42601', message = format('the condition %L cannot be read at %s', p_where, word);
    elsif folded in ('and', 'or', 'not') then
      shape := shape || case folded when 'and' then ' && ' when 'or' then ' || ' else '!' end;
      category := null;
    elsif folded in ('is', 'null') then
      shape := shape || case folded when 'is' then ' == ' else 'null' end;
      -- `is not null`
      shape := replace(shape, ' == !null', ' != null');
    elsif folded = 'in' then
      -- What stands before it is repeated for each value.
      if subject is null or not shape like '%' || subject then
        raise exception using errcode = '42601', message = format('the condition %L cannot be read at %s', p_where, word);
      end if;
      shape := left(shape, length(shape) - length(subject));
      listing := true;
    elsif word in ('=', '<>', '!=', '<', '<=', '>', '>=', '(', ')') then
      shape := shape || case word when '=' then ' == ' when '<>' then ' != ' else word end;
      listing := listing and word <> ')';
    else
      name := case when word ~ '^"' then replace(substr(word, 2, length(word) - 2), '""', '"') else folded end;
      select t.typcategory into category
      from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
      where a.attrelid = p_table and a.attname = name and a.attnum > 0 and not a.attisdropped;
      if not found then
        raise exception using errcode = '42703', message = format('%s has no column %I', p_table, name);
      end if;
      columns := columns || name;
      subject := '$.' || to_json(name)::text;
      shape := shape || subject;
    end if;
  end loop;
  if shape !~ '[=<>]' then
    raise exception using errcode = '42601', message = format('the condition %L compares nothing', p_where);
  end if;
  path := shape::jsonpath;
exception
  when syntax_error or invalid_text_representation or numeric_value_out_of_range then
    raise exception using errcode = '42601', message = sqlerrm,
      hint = 'Compare columns with values: "state = ''open'' and (total > 100 or urgent = true)". Also: <> < <= >= in (...), is null, is not null, and not (...).';
end $$;

-- A row as a line of a message, without some columns. It cannot mention anybody.
create or replace function agentmux.watch_line(p_kind text, p_row jsonb, p_hidden text[]) returns text
language plpgsql stable set search_path = '' as $$
declare
  line text := case when p_kind = 'UPDATE' then (p_row -> 1) - p_hidden else p_row - p_hidden end::text;
begin
  if p_kind = 'UPDATE' then
    line := line || ' was ' || coalesce((select jsonb_object_agg(b.key, b.value) from jsonb_each((p_row -> 0) - p_hidden) as b
      where b.value is distinct from p_row -> 1 -> b.key), '{}')::text;
  end if;
  if length(line) > 16000 then line := left(line, 16000) || '…'; end if;
  return regexp_replace(line, '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\u0040', 'g');
end $$;

-- Notes what a statement did to a watched table, or to a partition of one, for each tag that watches it and did not do it itself.
-- Every writer pays for this, so it calls as little as possible and leaves the rest to whoever sends the message.
create or replace function agentmux.watch_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role constant text := current_setting('role');
  me record;
  maker text;
  agent text;
  watcher text := '';
  -- A statement that names a partition changes the tables above it.
  sources regclass[] := array[tg_relid];
  watching agentmux.watches[];
  watch agentmux.watches;
  lines jsonb[];
  many bigint;
begin
  if tg_nargs > 0 then sources := array(select a.relid from pg_partition_ancestors(tg_relid) as a); end if;
  if role = 'authenticated' or role = 'service_role' then
    select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
    maker := case when me.verified then me.tag else me.tag || ' (unverified)' end;
    watcher := coalesce(upper(me.tag collate "C"), '');
    if me.kind = 'agent' then agent := watcher; end if;
  end if;
  watching := array(
    select w from agentmux.watches as w
    where w.source = any (sources) and lower(tg_op) = any (w.kinds) and upper(w.to_tag collate "C") <> watcher);
  foreach watch in array watching loop
    -- Several simple statements: to start one that does all of this takes longer than these. c.* and not c: a column may be called that.
    if tg_op = 'TRUNCATE' then
      lines := '{}';
      many := 0;
    elsif tg_op = 'UPDATE' then
      -- Both tables have the rows in the same order.
      select count(*), array_agg(jsonb_build_array(to_jsonb(d.before), to_jsonb(d.after)) order by d.place) filter (where d.place <= 10)
      into many, lines
      from (
        select b.line as before, a.line as after, row_number() over (order by b.place) as place
        from (select (c.*)::record as line, row_number() over () as place from former as c) as b
        join (select (c.*)::record as line, row_number() over () as place from changed as c) as a on a.place = b.place
        where b.line operator(pg_catalog.*<>) a.line
          and (watch.hidden = '{}' or to_jsonb(b.line) - watch.hidden <> to_jsonb(a.line) - watch.hidden)
          and (watch.path is null or jsonb_path_match(to_jsonb(a.line), watch.path, '{}', true))
      ) as d;
    elsif watch.path is null then
      lines := array(select to_jsonb(c.*) from changed as c limit 11);
      many := cardinality(lines);
      if many > 10 then many := (select count(*) from changed as c); end if;
    else
      lines := array(select to_jsonb(c.*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true) limit 11);
      many := cardinality(lines);
      if many > 10 then many := (select count(*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true)); end if;
    end if;
    continue when many = 0 and tg_op <> 'TRUNCATE';
    insert into agentmux.watch_changes (watch_id, kind, number, rows, maker, agent, due)
    values (watch.id, tg_op, many, lines[:10], coalesce(maker, 'the role ' || case when role = 'none' then session_user else role end), agent,
      watch.due_at <= clock_timestamp() or watch.due_at > clock_timestamp() + watch.pause);
  end loop;
  return null;
end $$;

-- Whether a message may be sent now. A time that is further ahead than a pause was set while the clock was ahead.
create or replace function agentmux.is_due(w agentmux.watches) returns boolean
language sql volatile set search_path = '' as $$
  select w.due_at <= clock_timestamp() or w.due_at > clock_timestamp() + w.pause
$$;

-- Whether nothing has changed for a while since the last message, so that a longer pause makes no sense any more.
create or replace function agentmux.is_quiet(w agentmux.watches) returns boolean
language sql volatile set search_path = '' as $$
  select w.due_at - w.pause + w.quiet <= clock_timestamp()
    and not exists (select from agentmux.watch_changes as c where c.watch_id = w.id and c.at > clock_timestamp() - w.quiet)
$$;

-- The columns that messages of a watch show, as rights are now; null: all.
create or replace function agentmux.shown_columns(w agentmux.watches) returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
  readable text[];
begin
  if w.columns is not null and w.trusted then return w.columns; end if;
  readable := agentmux.readable_columns(w.source);
  if readable is null then return w.columns; end if;
  return case when w.columns is null then readable else array(select c from unnest(w.columns) as c where c = any (readable)) end;
end $$;

-- The columns whose change alone is none. If nothing is shown, every change is one.
create or replace function agentmux.hidden_columns(w agentmux.watches) returns text[]
language sql stable security definer set search_path = '' as $$
  select agentmux.other_columns(w.source, nullif(agentmux.shown_columns(w), '{}'))
$$;

-- Sends a message from SYSTEM.
create or replace function agentmux.say(p_content text, p_meta jsonb default '{}') returns void
language plpgsql security definer set search_path = '' as $$
declare
  before text := coalesce(current_setting('agentmux.author', true), '');
begin
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content, meta) values ('[SYSTEM] ' || p_content, p_meta);
  perform set_config('agentmux.author', before, true);
end $$;

-- The text about some changes of a table: how many of each kind, by whom, and the first ten rows.
create or replace function agentmux.watch_text(w agentmux.watches, p_changes agentmux.watch_changes[]) returns text
language plpgsql stable set search_path = '' as $$
declare
  columns text[] := agentmux.shown_columns(w);
  hidden text[] := agentmux.other_columns(w.source, columns);
  kinds text[];
  summary text;
  total bigint;
  makers text[];
  lines text[];
  room int;
  rest bigint;
begin
  select array_agg(k.kind), sum(k.number), string_agg(case
      when k.kind = 'TRUNCATE' or k.number = 1 then k.kind else format('%s %s rows', k.kind, k.number) end, ', ' order by k.first)
  into kinds, total, summary
  from (select c.kind, sum(c.number) as number, min(c.id) as first from unnest(p_changes) as c group by c.kind) as k;
  -- A role may have any name.
  makers := array(select regexp_replace(c.maker, '[^[:alnum:]_.$() -]', '?', 'g') from unnest(p_changes) as c group by c.maker order by min(c.id));
  lines := array(
    select case when cardinality(kinds) > 1 then f.kind || ' ' else '' end || agentmux.watch_line(f.kind, f.line, hidden)
    from (
      select c.kind, c.id, l.place, l.line from unnest(p_changes) as c cross join lateral unnest(c.rows) with ordinality as l (line, place)
      where columns is distinct from '{}'
      order by c.id, l.place limit 10
    ) as f order by f.id, f.place);
  room := 16000 / greatest(cardinality(lines), 1);
  lines := array(select case when length(line) > room then left(line, room) || '…' else line end from unnest(lines) as line);
  rest := total - cardinality(lines);
  return format('%s %s by %s%s%s @%s%s%s', w.name, summary, array_to_string(makers[:5], ', '),
    case when cardinality(makers) > 5 then format(' and %s more', cardinality(makers) - 5) end,
    case when total = 1 and cardinality(kinds) = 1 then ' ' || lines[1] end,
    w.to_tag,
    case when (total > 1 or cardinality(kinds) > 1) and lines <> '{}' then E'\n' || array_to_string(lines, E'\n') end,
    case when rest > 0 and lines <> '{}' then format(E'\nand %s more: `select * from %s` shows what is there now', rest, w.name)
      when rest > 0 and not exists (select from pg_catalog.pg_class as c where c.oid = w.source)
        then E'\n(not shown, because its rights are gone with it)'
      when rest > 0 then format(E'\n(not shown, because agents may not read all of %s)', w.name) end);
end $$;

-- Sends the changes of one watch that were not told yet, if there are any and it is due. While changes keep coming, each window is
-- four times as long as the one before it, up to sixteen times what was asked for; it ends early when they stop.
create or replace function agentmux.watch_flush(p_watch bigint, p_always boolean default false) returns void
language plpgsql security definer set search_path = '' as $$
declare
  watch agentmux.watches;
  changes agentmux.watch_changes[];
begin
  -- Whoever has it locked is sending just now.
  select w.* into watch from agentmux.watches as w
  where w.id = p_watch and (p_always or agentmux.is_due(w) or agentmux.is_quiet(w)) for no key update skip locked;
  if not found then return; end if;
  with told as (
    delete from agentmux.watch_changes as c where c.watch_id = p_watch returning c.*
  )
  select array_agg(told::agentmux.watch_changes order by told.id) into changes from told;
  if changes is null then return; end if;
  -- That rows were chosen by a column says something about it.
  if not watch.trusted and not coalesce(watch.tested <@ agentmux.readable_columns(watch.source), true) then return; end if;
  perform agentmux.say(agentmux.watch_text(watch, changes), jsonb_build_object('watch', jsonb_build_object(
    'table', watch.name,
    'agents', (select coalesce(jsonb_agg(distinct c.agent), '[]') from unnest(changes) as c where c.agent is not null),
    'others', exists (select from unnest(changes) as c where c.agent is null))));
  update agentmux.watches as w
  set pause = later.pause, due_at = clock_timestamp() + later.pause, hidden = agentmux.hidden_columns(watch)
  from (select case when agentmux.is_due(watch) and exists (select from unnest(changes) as c where c.at < watch.due_at)
    then least(watch.pause * 4, watch.quiet * 16) else watch.quiet end as pause) as later
  where w.id = p_watch;
end $$;

-- At the end of the transaction that made a change while a message could be sent. Not if other transactions' changes of the watch
-- would make this one fail; whoever comes next sends it.
create or replace function agentmux.watch_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('transaction_isolation') = 'read committed' then perform agentmux.watch_flush(new.watch_id); end if;
  return null;
end $$;

drop trigger if exists watch_changes_flush on agentmux.watch_changes;
create constraint trigger watch_changes_flush after insert on agentmux.watch_changes
  deferrable initially deferred for each row when (new.due) execute function agentmux.watch_changed();

-- Whether this transaction may send what others changed: it is short, and will not fail because of it.
create or replace function agentmux.may_flush() returns boolean
language sql stable security definer set search_path = '' as $$
  select agentmux.acting_role() is null and current_setting('transaction_read_only') = 'off'
    and current_setting('transaction_isolation') = 'read committed'
$$;

-- Sends what is due, to one tag or to all.
create or replace function agentmux.watch_flush_due(p_to_tag text default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
  due bigint[] := array(
    select w.id from agentmux.watches as w
    where (p_to_tag is null or upper(w.to_tag collate "C") = upper(p_to_tag collate "C"))
      and (agentmux.is_due(w) or agentmux.is_quiet(w))
      and exists (select from agentmux.watch_changes as c where c.watch_id = w.id)
    order by w.id);
begin
  if due <> '{}' and agentmux.may_flush() then perform agentmux.watch_flush(w) from unnest(due) as w; end if;
end $$;

-- Gives a table and its partitions the triggers that its watches need, and no others. There is one for each kind of change, because
-- triggers for several cannot have transition tables. A statement that names a partition runs only that partition's triggers.
create or replace function agentmux.sync_watch_triggers(p_table regclass) returns void
language plpgsql security definer set search_path = '' as $$
declare
  wanted record;
begin
  for wanted in
    select r.relation, r.relation <> p_table or exists (select from pg_partition_ancestors(p_table) as a where a.relid <> p_table) as is_partition,
      k.kind, 'mux_watch_' || k.kind as name,
      exists (select from pg_catalog.pg_trigger as t where t.tgrelid = r.relation and t.tgname = 'mux_watch_' || k.kind
        and t.tgfoid = 'agentmux.watch_statement()'::regprocedure) as is_there,
      exists (select from agentmux.watches as w where k.kind = any (w.kinds)
        and (w.source = r.relation or w.source in (select a.relid from pg_partition_ancestors(r.relation) as a))) as is_needed
    from (select p_table as relation union select t.relid from pg_partition_tree(p_table) as t) as r
    join pg_catalog.pg_class as c on c.oid = r.relation and c.relkind in ('r', 'p')
    cross join unnest(array['insert', 'update', 'delete', 'truncate']) as k (kind)
  loop
    if wanted.is_needed and not wanted.is_there then
      execute format('create trigger %I after %s on %s %s for each statement execute function agentmux.watch_statement(%s)',
        wanted.name, wanted.kind, wanted.relation,
        case wanted.kind when 'insert' then 'referencing new table as changed' when 'delete' then 'referencing old table as changed'
          when 'update' then 'referencing old table as former new table as changed' else '' end,
        case when wanted.is_partition then '''partition''' else '' end);
    elsif wanted.is_there and not wanted.is_needed then
      execute format('drop trigger %I on %s', wanted.name, wanted.relation);
    end if;
  end loop;
end $$;

-- Sends what is due, says which watched tables were dropped or renamed, and watches new partitions. Called every few seconds: by each
-- client that follows the mailbox, and by a hub. It waits for nobody.
create or replace function agentmux.watch_upkeep() returns void
language plpgsql security definer set search_path = '' set lock_timeout = '100ms' as $$
declare
  watch record;
begin
  if not exists (select from agentmux.watches) or not agentmux.may_flush() then return; end if;
  perform agentmux.watch_flush_due();
  for watch in
    select w.id, w.name as before, w.to_tag, c.oid is null as is_gone, agentmux.watched_name(n.nspname, c.relname) as name
    from agentmux.watches as w
    left join pg_catalog.pg_class as c on c.oid = w.source
    left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid is null or w.name <> agentmux.watched_name(n.nspname, c.relname)
    order by w.id for no key update of w skip locked
  loop
    perform agentmux.watch_flush(watch.id, true);
    if watch.is_gone then
      perform agentmux.say(format('%s was dropped: this watch has ended. @%s', watch.before, watch.to_tag));
      delete from agentmux.watches as w where w.id = watch.id;
    else
      perform agentmux.say(format('%s is now called %s: this watch goes on. @%s', watch.before, watch.name, watch.to_tag));
      update agentmux.watches as w set name = watch.name where w.id = watch.id;
    end if;
  end loop;
  for watch in
    select distinct w.source from agentmux.watches as w cross join lateral pg_partition_tree(w.source) as p
    join pg_catalog.pg_class as c on c.oid = p.relid and c.relkind in ('r', 'p')
    cross join lateral unnest(w.kinds) as kind
    where not exists (select from pg_catalog.pg_trigger as t where t.tgrelid = p.relid and t.tgname = 'mux_watch_' || kind)
  loop
    begin
      perform agentmux.sync_watch_triggers(watch.source);
    exception when lock_not_available or insufficient_privilege then
      null; -- At the next call.
    end;
  end loop;
  delete from agentmux.watch_changes as c where not exists (select from agentmux.watches as w where w.id = c.watch_id);
end $$;

drop function if exists public.watch_table(text, text);
-- Watches a table for a tag; a second call replaces the first. p_on: some of insert, update, delete and truncate; null: all. p_where:
-- a condition on the row, for an update on the row after it. p_columns: what messages show; null: what agents may read. p_window: the
-- least time between two messages; null: two seconds. Returns what the caller should know.
create or replace function public.watch_table(p_table text, p_to_tag text, p_on text[] default null, p_where text default null,
  p_columns text[] default null, p_window interval default null) returns text[]
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := agentmux.watch_target(p_table);
  trusted boolean := current_setting('role') not in ('anon', 'authenticated');
  readable text[];
  kinds text[] := array(select distinct lower(k) from unnest(coalesce(p_on, '{insert,update,delete,truncate}')) as k);
  quiet interval := coalesce(p_window, interval '2 seconds');
  tested record;
  named text[];
  found record;
  remarks text[] := '{}';
begin
  if p_to_tag collate "C" !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' or p_to_tag is null then
    raise exception using errcode = '22023', message = format('%L is not a tag', p_to_tag),
      hint = 'A tag is a letter followed by up to 31 letters, digits, _ or -.';
  end if;
  if kinds = '{}' or not kinds <@ '{insert,update,delete,truncate}' then
    raise exception using errcode = '22023', message = format('%s cannot be watched for', coalesce(nullif(array_to_string(kinds, ', '), ''), 'nothing')),
      hint = 'Changes are insert, update, delete and truncate.';
  end if;
  if quiet < interval '0' or quiet > interval '1 hour' then
    raise exception using errcode = '22023', message = 'the window is between 0 seconds and 1 hour';
  end if;
  select c.relkind, c.relpersistence, agentmux.watched_name(n.nspname, c.relname) as name, n.nspname into found
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = target;
  if found.relkind not in ('r', 'p') or found.relpersistence = 't' then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target);
  end if;
  if found.nspname = 'agentmux' or target in ('public.messages'::regclass, 'public.channel_entries'::regclass, 'public.receipts'::regclass,
    'public.cursors'::regclass, 'public.agents'::regclass, 'public.agent_sessions'::regclass) then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target),
      hint = 'Messages change this table, so each message would cause another one.';
  end if;
  if p_where is not null then
    select w.path, w.columns into tested from agentmux.watch_path(target, p_where) as w;
  else
    select null::jsonpath as path, '{}'::text[] as columns into tested;
  end if;
  named := coalesce(p_columns, '{}') || tested.columns;
  if exists (select from unnest(named) as c where not exists (select from pg_catalog.pg_attribute as a
    where a.attrelid = target and a.attname = c and a.attnum > 0 and not a.attisdropped)) then
    raise exception using errcode = '42703', message = format('%s has no column %I', target,
      (select c from unnest(named) as c where not exists (select from pg_catalog.pg_attribute as a
        where a.attrelid = target and a.attname = c and a.attnum > 0 and not a.attisdropped) limit 1));
  end if;
  readable := agentmux.readable_columns(target);
  if not trusted and not coalesce(named <@ readable, true) then
    raise exception using errcode = '42501', message = format('agents may not read all of these columns of %s', target),
      hint = 'The owner of the database may show them all the same: run this as its owner.';
  end if;
  insert into agentmux.watches as w (source, name, to_tag, kinds, condition, path, tested, columns, trusted, quiet, pause)
  values (target, found.name, p_to_tag, kinds, p_where, tested.path, tested.columns, p_columns, trusted, quiet, quiet)
  on conflict (source, upper(to_tag collate "C")) do update set to_tag = excluded.to_tag, name = excluded.name, kinds = excluded.kinds,
    condition = excluded.condition, path = excluded.path, tested = excluded.tested, columns = excluded.columns, trusted = excluded.trusted,
    quiet = excluded.quiet, pause = excluded.pause, due_at = excluded.due_at;
  update agentmux.watches as w set hidden = agentmux.hidden_columns(w)
  where w.source = target and upper(w.to_tag collate "C") = upper(p_to_tag collate "C");
  perform agentmux.sync_watch_triggers(target);
  if not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_to_tag collate "C") and a.revoked_at is null) then
    remarks := remarks || format('%s has not joined: messages wait until it does.', p_to_tag);
  end if;
  if p_columns is null and readable is not null then
    remarks := remarks || case when readable = '{}'
      then format('Agents may not read the rows of %s, so messages only count its changes.', found.name)
      else format('Agents may not read all columns of %s; messages show only those that they may read.', found.name) end;
  end if;
  return remarks;
end $$;

-- Stops watching a table for a tag; returns false if it was not watched.
create or replace function public.unwatch_table(p_table text, p_to_tag text) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass := agentmux.watch_target(p_table);
  ended bigint;
begin
  delete from agentmux.watches as w where w.source = target and upper(w.to_tag collate "C") = upper(p_to_tag collate "C")
  returning w.id into ended;
  if ended is null then return false; end if;
  delete from agentmux.watch_changes as c where c.watch_id = ended;
  perform agentmux.sync_watch_triggers(target);
  return true;
end $$;

drop function if exists public.watched_tables();
-- The watched tables, the tags that are told, and of what.
create or replace function public.watched_tables()
returns table (table_name text, to_tag text, kinds text[], condition text, columns text[], quiet interval)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  select case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end, w.to_tag,
    array(select k from unnest('{insert,update,delete,truncate}'::text[]) as k where k = any (w.kinds)),
    w.condition, w.columns, w.quiet
  from agentmux.watches as w
  join pg_catalog.pg_class as c on c.oid = w.source
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  order by 1, 2;
end $$;

-- The tables that were watched before. They go on as they were, with the defaults of now.
do $$
declare
  former record;
begin
  for former in
    select t.tgrelid::regclass as source, agentmux.watcher(t.tgargs) as to_tag, array_agg(t.tgname) as names
    from pg_catalog.pg_trigger as t
    where t.tgfoid = 'agentmux.watch_statement()'::regprocedure and not t.tgisinternal and t.tgnargs = 1
    group by 1, 2
  loop
    for i in 1..cardinality(former.names) loop
      execute format('drop trigger %I on %s', former.names[i], former.source);
    end loop;
    begin
      perform public.watch_table(former.source::text, former.to_tag);
    exception when wrong_object_type then
      null; -- A table that messages change.
    end;
  end loop;
end $$;
drop function if exists agentmux.watcher(bytea);

-- The mailbox, its history and its newest settled row, before which no transaction can commit any more (null: there is none). A
-- database can lose its newest rows and keep its epoch: an older copy of its files was put back, or a standby took over. It then
-- assigns the same ids again. Therefore a follower remembers a row, which it can look for, and not only a number. Volatile: the
-- first call after a restore sets the new epoch. Clients that follow the mailbox call this every few seconds, so it also looks after
-- the watched tables.
create or replace function public.mailbox_state()
returns table (epoch uuid, horizon text, latest_id bigint, mailbox_id uuid, settled_xid text, settled_id bigint, settled_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  perform agentmux.watch_upkeep();
  return query select m.epoch, agentmux.horizon()::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id, s.xid::text, s.id, s.created_at
  from public.mux_meta as m
  left join lateral (select w.xid, w.id, w.created_at from public.messages as w
    where w.xid < agentmux.horizon() order by w.xid desc, w.id desc limit 1) as s on true;
end $$;

-- The identity of a request, or no row. An authenticated token is trusted, because only the service role can write its
-- app_metadata. A service key may name the tag that it acts as, which is unverified. While an agent's SQL runs, the identity is
-- that agent's, even if the SQL changes the claims. The owner's plain SQL has no identity. The role is read from its setting,
-- because current_user is the owner in a security definer function. In plpgsql, which caches its plans: most requests and each
-- change of a watched table ask for it.
create or replace function agentmux.identity() returns table (tag text, kind text, verified boolean)
language plpgsql stable security definer set search_path = '' as $$
declare
  app jsonb;
begin
  select a.tag, a.kind into tag, kind from agentmux.acting as a
  where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp();
  verified := true;
  if found then
    return next;
    return;
  end if;
  if current_setting('role') = 'authenticated' then
    app := nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata';
    tag := app ->> 'agent_tag';
    kind := case when app ->> 'kind' = 'human' then 'human' else 'agent' end;
  elsif current_setting('role') = 'service_role' then
    tag := nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-agentmux-tag';
    kind := 'agent';
    verified := false;
  end if;
  if tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' then return next; end if;
end $$;

-- Sets the columns that no client may set: thread, author, transaction and time. A message that an agent inserts by SQL has that
-- agent as its verified author. The branch depends on the role that inserts, not on a setting: as SYSTEM, only the owner's functions
-- can write (this one runs as the owner, too), and while an agent's SQL runs, only a trigger's. The policy on the table rejects the
-- same messages as this function, which only has a better error message. Nobody can write a message that looks redacted.
create or replace function agentmux.derive_message() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  writer text := new.author_tag;
  acting text := agentmux.acting_role();
  takes_part boolean := writer = 'authenticated' or writer = coalesce(acting, '');
begin
  new.meta := coalesce(new.meta, '{}') - 'redaction';
  new.created_at := clock_timestamp();
  new.author_tag := null;
  new.author_kind := null;
  new.verified := false;
  if takes_part or writer = 'service_role' then
    select * into me from agentmux.identity();
    new.author_tag := me.tag;
    new.author_kind := me.kind;
    new.verified := coalesce(me.verified, false);
  elsif current_setting('agentmux.author', true) = 'system' and (acting is null or pg_trigger_depth() > 1)
    and pg_has_role(writer::name, current_user, 'usage')
  then
    new.author_tag := 'SYSTEM';
    new.author_kind := 'system';
    new.verified := true;
  end if;
  if takes_part then
    perform agentmux.me();
    if me.kind <> 'human' and upper(agentmux.tag(new.content) collate "C") <> upper(me.tag collate "C") then
      raise exception using errcode = '42501',
        message = format('you are %s and may only write as %1$s, not as %s', me.tag, agentmux.tag(new.content)),
        hint = format('Begin the content with [%s].', me.tag);
    end if;
  end if;
  new.xid := agentmux.current_xid();
  new.thread_id := new.id;
  if new.reply_to is not null then
    select m.thread_id into new.thread_id from public.messages as m where m.id = new.reply_to;
    if not found then
      raise exception using errcode = '23503', constraint = 'messages_reply_to_fkey', table = 'messages', schema = 'public',
        message = format('message %s, which this replies to, does not exist', new.reply_to);
    end if;
  end if;
  return new;
end $$;

-- The words of people that wait are found however many other messages do.
create index if not exists messages_people on public.messages (xid, id) where author_kind = 'human';

drop function if exists agentmux.waiting(text, int, boolean);
-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that were read, that are leased, or that were handed over five
-- times and not given back. p_people: only those that people wrote. Leases that were created while the clock was ahead do not count.
create or replace function agentmux.waiting(p_reader text, p_limit int, p_free boolean default false,
  p_people boolean default false) returns setof public.messages
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = upper(p_reader collate "C"));
  since record;
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
begin
  select c.xid, c.id into since from public.cursors as c join public.mux_meta as m on m.epoch = c.epoch where c.reader = me;
  if not found then select '0'::xid8 as xid, 0::bigint as id into since; end if;
  -- The receipt is looked up for each row that is left, by a subquery that cannot become a join over all receipts.
  if joined is null then
    return query
    -- offset 0: from the mentions to their messages, never along all messages looking for mentions.
    select m.* from public.channel_entries as e
    cross join lateral (select * from public.messages where messages.id = e.message_id offset 0) as m
    where e.tag = me and e.mentioned and (m.xid, m.id) > (since.xid, since.id) and (not p_people or m.author_kind = 'human')
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (since.xid, since.id) and (not p_people or m.author_kind = 'human')
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  end if;
end $$;

-- The order of a hand-over: people, agents, SYSTEM.
create or replace function agentmux.precedence(p_author_kind text) returns int
language sql immutable parallel safe set search_path = '' return case p_author_kind when 'human' then 0 when 'system' then 2 else 1 end;

-- Leases waiting messages to the caller, people's first, then agents', then those of SYSTEM, each oldest first: at most p_limit, and
-- after the first only as many as fit into p_bytes of content, because a response that takes too long is lost. The oldest of all has
-- the second place at the latest, so that nothing waits without end. p_take_id names this call, so that receipt_release can give back
-- what it took, even if the response did not arrive. p_lease is in seconds. Of two clients under one tag, only one gets each message;
-- the other gets the rest. p_session: the client session that takes. p_ended: what of it has just ended (agentmux.mark_read); with
-- p_limit 0, only that is recorded.
create or replace function public.inbox_take(p_limit int default 20, p_route text default null, p_lease int default 30,
  p_bytes int default 1048576, p_take_id text default null, p_session text default null, p_ended text default null)
returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  wanted int := least(greatest(coalesce(p_limit, 20), 1), 1000);
  free bigint[];
  first bigint[];
  again bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 then return; end if;
  perform agentmux.watch_flush_due(me);
  loop
    free := array(
      select sized.id
      from (
        select p.id, row_number() over chosen as place, sum(p.bytes) over chosen as bytes
        from (
          select w.id, w.bytes, case when row_number() over (order by w.xid, w.id) = 1 then least(w.place, 1.5) else w.place end as place
          from (
            select u.id, u.xid, u.bytes, row_number() over (order by u.precedence, u.xid, u.id)::numeric as place
            from (
              select w.id, w.xid, octet_length(w.content) as bytes, agentmux.precedence(w.author_kind) as precedence
              from agentmux.waiting(me, 1000, true) as w
              union
              select w.id, w.xid, octet_length(w.content), 0 from agentmux.waiting(me, wanted, true, true) as w
            ) as u
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
  return query select m.* from public.messages as m where m.id = any (first || again)
    order by agentmux.precedence(m.author_kind), m.id;
end $$;

-- Two agents that each change a table which the other watches wake each other without end, too. To change a table is work, so these
-- wakes are counted apart, and work does not make them count from nothing. Only turns are counted: an agent that feeds another by a
-- table without getting changes back is not a loop.
alter table agentmux.wakes add column if not exists by_change boolean not null default false;
alter table agentmux.wakes add column if not exists woken text;
alter table agentmux.wakes add column if not exists at timestamptz not null default clock_timestamp();
comment on column agentmux.wakes.by_change is 'the wakes for changes in watched tables, rather than for messages';
comment on column agentmux.wakes.woken is 'which of both was woken last, in upper case';
alter table agentmux.wakes drop constraint if exists wakes_pkey;
alter table agentmux.wakes add constraint wakes_pkey primary key (low, high, by_change);

-- A batch of tools ('batch', or 'work' if one of them was not the mailbox's) or the turn of that session has ended ('turn'). The
-- model has then answered to everything that was delivered before; but not to what a tool of this very batch returned, which it
-- sees next. A broadcast, what SYSTEM says, and an answer to what the reader wrote itself, are done with when they were read. Work leaves the wakes
-- for changes in tables counted.
create or replace function agentmux.mark_read(p_reader text, p_session text, p_ended text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  done bigint[];
begin
  if p_ended not in ('batch', 'work', 'turn') then
    raise exception using errcode = '22023', message = format('p_ended is batch, work or turn, not %L', p_ended);
  end if;
  with handed as (
    select r.message_id, r.reader, p_ended = 'turn' or r.route is distinct from 'mcp' or r.batches > 0 as is_read
    from public.receipts as r
    where upper(r.reader collate "C") = me and r.state = 'delivered' and (r.session = p_session or r.session is null)
    order by r.message_id for update
  ), changed as (
    update public.receipts as r
    set batches = r.batches + 1,
      state = case when handed.is_read then 'read' else r.state end,
      read_at = case when handed.is_read then clock_timestamp() end,
      lease_until = case when handed.is_read then null else r.lease_until end
    from handed where r.message_id = handed.message_id and r.reader = handed.reader
    returning r.message_id, r.state
  )
  select array_agg(m.id order by m.id) into done
  from changed join public.messages as m on m.id = changed.message_id and changed.state = 'read'
  where m.mentions = '{}' or m.author_kind = 'system' or exists (
    select from public.messages as own where own.id = m.reply_to
      and me in (upper(own.tag collate "C"), upper(own.author_tag collate "C")));
  if done is not null then perform agentmux.ack(p_reader, done, 'read'); end if;
  if p_ended = 'work' then perform agentmux.forget_wakes(array[me], false); end if;
end $$;

-- Says in the agents' rows with whom they are damped.
create or replace function agentmux.show_damped(p_tags text[]) returns void
language sql volatile security definer set search_path = '' as $$
  update public.agents as a set damped = now.damped
  from (
    select t.tag, (
      select string_agg(distinct coalesce(other.tag, pair.tag), ', ')
      from (
        select w.high as tag from agentmux.wakes as w where w.low = t.tag and w.damped
        union all
        select w.low from agentmux.wakes as w where w.high = t.tag and w.damped
      ) as pair
      left join public.agents as other on upper(other.tag collate "C") = pair.tag
    ) as damped
    from (select distinct unnest(p_tags) as tag) as t
  ) as now
  where upper(a.tag collate "C") = now.tag and a.damped is distinct from now.damped
$$;

drop function if exists agentmux.forget_wakes(text[]);
-- The wakes of these agents count from nothing again. p_tags: in upper case; null: all. p_by_change: also those for changes in tables.
create or replace function agentmux.forget_wakes(p_tags text[], p_by_change boolean default true) returns void
language plpgsql security definer set search_path = '' as $$
declare
  changed text[];
begin
  if not exists (select from agentmux.wakes as w where (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change)) then return; end if;
  perform agentmux.guard_lock('wakes');
  -- First the agents' rows, in one order: whoever wakes locks them in that order, too.
  changed := array(
    select distinct tag from agentmux.wakes as w cross join lateral unnest(array[w.low, w.high]) as tag
    where w.damped and (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change));
  perform from public.agents as a where upper(a.tag collate "C") = any (changed) order by upper(a.tag collate "C") for update;
  delete from agentmux.wakes as w where (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change);
  perform agentmux.show_damped(changed);
end $$;

-- Who a message wakes its reader for: who wrote it, in upper case; or, if it tells of changes in a table, who made these.
create or replace function agentmux.wakers(m public.messages) returns table (tag text, is_agent boolean, by_change boolean)
language sql stable set search_path = '' as $$
  select upper(m.tag collate "C"), coalesce(m.author_kind, 'agent') = 'agent', false
  where m.author_kind is distinct from 'system' or not m.meta ? 'watch' or (m.meta #> '{watch,others}') = 'true'
  union
  select maker, true, true from jsonb_array_elements_text(m.meta #> '{watch,agents}') as maker where m.author_kind = 'system'
$$;

-- The mail for which this session of the caller is to be woken now; nothing if it is not. The one place that decides a wake, so
-- whoever rings may ring twice. Worth a turn is mail that was never delivered, that was given back, or that names the agent. Of
-- several sessions one is woken, the one that its user prompted last; another after ten seconds in which that one took nothing. Two
-- agents wake each other max_wakes() times, by messages and by changes in tables; after that their mail waits for the next turns
-- (agents.damped), until one of both does other work (which changes in tables are themselves) or a human writes to one.
create or replace function public.wake_begin(p_session text, p_limit int default 20) returns setof public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ids bigint[];
  chosen record;
  other record;
  is_allowed boolean := false;
  stopped text[] := '{}';
  stopped_by_change text[] := '{}';
begin
  perform agentmux.guard_lock('wakes');
  -- One after the other for all sessions of the agent.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  ids := array(
    select w.id from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true) as w
    left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = w.id
    where w.mentions <> '{}' or r.delivered_at is null or r.returned > 0);
  if ids = '{}' then return; end if;
  select s.session, s.woken_at into chosen
  from public.agent_sessions as s
  where s.tag = folded and s.presence = 'idle' and s.wake is not null and s.seen_at > clock_timestamp() - interval '5 minutes'
    and coalesce(s.quiet_until <= clock_timestamp(), true)
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
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['inbox_take', 'mailbox_state', 'unwatch_table', 'wake_begin', 'watch_table', 'watched_tables'] loop
    execute format('revoke all on function public.%I from public, anon', name);
    execute format('grant execute on function public.%I to authenticated, service_role', name);
  end loop;
  foreach name in array array['readable_columns', 'other_columns', 'watch_path', 'watch_line', 'watch_statement', 'is_due',
    'is_quiet', 'shown_columns', 'hidden_columns', 'say', 'watch_text', 'watch_flush', 'watch_changed', 'may_flush', 'watch_flush_due', 'sync_watch_triggers', 'watch_upkeep', 'waiting',
    'precedence', 'forget_wakes', 'wakers']
  loop
    execute format('revoke all on function agentmux.%I from public, anon, authenticated, service_role', name);
  end loop;
end $$;

insert into agentmux.migrations (version) values ('20261204001000');
