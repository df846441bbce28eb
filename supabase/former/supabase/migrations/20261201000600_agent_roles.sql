-- One agent's SQL holds up no other's. Some functions of long texts (translate, strpos) never look whether they are cancelled,
-- so a statement can run for minutes, and with it its transaction and all that this has locked.

-- Whether the SQL of an agent can run as that role.
create function agentmux.runs_sql(p_role text) returns boolean
language sql stable strict set search_path = '' as $$
  select exists (
    select from pg_catalog.pg_proc as p
    join pg_catalog.pg_roles as r on r.oid = p.proowner and r.rolname = p_role
    where p.oid = to_regprocedure(format('agentmux.%I(text, text[])', p_role)) and p.prosecdef
  )
$$;

-- As before, but in a transaction of its own, by mux_make_role: to make a role locks what every other one needs, until the end
-- of the transaction. It is made again where it is missing: roles are not part of a dump. One that somebody else made, or that
-- may do more than these do, is left alone for the next name.
create function agentmux.make_agent_role(p_tag text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  folded text := upper(p_tag collate "C");
  known text;
  number int := 1;
  tries int := 0;
  name text;
  body text;
begin
  if exists (select from agentmux.agent_roles as r where r.tag = folded and agentmux.runs_sql(r.role)) then return; end if;
  -- First its own row: what holds that is not to be waited for in the turn of everyone.
  perform from agentmux.agent_roles as r where r.tag = folded for update;
  -- Two first statements at once; and two databases of one server, which share their roles.
  lock table agentmux.agent_role_turn in exclusive mode;
  known := (select r.role from agentmux.agent_roles as r where r.tag = folded);
  if agentmux.runs_sql(known) then return; end if;
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
    exception
      when internal_error then
        -- "tuple concurrently updated": somebody else changed the rights on a schema at that moment.
        tries := tries + 1;
        if tries = 5 then raise; end if;
      when insufficient_privilege or duplicate_object or unique_violation then
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
end $$;

-- Makes the role in the database that the SQL of the calling agent needs, where there is none yet. A call of its own, so that
-- nothing else is in its transaction.
create function public.mux_make_role() returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
begin
  if public.mux_acting() is not null or not exists (select from public.mux_identity() as i where i.kind = 'agent' and i.verified) then
    raise exception using errcode = '42501', message = 'this is for agents, who come with a token of their own, and not for SQL';
  end if;
  perform agentmux.make_agent_role(me);
end $$;

-- As before, but makes no role, and locks it until the transaction ends: one statement of an agent runs at a time. So one that
-- cannot be cancelled runs once, whatever the program that asked for it does, and the agent's next ones are refused until it ends.
create or replace function agentmux.agent_role(p_tag text) returns text
language plpgsql security definer set search_path = '' set lock_timeout = '1s' as $$
declare
  known text;
begin
  select r.role into known from agentmux.agent_roles as r where r.tag = upper(p_tag collate "C") for update;
  if known is null or not agentmux.runs_sql(known) then
    raise exception using errcode = 'PT428', message = format('%s has no role in the database yet', p_tag),
      hint = 'Call mux_make_role() once, by itself, then this again.';
  end if;
  return known;
exception when lock_not_available then
  raise exception using errcode = 'PT429', message = format('an earlier statement of %s is still running', p_tag),
    detail = 'An agent runs one at a time, and some functions of long texts cannot be cancelled.',
    hint = 'Wait until it ends, then ask for less at once. Sending messages and reading the inbox work meanwhile.';
end $$;

revoke all on function agentmux.runs_sql(text), agentmux.make_agent_role(text), public.mux_make_role()
  from public, anon, authenticated, service_role;
grant execute on function public.mux_make_role() to authenticated;
