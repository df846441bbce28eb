-- One request never holds the others: locks that no SQL of an agent can name, and signs of life that are all counted.

-- Whose turn it is: locked as tables, which nobody else can. The keys of advisory locks are known to everyone, and whoever
-- runs SQL can take them.
create table agentmux.task_turn ();
create table agentmux.seal_turn ();
create table agentmux.agent_role_turn ();
revoke all on agentmux.task_turn, agentmux.seal_turn, agentmux.agent_role_turn from public, anon, authenticated, service_role;

-- As before, with a lock of our own. Security definer: whose functions call it may do nothing in that schema.
create or replace function public.mux_take_turn() returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  lock table agentmux.task_turn in exclusive mode;
end $$;

-- As before, with a lock of our own. Adds at most so many seals; whether there may be more to seal. One at a time.
create or replace function agentmux.seal(p_seals int) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  last agentmux.seals;
  added int;
begin
  lock table agentmux.seal_turn in exclusive mode;
  for turn in 1..p_seals loop
    select s.* into last from agentmux.seals as s order by s.seq desc limit 1;
    insert into agentmux.seals (seq, xid, id, hash, entries)
    select coalesce(last.seq, 0) + 1,
      (array_agg(l.xid order by l.xid desc, l.id desc))[1], (array_agg(l.id order by l.xid desc, l.id desc))[1],
      sha256(coalesce(last.hash, '') || string_agg(l.leaf, '' order by l.xid, l.id)),
      string_agg(int8send(l.id) || substr(l.leaf, 1, 4), '' order by l.xid, l.id)
    from agentmux.leaves(coalesce(last.xid, '0'), coalesce(last.id, -9223372036854775808),
      pg_snapshot_xmin(pg_current_snapshot()), -9223372036854775808, 1000, 4000000) as l
    having count(*) > 0;
    get diagnostics added = row_count;
    if added = 0 then return false; end if;
  end loop;
  return true;
end $$;

-- As before, with a lock of our own. The role of an agent, made at its first statement, and again where it is missing: roles are not part of a dump. One that
-- somebody else made, or that may do more than these do, is left alone for the next name.
create or replace function agentmux.agent_role(p_tag text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  folded text := upper(p_tag collate "C");
  known text := (select r.role from agentmux.agent_roles as r where r.tag = folded);
  number int := 1;
  name text;
  body text;
begin
  if known is not null and exists (
    select from pg_catalog.pg_proc as p
    join pg_catalog.pg_roles as r on r.oid = p.proowner and r.rolname = known
    where p.oid = to_regprocedure(format('agentmux.%I(text, text[])', known)) and p.prosecdef
  ) then
    return known;
  end if;
  -- Two first statements at once; and two databases of one server, which share their roles.
  lock table agentmux.agent_role_turn in exclusive mode;
  name := coalesce(known, 'agent_' || folded);
  loop
    begin
      if not exists (select from pg_catalog.pg_roles as r where r.rolname = name) then
        execute format('create role %I nologin', name);
      elsif exists (
        select from pg_catalog.pg_roles as r
        where r.rolname = name and (r.rolsuper or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication
          or exists (
            select from pg_catalog.pg_auth_members as m
            where m.member = r.oid and m.roleid <> 'authenticated'::regrole
          ))
      ) then
        raise insufficient_privilege;
      end if;
      execute format('grant authenticated to %I', name);
      execute format('grant %I to %I', name, current_user);
      execute format('grant usage, create on schema public to %I', name);
      select p.prosrc into body from pg_catalog.pg_proc as p where p.oid = 'agentmux.run_statement(text, text[])'::regprocedure;
      execute format('drop function if exists agentmux.%I(text, text[])', name);
      execute format('create function agentmux.%I(p_query text, p_parameters text[]) returns setof json
        language plpgsql security definer set search_path = public as %L', name, body);
      execute format('revoke all on function agentmux.%I(text, text[]) from public, anon, authenticated, service_role', name);
      -- A function is given only to a role that may create where it is.
      execute format('grant create on schema agentmux to %I', name);
      execute format('alter function agentmux.%I(text, text[]) owner to %I', name, name);
      execute format('revoke create on schema agentmux from %I', name);
      exit;
    exception when insufficient_privilege or duplicate_object or unique_violation then
      number := number + 1;
      if known is not null or number > 3 then
        raise exception using errcode = '42501', message = 'this database cannot give agents SQL of their own',
          detail = sqlerrm,
          hint = format('Its owner, %s, must be allowed to make roles and to grant them authenticated: alter role %1$I createrole; grant authenticated to %1$I with admin option.', current_user);
      end if;
      name := format('agent_%s_%s', folded, number);
    end;
  end loop;
  insert into agentmux.agent_roles as r (tag, role) values (folded, name) on conflict (tag) do update set role = excluded.role;
  return name;
end $$;

-- As before, but of many first sessions at once none is forgotten.
create or replace function public.agent_touch(p_presence text default null, p_role text default null, p_session text default null,
  p_wake text default null) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  folded text := upper(me collate "C");
  live record;
  touched public.agents;
begin
  -- Locked, so that of two sessions that come or go at once the second counts the first. A row that is not there cannot be
  -- locked: of many first ones at once each would count itself alone. So it is made first.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  if not found then
    insert into public.agents as a (tag, kind, role, presence, last_seen_at)
    select me, i.kind, p_role, coalesce(p_presence, 'idle'), clock_timestamp() from public.mux_identity() as i
    -- By whichever of its two unique indexes the other is met first.
    on conflict do nothing;
    if found then
      -- What was written to everyone before now is none of its business: its inbox begins here, or at its first mention.
      perform public.mux_advance(me);
    else
      perform from public.agents as a where upper(a.tag collate "C") = folded for update;
    end if;
  end if;
  if p_presence = 'away' then
    delete from public.agent_sessions as s where s.tag = folded and s.session = p_session;
  elsif p_session is not null then
    insert into public.agent_sessions as s (tag, session, presence, wake)
    values (folded, p_session, coalesce(p_presence, 'idle'), nullif(p_wake, 'none'))
    on conflict (tag, session) do update set
      presence = coalesce(p_presence, s.presence),
      wake = case when p_wake is null then s.wake else excluded.wake end,
      seen_at = clock_timestamp();
  end if;
  delete from public.agent_sessions as s where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  select count(*)::int as sessions, min(s.wake) as wake,
    case when bool_or(s.presence = 'working') then 'working' when bool_or(s.presence = 'blocked') then 'blocked'
      when count(*) > 0 then 'idle' end as presence
  into live from public.agent_sessions as s where s.tag = folded;
  insert into public.agents as a (tag, kind, role, presence, last_seen_at, sessions, wake)
  select me, i.kind, p_role, coalesce(live.presence, p_presence, 'idle'), clock_timestamp(), live.sessions, live.wake
  from public.mux_identity() as i
  on conflict (upper(tag collate "C")) do update set
    kind = case when (select verified from public.mux_identity()) then excluded.kind else a.kind end,
    role = coalesce(p_role, a.role),
    presence = coalesce(live.presence, p_presence, a.presence),
    last_seen_at = excluded.last_seen_at,
    sessions = excluded.sessions,
    wake = excluded.wake
  returning a.* into touched;
  return touched;
end $$;

revoke all on function public.mux_take_turn() from public, anon, authenticated, service_role;
