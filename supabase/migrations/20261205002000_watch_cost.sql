-- A trigger on a watched table names its watches by their ids, so that a statement need not look for them.

-- Notes what a statement did to a watched table, or to a partition of one, for each tag that watches it and did not do it itself. Its
-- arguments are the ids of the watches. Every writer pays for this, so it calls as little as possible and leaves the rest to whoever
-- sends the message.
create or replace function agentmux.watch_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role constant text := current_setting('role');
  me record;
  maker text;
  agent text;
  watcher text := '';
  watch agentmux.watches;
  lines jsonb[];
  many bigint;
begin
  if role = 'authenticated' or role = 'service_role' then
    select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
    maker := case when me.verified then me.tag else me.tag || ' (unverified)' end;
    watcher := coalesce(upper(me.tag collate "C"), '');
    if me.kind = 'agent' then agent := watcher; end if;
  end if;
  for n in 0 .. tg_nargs - 1 loop
    select w.* into watch from agentmux.watches as w where w.id = tg_argv[n]::bigint;
    continue when not found or (watcher <> '' and upper(watch.to_tag collate "C") = watcher);
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

-- Gives a table and its partitions the triggers that its watches need, and no others. There is one for each kind of change, because
-- triggers for several cannot have transition tables. A statement that names a partition runs only that partition's triggers.
create or replace function agentmux.sync_watch_triggers(p_table regclass) returns void
language plpgsql security definer set search_path = '' as $$
declare
  wanted record;
begin
  for wanted in
    select r.relation, k.kind, 'mux_watch_' || k.kind as name, needed.ids, present.args
    from (select p_table as relation union select t.relid from pg_partition_tree(p_table) as t) as r
    join pg_catalog.pg_class as c on c.oid = r.relation and c.relkind in ('r', 'p')
    cross join unnest(array['insert', 'update', 'delete', 'truncate']) as k (kind)
    cross join lateral (
      select array_agg(w.id::text order by w.id) as ids from agentmux.watches as w
      where k.kind = any (w.kinds)
        and (w.source = r.relation or w.source in (select a.relid from pg_partition_ancestors(r.relation) as a))
    ) as needed
    left join lateral (
      select encode(t.tgargs, 'escape') as args from pg_catalog.pg_trigger as t
      where t.tgrelid = r.relation and t.tgname = 'mux_watch_' || k.kind and t.tgfoid = 'agentmux.watch_statement()'::regprocedure
    ) as present on true
  loop
    -- The arguments of a trigger each end with a byte 0.
    continue when array_to_string(wanted.ids, '\000') || '\000' is not distinct from wanted.args;
    if wanted.args is not null then execute format('drop trigger %I on %s', wanted.name, wanted.relation); end if;
    if wanted.ids is not null then
      execute format('create trigger %I after %s on %s %s for each statement execute function agentmux.watch_statement(%s)',
        wanted.name, wanted.kind, wanted.relation,
        case wanted.kind when 'insert' then 'referencing new table as changed' when 'delete' then 'referencing old table as changed'
          when 'update' then 'referencing old table as former new table as changed' else '' end,
        array_to_string(wanted.ids, ', '));
    end if;
  end loop;
end $$;

-- The triggers of before name no watches.
do $$
declare
  watched regclass;
begin
  for watched in
    select distinct w.source from agentmux.watches as w join pg_catalog.pg_class as c on c.oid = w.source
  loop
    perform agentmux.sync_watch_triggers(watched);
  end loop;
end $$;

insert into agentmux.migrations (version) values ('20261205002000');
