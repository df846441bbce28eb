-- A token that is renewed stays of one chain: it says in `sid` the id (`jti`) of the first. Ending one ends its chain.

-- As before, but a token ends with its chain. `agentmux.ended_tokens` holds the ids of chains; a chain of one is its token.
create or replace function agentmux.token_holds() returns boolean
language sql stable security definer set search_path = '' as $$
  select coalesce(c.claims ->> 'iss' <> 'agentmux', true) or (
    not exists (select from agentmux.ended_tokens as t where t.jti in (c.claims ->> 'jti', c.claims ->> 'sid'))
    and (
      coalesce(c.claims #>> '{app_metadata,kind}' = 'human', false)
      or coalesce(case when jsonb_typeof(c.claims -> 'gen') = 'number' then (c.claims ->> 'gen')::numeric end, 0)
        >= agentmux.token_generation(c.claims #>> '{app_metadata,agent_tag}')
    )
  )
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb) as c (claims)
$$;

-- Agents make tables in `public`, where later migrations may want a name. Names that begin with `mux_` or `agentmux` are not
-- theirs, and relations that migrations from now on make in `public` have such names: so none fails because an agent has
-- that name already, and none takes an agent's table for its own.
create function agentmux.reserved_names(p_role oid) returns setof pg_catalog.pg_class
language sql stable set search_path = '' as $$
  select c.* from pg_catalog.pg_class as c
  where c.relowner = p_role and c.relnamespace = 'public'::regnamespace and c.relname ~ '^(mux_|agentmux)'
$$;
revoke all on function agentmux.reserved_names(oid) from public, anon, authenticated, service_role;

-- As before, but refuses names that are reserved.
create or replace function agentmux.settle_statement(p_role oid, p_others bigint) returns void
language plpgsql set search_path = '' as $$
declare
  fault text := agentmux.fault_of(p_role);
  reserved text := (select n.relname from agentmux.reserved_names(p_role) as n order by n.relname limit 1);
begin
  if fault is null and agentmux.belongings(p_role) <> p_others then
    fault := 'what an agent makes stays its own';
  end if;
  if fault is not null then
    raise exception using errcode = '42501', message = format('an agent may not do this: %s', fault),
      hint = 'Agents have tables, indexes and sequences of their own in public, without views, triggers, rules, policies, functions and deferred constraints.';
  end if;
  if reserved is not null then
    raise exception using errcode = '42939', message = format('the name %I is reserved for agentmux', reserved),
      hint = 'Choose a name that does not begin with mux_ or agentmux.';
  end if;
  perform agentmux.share_tables(p_role);
  update agentmux.acting as a set busy = false where a.xid = pg_current_xact_id();
end $$;

-- What agents have under such names gets another, and says which it had.
do $$
declare
  found record;
  name text;
begin
  for found in
    select n.relname, n.relkind, n.oid::regclass as relation, row_number() over (order by n.oid) as number
    from agentmux.agent_roles as a
    join pg_catalog.pg_roles as r on r.rolname = a.role
    cross join lateral agentmux.reserved_names(r.oid) as n
  loop
    name := format('agent_%s_%s', found.number, found.relname)::pg_catalog.name;
    execute format('alter table %s rename to %I', found.relation, name);
    if found.relkind = 'r' then
      execute format('comment on table public.%I is %L', name, format('Was %s, a name that is reserved for agentmux.', found.relname));
    end if;
  end loop;
end $$;

-- Who only ever was addressed: anybody can name tags by the thousand, and each made a channel. Tags that joined or wrote have
-- theirs; of the others, those that were named last.
create index mux_channel_authors on public.channel_entries (tag) where not mentioned;

-- As before, but of the tags that neither joined nor wrote the newest 20 that the newest 250 messages name.
create or replace function public.channels() returns table (tag text, last_id bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform public.mux_guard();
  return query
  with recursive author as (
    (select e.tag from public.channel_entries as e where not e.mentioned order by e.tag limit 1)
    union all
    select (select e.tag from public.channel_entries as e where not e.mentioned and e.tag > author.tag order by e.tag limit 1)
    from author where author.tag is not null
  ), known as (
    select author.tag as folded from author where author.tag is not null
    union
    select upper(a.tag collate "C") from public.agents as a
  ), named as (
    select upper(mention collate "C") as folded, max(m.id) as last_id
    from (select newest.id, newest.mentions from public.messages as newest order by newest.id desc limit 250) as m
    cross join lateral unnest(m.mentions) as mention
    group by 1
  ), shown as (
    select known.folded from known
    union all
    (select n.folded from named as n where not exists (select from known as k where k.folded = n.folded) order by n.last_id desc, n.folded limit 20)
  )
  select coalesce(a.tag, first.spelled), coalesce(last.message_id, 0)
  from shown
  left join lateral (select e.message_id from public.channel_entries as e
    where e.tag = shown.folded order by e.tag desc, e.message_id desc limit 1) as last on true
  left join lateral (select e.spelled from public.channel_entries as e
    where e.tag = shown.folded order by e.tag, e.message_id limit 1) as first on true
  left join public.agents as a on upper(a.tag collate "C") = shown.folded
  order by 2 desc, 1;
end $$;
