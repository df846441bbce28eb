create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.setup_turn ();
do $$ begin
	execute (
		select format('grant all on supabase_migrations.setup_turn to %s', nspowner::regrole)
		from pg_namespace where nspname = 'supabase_migrations'
	);
end $$
