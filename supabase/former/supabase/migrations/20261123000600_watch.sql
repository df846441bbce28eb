-- Monitor and responder: a trigger that posts each change of a table as a message, and what Realtime publishes.

-- `[SYSTEM] orders INSERT {...} @RESPONDER`. The row's text can hold anything: an @NAME in it is written as JSON's \u0040,
-- so that data addresses nobody, and it is cut to what a message takes.
create function public.mux_watch() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  source text := case when tg_table_schema = 'public' then tg_table_name else tg_table_schema || '.' || tg_table_name end;
  changed text := regexp_replace(case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end::text,
    '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\\u0040', 'g');
  before text := coalesce(current_setting('agentmux.author', true), '');
begin
  if char_length(changed) > 60000 then changed := left(changed, 60000) || '…'; end if;
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content) values (format('[SYSTEM] %s %s %s @%s', source, tg_op, changed, tg_argv[0]));
  perform set_config('agentmux.author', before, true);
  return null;
end $$;

-- Creates a trigger as the owner: for humans, the service role and the owner. Humans watch tables of their own in public;
-- nobody watches messages, which would post without end.
create function public.watch_table(p_table text, p_to_tag text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target regclass;
  found record;
  human boolean := coalesce((select kind = 'human' from public.mux_identity()), false);
  limited boolean := current_setting('role') in ('anon', 'authenticated');
begin
  perform public.mux_guard();
  if limited and not human then
    raise exception using errcode = '42501', message = 'only a human may watch tables';
  end if;
  if p_to_tag collate "C" !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' or p_to_tag is null then
    raise exception using errcode = '22023', message = format('%L is no tag', p_to_tag),
      hint = 'A letter, then up to 31 letters, digits, _ or -.';
  end if;
  target := to_regclass(p_table);
  select c.oid, c.relkind, c.relpersistence, n.nspname, c.relname into found
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = target;
  if target is null or (limited and found.nspname <> 'public') then
    raise exception using errcode = '42P01', message = format('there is no table %L', p_table);
  end if;
  if found.relkind not in ('r', 'p') or found.relpersistence = 't' or target = 'public.messages'::regclass then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target);
  end if;
  execute format('create or replace trigger %I after insert or update or delete on %s for each row execute function public.mux_watch(%L)',
    'mux_watch_' || lower(p_to_tag), target, p_to_tag);
end $$;

revoke all on function public.mux_watch(), public.watch_table(text, text) from public, anon, authenticated, service_role;
grant execute on function public.watch_table(text, text) to authenticated, service_role;

-- Supabase and the hub create the publication; a plain PostgreSQL has none. One for all tables has ours already.
do $$
declare
  ours text;
begin
  if exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
    foreach ours in array array['messages', 'tasks', 'agents', 'receipts'] loop
      if not exists (select from pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = ours) then
        execute format('alter publication supabase_realtime add table public.%I', ours);
      end if;
    end loop;
  end if;
end $$;
