-- The time as 14 digits, and never one that is taken.
select greatest(
	to_char(now() at time zone 'utc', 'YYYYMMDDHH24MISS'),
	to_char(to_timestamp(max(version), 'YYYYMMDDHH24MISS') + interval '1 second', 'YYYYMMDDHH24MISS')
) as version from supabase_migrations.schema_migrations where version ~ '^\d{14}$'
