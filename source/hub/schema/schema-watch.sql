-- What hosted Supabase has too: each change of the schema is told to the REST room, which then reads the catalog again. Without it
-- (the owner of a foreign database may not create event triggers) only what a lookup misses is noticed. May run again; the schema
-- `extensions` must be there.

create or replace function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
	if exists (select from pg_catalog.pg_event_trigger_ddl_commands() where schema_name is distinct from 'pg_temp') then
		notify pgrst, 'reload schema';
	end if;
end $$;
create or replace function extensions.pgrst_drop_watch() returns event_trigger language plpgsql as $$
begin
	if exists (select from pg_catalog.pg_event_trigger_dropped_objects() where not is_temporary) then
		notify pgrst, 'reload schema';
	end if;
end $$;
do $$
begin
	if not exists (select from pg_catalog.pg_event_trigger where evtname = 'pgrst_ddl_watch') then
		create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
	end if;
	if not exists (select from pg_catalog.pg_event_trigger where evtname = 'pgrst_drop_watch') then
		create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();
	end if;
exception when insufficient_privilege then
	raise notice 'no event triggers: the REST room learns of a changed schema by what it misses';
end $$;
