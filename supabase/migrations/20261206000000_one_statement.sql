-- What a watch costs whoever writes to its table, once more.

-- Notes what a statement did to a watched table, or to a partition of one, for each tag that watches it and did not do it itself. Its
-- arguments are the ids of the watches. Every writer pays for this, so it calls as little as possible and leaves the rest to whoever
-- sends the message. Variables of composite types are declared where they are needed, because each costs as much as a statement does.
-- c.* and not c: a column may be called that.
create or replace function agentmux.watch_statement() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role constant text := current_setting('role');
  maker text;
  agent text;
  watcher text := '';
  lines jsonb[];
  many bigint := 0;
begin
  if role = 'authenticated' or role = 'service_role' then
    declare
      me record;
    begin
      select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
      maker := case when me.verified then me.tag else me.tag || ' (unverified)' end;
      watcher := coalesce(upper(me.tag collate "C"), '');
      if me.kind = 'agent' then agent := watcher; end if;
    end;
  end if;
  if tg_op = 'INSERT' or tg_op = 'DELETE' then
    lines := array(select to_jsonb(c.*) from changed as c limit 10);
    many := cardinality(lines);
    if many = 0 then return null; end if;
    if many = 10 then many := (select count(*) from changed as c); end if;
  end if;
  for n in 0 .. tg_nargs - 1 loop
    if many > 0 then
      insert into agentmux.watch_changes (watch_id, kind, number, rows, maker, agent, due)
      select w.id, tg_op, many, lines, coalesce(maker, 'the role ' || case when role = 'none' then session_user else role end), agent,
        w.due_at <= clock_timestamp() or w.due_at > clock_timestamp() + w.pause
      from agentmux.watches as w
      where w.id = tg_argv[n]::bigint and w.path is null and (watcher = '' or upper(w.to_tag collate "C") <> watcher);
      continue when found;
    end if;
    declare
      watch agentmux.watches;
      chosen jsonb[] := '{}';
      number bigint := 0;
    begin
      select w.* into watch from agentmux.watches as w where w.id = tg_argv[n]::bigint;
      continue when not found or (watcher <> '' and upper(watch.to_tag collate "C") = watcher);
      if many > 0 then
        chosen := array(select to_jsonb(c.*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true) limit 10);
        number := cardinality(chosen);
        if number = 10 then number := (select count(*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true)); end if;
      elsif tg_op = 'UPDATE' then
        -- Both tables have the rows in the same order.
        select count(*), array_agg(jsonb_build_array(to_jsonb(d.before), to_jsonb(d.after)) order by d.place) filter (where d.place <= 10)
        into number, chosen
        from (
          select b.line as before, a.line as after, row_number() over (order by b.place) as place
          from (select (c.*)::record as line, row_number() over () as place from former as c) as b
          join (select (c.*)::record as line, row_number() over () as place from changed as c) as a on a.place = b.place
          where b.line operator(pg_catalog.*<>) a.line
            and (watch.hidden = '{}' or to_jsonb(b.line) - watch.hidden <> to_jsonb(a.line) - watch.hidden)
            and (watch.path is null or jsonb_path_match(to_jsonb(a.line), watch.path, '{}', true))
        ) as d;
      end if;
      continue when number = 0 and tg_op <> 'TRUNCATE';
      insert into agentmux.watch_changes (watch_id, kind, number, rows, maker, agent, due)
      values (watch.id, tg_op, number, chosen, coalesce(maker, 'the role ' || case when role = 'none' then session_user else role end), agent,
        watch.due_at <= clock_timestamp() or watch.due_at > clock_timestamp() + watch.pause);
    end;
  end loop;
  return null;
end $$;

insert into agentmux.migrations (version) values ('20261206000000');
