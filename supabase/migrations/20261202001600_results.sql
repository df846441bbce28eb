-- Reading tables that are not ours, such as results of tasks.

-- Reads a table without claims, as a role without rights in the mailbox, in a transaction that is read-only from then on: a view,
-- policy or function of the table can do no harm.
create or replace function agentmux.read_as_nobody(p_table text, p_limit int) returns setof json
language plpgsql stable security definer
set search_path = public as $$
begin
  -- That cannot be taken back in this transaction.
  perform set_config('transaction_read_only', 'on', true),
    set_config('request.jwt.claims', '', true), set_config('request.headers', '', true);
  return query execute format('select row_to_json(t) from public.%I as t limit $1', p_table) using p_limit;
end $$;

-- The first rows of a table or view in public.
create or replace function public.result_rows(p_table text, p_limit int default 100) returns setof json
language plpgsql stable security definer set search_path = '' as $$
declare
  claims text := current_setting('request.jwt.claims', true);
  headers text := current_setting('request.headers', true);
begin
  perform public.mux_guard();
  if p_table is null then raise exception using errcode = '22023', message = 'no table is named'; end if;
  if agentmux.acting_role() is not null then
    raise exception using errcode = '42501', message = 'result_rows is not for SQL', hint = 'Select from the table.';
  end if;
  return query select r from agentmux.read_as_nobody(p_table, least(greatest(coalesce(p_limit, 100), 1), 1000)) as r;
  perform pg_catalog.set_config('request.jwt.claims', claims, true), pg_catalog.set_config('request.headers', headers, true);
end $$;

-- If the owner may not create the role, tables are read as the caller, but also read-only and without claims.
do $$
begin
  if not exists (select from pg_roles where rolname = 'result_reader') then create role result_reader nologin; end if;
  grant authenticated to result_reader;
  execute format('grant result_reader to %I', current_user);
  grant usage on schema public to result_reader;
  grant create on schema agentmux to result_reader;
  alter function agentmux.read_as_nobody(text, int) owner to result_reader;
  revoke create on schema agentmux from result_reader;
exception when insufficient_privilege then
  raise notice 'no role result_reader: %', sqlerrm;
  alter function agentmux.read_as_nobody(text, int) security invoker;
  grant usage on schema agentmux to authenticated, service_role;
  alter function public.result_rows(text, int) security invoker;
end $$;

insert into agentmux.migrations (version) values ('20261202001600');
