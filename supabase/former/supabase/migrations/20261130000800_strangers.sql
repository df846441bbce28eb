-- Two ways in which an agent reached past what is its own: by a step that it added to the task of another, and by the name of
-- a table of its own that is watched.

-- A task that gets a step is a heading from then on: nobody claims it any more, and it ends with its steps. So whoever could
-- add one to another's task could end that as well, and all that waits for it. Who may is decided as for cancelling it.
create function agentmux.guard_step() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.guard_task(new.parent_id, 'add a step to');
  return new;
end $$;
revoke all on function agentmux.guard_step() from public, anon, authenticated, service_role;
create trigger tasks_before_insert_step before insert on public.tasks
  for each row when (new.parent_id is not null) execute function agentmux.guard_step();

-- A table's name as a watch says it: one that could be read as more than a name is quoted as JSON, and addresses nobody.
create function agentmux.watched_name(p_schema text, p_table text) returns text
language sql immutable strict set search_path = '' as $$
  select case when named.name ~ '^[[:alnum:]_.$ -]+$' then named.name else replace(to_json(named.name)::text, '@', '\u0040') end
  from (select case when p_schema = 'public' then p_table else p_schema || '.' || p_table end) as named (name)
$$;
revoke all on function agentmux.watched_name(text, text) from public, anon, authenticated, service_role;

-- As before, but for the table's name.
create or replace function public.mux_watch_statement() returns trigger
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
