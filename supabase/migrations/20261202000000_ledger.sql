-- Which of these files were applied to a database. Each file adds its version, no matter whether the hub, `supabase db push` or
-- psql runs it. The Supabase CLI's own list (supabase_migrations) also contains migrations that others pushed.
--
-- These files can be run over existing objects, as happens once in an older database: see supabase/former.

do $$
begin
  if to_regproc('public.mux_tag') is not null then
    raise exception using message = 'this database was created by a version of agentmux from before 2 December 2026',
      hint = 'First run: supabase db push --workdir supabase/former';
  end if;
end $$;

-- Supabase already has these roles; on a plain PostgreSQL they are created here.
do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin; end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin; end if;
  if not exists (select from pg_roles where rolname = 'service_role') then create role service_role nologin; end if;
end $$;
grant usage on schema public to anon, authenticated, service_role;

-- A private schema: clients cannot name anything in it, and PostgREST does not expose it.
create schema if not exists agentmux;
revoke all on schema agentmux from public;

create table if not exists agentmux.migrations (
  version text not null constraint migrations_pkey primary key,
  applied_at timestamptz not null default clock_timestamp()
);
revoke all on agentmux.migrations from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261202000000');
