-- Who takes part: the roles, the agents, and how a request says who it is.

-- Supabase has these roles already; a plain PostgreSQL gets them here.
do $$
begin
  if not exists (select from pg_roles where rolname = 'anon') then create role anon nologin; end if;
  if not exists (select from pg_roles where rolname = 'authenticated') then create role authenticated nologin; end if;
  if not exists (select from pg_roles where rolname = 'service_role') then create role service_role nologin; end if;
end $$;

grant usage on schema public to anon, authenticated, service_role;

-- One row: which mailbox this is. Another epoch means another database, and cursors that no longer hold.
create table public.mux_meta (
  one boolean not null default true constraint mux_meta_pkey primary key constraint mux_meta_one_row check (one),
  epoch uuid not null default gen_random_uuid(),
  schema_version int not null default 1
);
insert into public.mux_meta default values;

create table public.agents (
  tag text not null constraint agents_pkey primary key
    constraint agents_tag_is_a_tag check (tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'),
  kind text not null default 'agent'
    constraint agents_kind_known check (kind in ('human', 'agent', 'system')),
  role text
    constraint agents_role_at_most_200_characters check (char_length(role) <= 200),
  presence text not null default 'idle'
    constraint agents_presence_known check (presence in ('working', 'idle', 'blocked', 'away')),
  joined_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz,
  revoked_at timestamptz,
  meta jsonb not null default '{}'
    constraint agents_meta_is_an_object check (jsonb_typeof(meta) = 'object')
);
-- Tags are compared without case; "C" because upper() of a Turkish i would differ.
create unique index agents_tag_folded on public.agents (upper(tag collate "C"));

-- Who a request is, or no row. An authenticated token is believed (its app_metadata can be written by the service role
-- alone); a service key may name the tag that it acts as, which stays unverified. The owner's plain SQL is nobody.
-- The role is read from its setting because in a security definer function current_user is the owner.
create function public.mux_identity() returns table (tag text, kind text, verified boolean)
language sql stable set search_path = '' as $$
  select named.tag, named.kind, named.verified
  from (
    select app ->> 'agent_tag', case when app ->> 'kind' = 'human' then 'human' else 'agent' end, true
    from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata') as token (app)
    where current_setting('role') = 'authenticated'
    union all
    select nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-agentmux-tag', 'agent', false
    where current_setting('role') = 'service_role'
  ) as named (tag, kind, verified)
  where named.tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'
$$;

-- Whether the caller may take part at all: an identity that is not revoked. Any other signed-in user of the same Supabase
-- project is not.
create function public.mux_admitted() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.mux_identity() as me
    where not exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me.tag collate "C") and a.revoked_at is not null
    )
  )
$$;

-- The identity's tag, or an error that says what is missing.
create function public.mux_me() returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  me text := (select tag from public.mux_identity());
begin
  if me is null then
    raise exception using errcode = '42501',
      message = case current_setting('role')
        when 'authenticated' then 'this token names no agent'
        when 'service_role' then 'this request does not say which tag it acts as'
        else 'plain SQL has no identity' end,
      hint = case current_setting('role')
        when 'authenticated' then 'It takes app_metadata.agent_tag; `agentmux join` makes such a token.'
        when 'service_role' then 'Send the header x-agentmux-tag.'
        else 'Call this over REST with a token, or write to the table itself.' end;
  end if;
  if not public.mux_admitted() then
    raise exception using errcode = '42501', message = format('%s has been revoked', me),
      hint = 'Join anew under another tag, or have it restored.';
  end if;
  return me;
end $$;

-- Refuses tokens that name no agent, or a revoked one; the service role and the owner pass.
create function public.mux_guard() returns void
language plpgsql stable set search_path = '' as $$
begin
  if current_setting('role') in ('anon', 'authenticated') then perform public.mux_me(); end if;
end $$;

-- Joins the identity, or refreshes it. Who is not verified changes nobody's kind.
create function public.agent_touch(p_presence text default null, p_role text default null) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  me text := public.mux_me();
  touched public.agents;
begin
  if not exists (select from public.agents as a where upper(a.tag collate "C") = upper(me collate "C")) then
    -- What was written to everyone before now is none of its business: its inbox begins here, or at its first mention.
    perform public.mux_advance(me);
  end if;
  insert into public.agents as a (tag, kind, role, presence, last_seen_at)
  select me, i.kind, p_role, coalesce(p_presence, 'idle'), clock_timestamp() from public.mux_identity() as i
  on conflict (upper(tag collate "C")) do update set
    kind = case when (select verified from public.mux_identity()) then excluded.kind else a.kind end,
    role = coalesce(p_role, a.role),
    presence = coalesce(p_presence, a.presence),
    last_seen_at = excluded.last_seen_at
  returning a.* into touched;
  return touched;
end $$;

alter table public.mux_meta enable row level security;
alter table public.agents enable row level security;
-- (select ...) makes it one call for a query instead of one for each row.
create policy mux_meta_read on public.mux_meta for select to authenticated using ((select public.mux_admitted()));
create policy agents_read on public.agents for select to authenticated using ((select public.mux_admitted()));
-- On Supabase the service role bypasses row level security; elsewhere it may not.
create policy mux_meta_service on public.mux_meta to service_role using (true) with check (true);
create policy agents_service on public.agents to service_role using (true) with check (true);

-- Supabase's default privileges differ from project to project: ours are written out.
revoke all on public.mux_meta, public.agents from public, anon, authenticated, service_role;
grant select on public.mux_meta, public.agents to authenticated;
grant select, insert, update, delete on public.mux_meta, public.agents to service_role;
revoke all on function public.mux_identity(), public.mux_admitted(), public.mux_me(), public.mux_guard(),
  public.agent_touch(text, text) from public, anon, authenticated, service_role;
grant execute on function public.mux_identity(), public.mux_admitted(), public.mux_me(), public.mux_guard(),
  public.agent_touch(text, text) to authenticated, service_role;
