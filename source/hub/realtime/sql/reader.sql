select c.oid::text as oid, (
	select coalesce(json_agg(a.attname), '[]')::text from pg_attribute a
	where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and has_column_privilege(r.oid, c.oid, a.attnum, 'select')
) as columns, (
	not c.relrowsecurity or r.rolsuper or r.rolbypassrls or (
		select bool_or(p.polpermissive and pg_get_expr(p.polqual, c.oid) = 'true') and bool_and(p.polpermissive)
		from pg_policy p
		where p.polrelid = c.oid and p.polcmd in ('r', '*')
			and exists (select from unnest(p.polroles) member where member = 0 or pg_has_role(r.oid, member, 'usage'))
	)
) is true as sees, case when c.relrowsecurity and not pg_has_role(r.oid, c.relowner, 'usage') then (
	-- The same for all rows if no policy looks at the row, another table, or what changes within a statement.
	select case when coalesce(bool_and(
			p.polqual::text !~ '\{(VAR|RTE|RANGETBLENTRY)\M' and not exists (
				select from regexp_matches(p.polqual::text, ':(?:op)?funcid (\d+)', 'g') as used(ids)
				join pg_proc f on f.oid = used.ids[1]::oid where f.provolatile = 'v'
			)
		), true) then
			concat_ws(' and ',
				'(' || coalesce(string_agg('(' || pg_get_expr(p.polqual, c.oid) || ')', ' or ') filter (where p.polpermissive), 'false') || ')',
				string_agg('(' || pg_get_expr(p.polqual, c.oid) || ')', ' and ') filter (where not p.polpermissive))
		end
	from pg_policy p
	where p.polrelid = c.oid and p.polcmd in ('r', '*')
		and exists (select from unnest(p.polroles) member where member = 0 or pg_has_role(r.oid, member, 'usage'))
) end as rule
from pg_roles r
left join pg_publication_tables pt on pt.pubname = 'supabase_realtime'
left join pg_namespace n on n.nspname = pt.schemaname
left join pg_class c on c.relnamespace = n.oid and c.relname = pt.tablename
where r.rolname = $1::text
