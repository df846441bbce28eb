-- What a Supabase project has before the first migration: its roles, the auth functions that policies call, the publication, and
-- the table in which the CLI records migrations. May run again at any time, as the owner.

do $$
declare
	name text;
	-- PostgreSQL 16 and later let whoever made a role grant it, but not yet take it.
	taking text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
	foreach name in array array['anon', 'authenticated', 'service_role'] loop
		if not exists (select from pg_roles where rolname = name) then
			execute format('create role %I nologin noinherit', name);
		end if;
		if not pg_has_role(name, taking) then
			execute format('grant %I to current_user', name);
		end if;
	end loop;
	if exists (select from pg_roles where rolname = 'service_role' and not rolbypassrls) then
		alter role service_role bypassrls;
	end if;
	-- What only the management calls read with; a server whose owner may not make it does without.
	begin
		if not exists (select from pg_roles where rolname = 'supabase_read_only_user') then
			create role supabase_read_only_user nologin bypassrls;
			grant pg_read_all_data to supabase_read_only_user;
		end if;
		if not pg_has_role('supabase_read_only_user', taking) then
			grant supabase_read_only_user to current_user;
		end if;
	exception when insufficient_privilege then
		raise notice 'no supabase_read_only_user';
	end;
	-- Whom a PostgREST beside the hub would connect as.
	begin
		if not exists (select from pg_roles where rolname = 'authenticator') then
			create role authenticator nologin noinherit;
			grant anon, authenticated, service_role to authenticator;
		end if;
	exception when insufficient_privilege then
		raise notice 'no authenticator';
	end;
	if not exists (select from pg_publication where pubname = 'supabase_realtime') then
		create publication supabase_realtime;
	end if;
end $$;
grant usage on schema public to anon, authenticated, service_role;

create schema if not exists auth;
grant usage on schema auth to anon, authenticated, service_role;
create or replace function auth.jwt() returns jsonb language sql stable as $$
	select nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
create or replace function auth.uid() returns uuid language sql stable as $$
	select nullif(auth.jwt() ->> 'sub', '')::uuid
$$;
create or replace function auth.role() returns text language sql stable as $$
	select auth.jwt() ->> 'role'
$$;

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;

create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (
	version text not null primary key,
	statements text[],
	name text
);
-- As hosted projects have it: who recorded it through the management calls.
alter table supabase_migrations.schema_migrations add column if not exists created_by text;
