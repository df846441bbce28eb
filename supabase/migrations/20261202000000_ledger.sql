-- Which of these files a database has. Each adds its own name, whoever runs it: the hub, `supabase db push` or psql. The Supabase
-- CLI's own list (supabase_migrations) holds what anybody else pushed, too.
--
-- All of these files can run again, and do so once over a database of before them: see supabase/former.

do $$
begin
  if to_regproc('public.mux_tag') is not null then
    raise exception using message = 'this database was made by an agentmux of before 2 December 2026',
      hint = 'First run: supabase db push --workdir supabase/former';
  end if;
end $$;

-- Supabase has these roles already; a plain PostgreSQL gets them here.
do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin; end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin; end if;
  if not exists (select from pg_roles where rolname = 'service_role') then create role service_role nologin; end if;
end $$;
grant usage on schema public to anon, authenticated, service_role;

-- What is ours alone: no client names anything in it, and PostgREST does not show it.
create schema if not exists agentmux;
revoke all on schema agentmux from public;

create table if not exists agentmux.migrations (
  version text not null constraint migrations_pkey primary key,
  applied_at timestamptz not null default clock_timestamp()
);
revoke all on agentmux.migrations from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261202000000');
