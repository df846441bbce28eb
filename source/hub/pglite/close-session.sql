revoke execute on function pg_catalog.set_config(text, text, boolean), pg_catalog.pg_prepared_statement() from public;
grant execute on function pg_catalog.set_config(text, text, boolean) to anon, authenticated, service_role
