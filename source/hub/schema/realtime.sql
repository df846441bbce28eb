-- What realtime needs inside the database, besides roles and the publication `supabase_realtime`: run as the owner, after them, as
-- often as one likes.
--
-- Change capture: each table of the publication gets a row trigger that NOTIFYs; an event trigger attaches it as the publication
-- and the tables change. Notices on channel `realtime` (source/hub/realtime/notice.ts reads them), each behind the key of this
-- database and a space, since anyone may NOTIFY:
--
--     c <relation oid> <I|U|D> <ms since 1970> <nth byte of the transaction> <bytes of the row, 0 when whole>\n<new>\n<old>
--     b <private t|f> <id>\n<topic as JSON>\n<event as JSON>\n<payload>      payload is absent when it is large
--     ddl
--
-- A NOTIFY of 8,000 bytes aborts the transaction, so a larger row is announced by its key alone and read back; so is every further
-- row of a transaction that announced 4 MB, which NOTIFY would keep in memory.

create schema if not exists realtime;
grant usage on schema realtime to anon, authenticated, service_role;

create table if not exists realtime.messages (
	topic text not null,
	extension text not null,
	payload jsonb,
	event text,
	private boolean default false,
	updated_at timestamp not null default now(),
	inserted_at timestamp not null default now(),
	id uuid not null default gen_random_uuid(),
	primary key (id, inserted_at)
);
create index if not exists messages_by_topic on realtime.messages (topic, inserted_at desc) where private;
create index if not exists messages_by_age on realtime.messages (inserted_at);
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

create table if not exists realtime.notice_key (
	one boolean primary key default true check (one),
	key text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
);
insert into realtime.notice_key default values on conflict do nothing;
revoke all on realtime.notice_key from public, anon, authenticated, service_role;

create or replace function realtime.notify(notice text) returns void language sql set search_path = ''
as $$ select pg_notify('realtime', k.key || ' ' || notice) from realtime.notice_key as k $$;

create or replace function realtime.topic() returns text language sql stable
as $$ select nullif(current_setting('realtime.topic', true), '') $$;

create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$
declare
	v_id uuid := gen_random_uuid();
begin
	insert into realtime.messages (id, topic, extension, event, private, payload)
	values (v_id, topic, 'broadcast', event, private,
		case when jsonb_typeof(payload) = 'object' and not payload ? 'id' then payload || jsonb_build_object('id', v_id) else payload end);
end $$;

-- The transaction's bytes so far, which also make each notice unique: NOTIFY drops repetitions.
create or replace function realtime.spend(bytes int) returns int language plpgsql set search_path = '' as $$
declare
	v_spent text := current_setting('realtime.spent', true);
	v_before int := case when v_spent ~ '^[0-9]{1,9}$' then v_spent::int else 0 end;
begin
	perform set_config('realtime.spent', least(v_before + greatest(bytes, 1), 999999999)::text, true);
	return v_before;
end $$;

create or replace function realtime.capture_change() returns trigger
language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
	v_new jsonb;
	v_old jsonb;
	v_head text;
	v_text text;
	v_bytes int;
	v_spent int;
begin
	if tg_op <> 'DELETE' then v_new := to_jsonb(new); end if;
	if tg_op <> 'INSERT' then
		v_old := to_jsonb(old);
		if tg_argv[0] = 'key' then
			v_old := (select coalesce(jsonb_object_agg(k, v_old -> k), '{}') from unnest(tg_argv[2:]) k);
		end if;
	end if;
	v_text := E'\n' || coalesce(v_new::text, '') || E'\n' || coalesce(v_old::text, '');
	v_bytes := octet_length(v_text);
	v_spent := realtime.spend(v_bytes);
	v_head := 'c ' || tg_relid || ' ' || left(tg_op, 1) || ' ' || (extract(epoch from clock_timestamp()) * 1000)::bigint || ' ' || v_spent || ' ';
	if v_bytes < 7800 and v_spent < 4000000 then
		perform realtime.notify(v_head || 0 || v_text);
	else
		v_new := (select jsonb_object_agg(k, v_new -> k) from unnest(tg_argv[2:]) k where v_new is not null);
		v_old := (select jsonb_object_agg(k, v_old -> k) from unnest(tg_argv[2:]) k where v_old is not null);
		v_text := E'\n' || coalesce(v_new::text, '') || E'\n' || coalesce(v_old::text, '');
		perform realtime.notify(v_head || v_bytes || case when octet_length(v_text) < 7800 then v_text else E'\n\n' end);
	end if;
	return null;
exception when others then
	raise warning 'realtime: this change is not announced: %', sqlerrm;
	return null;
end $$;

create or replace function realtime.capture_message() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
	v_head text := 'b ' || case when new.private then 't' else 'f' end || ' ' || new.id || E'\n';
	v_text text := to_json(new.topic)::text || E'\n' || coalesce(to_json(new.event)::text, 'null') || E'\n' || coalesce(new.payload::text, '{}');
begin
	if new.extension = 'broadcast' then
		perform realtime.notify(v_head || case when octet_length(v_text) < 7800 and realtime.spend(octet_length(v_text)) < 4000000 then v_text else '' end);
	end if;
	return null;
exception when others then
	raise warning 'realtime: this message is not announced: %', sqlerrm;
	return null;
end $$;
create or replace trigger "0_realtime" after insert on realtime.messages for each row execute function realtime.capture_message();

-- Attaches, renews and removes the triggers. Their arguments: identity, events, then the columns that identify a row.
create or replace function realtime.sync_capture() returns void
language plpgsql security definer set search_path = '' as $$
declare
	r record;
begin
	for r in
		with wanted as (
			select c.oid as relation, array[case c.relreplident when 'f' then 'full' else 'key' end,
				concat_ws(' or ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end)]
				|| coalesce((
					select array_agg(a.attname::text order by k.nth)
					from pg_catalog.pg_index i, unnest(i.indkey::int2[]) with ordinality k(attnum, nth), pg_catalog.pg_attribute a
					where i.indrelid = c.oid and a.attrelid = c.oid and a.attnum = k.attnum
						and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end
				), '{}') as arguments
			from pg_catalog.pg_publication p
			join pg_catalog.pg_publication_tables t on t.pubname = p.pubname
			join pg_catalog.pg_namespace n on n.nspname = t.schemaname
			join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
			where p.pubname = 'supabase_realtime' and c.relkind = 'r' and n.nspname <> 'realtime'
				and (p.pubinsert or p.pubupdate or p.pubdelete)
		), present as (
			select tgrelid as relation, encode(tgargs, 'escape') as arguments
			from pg_catalog.pg_trigger where tgname = '0_realtime' and not tgisinternal and tgrelid <> 'realtime.messages'::regclass
		)
		select coalesce(w.relation, p.relation)::regclass as relation, w.arguments
		from wanted w full join present p using (relation)
		where w.relation is null or p.relation is null or p.arguments <>
			(select string_agg(encode(convert_to(a, 'UTF8'), 'escape') || '\000', '' order by n) from unnest(w.arguments) with ordinality x(a, n))
	loop
		if r.arguments is null then
			execute format('drop trigger "0_realtime" on %s', r.relation);
		else
			execute format('create or replace trigger "0_realtime" after %s on %s for each row execute function realtime.capture_change(%s)',
				r.arguments[2], r.relation, (select string_agg(quote_literal(a), ', ' order by n) from unnest(r.arguments) with ordinality x(a, n)));
		end if;
	end loop;
end $$;

create or replace function realtime.notice_ddl() returns event_trigger
language plpgsql security definer set search_path = '' as $$
begin
	perform realtime.notify('ddl');
	if tg_tag in ('CREATE PUBLICATION', 'ALTER PUBLICATION', 'DROP PUBLICATION', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') then
		perform realtime.sync_capture();
	end if;
exception when others then
	raise warning 'realtime: the triggers of the publication are not renewed: %', sqlerrm;
end $$;
do $$
begin
	drop event trigger if exists realtime_ddl;
	create event trigger realtime_ddl on ddl_command_end execute function realtime.notice_ddl();
exception when insufficient_privilege then
	raise notice 'no event trigger: whoever changes the publication calls realtime.sync_capture()';
end $$;

-- Which of the rows (objects of the key, and "#" to name them) each viewer ({role, claims}) sees under row level security.
-- One policy that fails hides the rows from its viewer alone.
create or replace function realtime.audience(p_relation regclass, p_rows jsonb, p_viewers jsonb)
returns table (viewer int, seen int[]) language plpgsql as $$
declare
	v_role text := current_setting('role');
	v_claims text := current_setting('request.jwt.claims', true);
	v_query text;
	v_planned text;
	v record;
begin
	select format('prepare realtime_audience (jsonb) as select array_agg(k."#") from pg_catalog.jsonb_to_recordset($1) as k("#" int, %s) join %s t on %s',
		string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '), p_relation,
		string_agg(format('t.%1$I = k.%1$I', a.attname), ' and '))
	into v_query
	from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
	where i.indrelid = p_relation and i.indisprimary;
	-- Planned once for each role: policies see the claims as they run.
	perform set_config('plan_cache_mode', 'force_generic_plan', true);
	for v in
		select e.nth - 1 as nth, e.viewer ->> 'role' as role, e.viewer ->> 'claims' as claims
		from pg_catalog.jsonb_array_elements(p_viewers) with ordinality as e(viewer, nth) order by 2
	loop
		begin
			perform set_config('request.jwt.claims', v.claims, true), set_config('role', v.role, true);
			if v_planned is distinct from v.role then
				if v_planned is not null then deallocate realtime_audience; end if;
				v_planned := null;
				execute v_query;
				v_planned := v.role;
			end if;
			execute format('execute realtime_audience(%L)', p_rows) into seen;
		exception when others then
			seen := null;
		end;
		perform set_config('role', v_role, true), set_config('request.jwt.claims', v_claims, true);
		viewer := v.nth;
		return next;
	end loop;
	if v_planned is not null then deallocate realtime_audience; end if;
end $$;

-- Whether each viewer ({role, claims}) passes a rule: the policies of a table that do not look at its rows. Null: it failed.
create or replace function realtime.permitted(p_rule text, p_viewers jsonb)
returns boolean[] language plpgsql as $$
declare
	v_role text := current_setting('role');
	v_claims text := coalesce(current_setting('request.jwt.claims', true), '');
	v_planned text;
	v_may boolean;
	v_all boolean[] := '{}';
	v record;
begin
	for v in
		select e.viewer ->> 'role' as role, e.viewer ->> 'claims' as claims
		from pg_catalog.jsonb_array_elements(p_viewers) with ordinality as e(viewer, nth) order by e.nth
	loop
		begin
			if v_planned is distinct from v.role then
				if v_planned is not null then deallocate realtime_rule; end if;
				v_planned := null;
				-- Parsed as the owner: as in a policy, a viewer needs the right to execute a function, but not the one to use its schema.
				execute 'prepare realtime_rule as select (' || p_rule || ') is true';
				v_planned := v.role;
			end if;
			perform set_config('request.jwt.claims', v.claims, true), set_config('role', v.role, true);
			execute 'execute realtime_rule' into v_may;
		exception when others then
			v_may := null;
			v_planned := null;
			begin
				deallocate realtime_rule;
			exception when others then
				null; -- it was not prepared
			end;
		end;
		perform set_config('role', v_role, true), set_config('request.jwt.claims', v_claims, true);
		v_all := v_all || v_may;
	end loop;
	if v_planned is not null then deallocate realtime_rule; end if;
	return v_all;
end $$;

-- What a token may do on a private channel, by the policies of realtime.messages: tried on rows that are rolled back.
create or replace function realtime.channel_rights(p_topic text, p_role text, p_claims text)
returns table (read_broadcast boolean, read_presence boolean, write_broadcast boolean, write_presence boolean)
language plpgsql as $$
declare
	v_role text := current_setting('role');
	v_claims text := current_setting('request.jwt.claims', true);
	v_extension text;
	v_probe uuid := gen_random_uuid();
	v_probe_2 uuid := gen_random_uuid();
begin
	read_broadcast := false; read_presence := false; write_broadcast := false; write_presence := false;
	begin
		perform set_config('realtime.topic', p_topic, true);
		insert into realtime.messages (id, topic, extension, private) values (v_probe, p_topic, 'broadcast', true), (v_probe_2, p_topic, 'presence', true);
		perform set_config('request.jwt.claims', p_claims, true), set_config('role', p_role, true);
		select coalesce(bool_or(extension = 'broadcast'), false), coalesce(bool_or(extension = 'presence'), false)
		into read_broadcast, read_presence from realtime.messages where id in (v_probe, v_probe_2);
		foreach v_extension in array array['broadcast', 'presence'] loop
			begin
				insert into realtime.messages (topic, extension, private) values (p_topic, v_extension, true);
				if v_extension = 'broadcast' then write_broadcast := true; else write_presence := true; end if;
			exception when others then
				null; -- no right is the answer
			end;
		end loop;
		raise exception using errcode = 'RT000';
	exception
		when sqlstate 'RT000' then null;
		when others then read_broadcast := false; read_presence := false;
	end;
	return next;
end $$;

-- PostgreSQL 18 refuses to update a table of full replica identity whose generated columns are not published; earlier
-- ones, and hosted projects, do not.
do $$
begin
	if current_setting('server_version_num')::int >= 180000 and exists (select from pg_publication where pubname = 'supabase_realtime') then
		alter publication supabase_realtime set (publish_generated_columns = stored);
	end if;
end $$;

revoke all on function realtime.spend, realtime.notify, realtime.sync_capture, realtime.audience, realtime.permitted, realtime.channel_rights from public;
select realtime.sync_capture();
