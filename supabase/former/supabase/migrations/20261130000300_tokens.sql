-- Tokens that the hub signs come to an end. Each agent's tokens are of a generation, which grows when the agent leaves or is
-- revoked: at once those of before hold no longer, whatever they say about their end. One token alone ends by its id (`jti`).
-- A token of a hosted project is its Auth's, and is looked at no closer here.

create schema if not exists agentmux;
revoke all on schema agentmux from public;

-- From which generation on the tokens of a tag hold (`tag` in upper case); of one that is not here: from 0 on. Tokens that say
-- no generation, as they were made once, are of generation 0.
create table agentmux.token_generation (
  tag text collate "C" not null constraint token_generation_pkey primary key,
  gen int not null,
  since timestamptz not null default clock_timestamp()
);

create table agentmux.ended_tokens (
  jti text collate "C" not null constraint ended_tokens_pkey primary key,
  ended_at timestamptz not null default clock_timestamp()
);

revoke all on agentmux.token_generation, agentmux.ended_tokens from public, anon, authenticated, service_role;

create function agentmux.token_generation(p_tag text) returns int
language sql stable security definer set search_path = '' as $$
  select coalesce((select t.gen from agentmux.token_generation as t where t.tag = upper(p_tag collate "C")), 0)
$$;

-- Hubs listen: they close the sockets of whom this is about, once they have looked here who that is. (Anyone may notify.)
create function agentmux.announce_tokens() returns void
language sql security definer set search_path = '' as $$
  select pg_notify('agentmux', '{"kind":"tokens"}')
$$;

-- Ends all tokens that an agent has; returns the generation of those that are made from now on.
create function agentmux.end_tokens(p_tag text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  grown int;
begin
  insert into agentmux.token_generation as t (tag, gen) values (upper(p_tag collate "C"), 1)
  on conflict (tag) do update set gen = t.gen + 1, since = clock_timestamp()
  returning t.gen into grown;
  perform agentmux.announce_tokens();
  return grown;
end $$;

-- Ends one token. What ended longer ago than a token can be renewed (a year after its month) need not be remembered.
create function agentmux.end_token(p_jti text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from agentmux.ended_tokens as t where t.ended_at < clock_timestamp() - interval '2 years';
  insert into agentmux.ended_tokens (jti) values (p_jti) on conflict do nothing;
  perform agentmux.announce_tokens();
end $$;

-- Whether the token of this request has not been ended. What signed it was verified before; when it expires is looked at there,
-- too. A human's is made for an hour by whoever can read the hub's secret, and has no generation.
create function agentmux.token_holds() returns boolean
language sql stable security definer set search_path = '' as $$
  select coalesce(c.claims ->> 'iss' <> 'agentmux', true) or (
    not exists (select from agentmux.ended_tokens as t where t.jti = c.claims ->> 'jti')
    and (
      coalesce(c.claims #>> '{app_metadata,kind}' = 'human', false)
      or coalesce(case when jsonb_typeof(c.claims -> 'gen') = 'number' then (c.claims ->> 'gen')::numeric end, 0)
        >= agentmux.token_generation(c.claims #>> '{app_metadata,agent_tag}')
    )
  )
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb) as c (claims)
$$;

revoke all on function agentmux.token_generation(text), agentmux.announce_tokens(), agentmux.end_tokens(text),
  agentmux.end_token(text), agentmux.token_holds() from public, anon, authenticated, service_role;

-- As before, and its token has not been ended.
create or replace function public.mux_admitted() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.mux_identity() as me
    where not exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me.tag collate "C") and a.revoked_at is not null
    )
  ) and agentmux.token_holds()
$$;

-- As before, but says so where the token has ended.
create or replace function public.mux_me() returns text
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
    if agentmux.token_holds() or exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me collate "C") and a.revoked_at is not null
    ) then
      raise exception using errcode = '42501', message = format('%s has been revoked', me),
        hint = format('A human can let it in again: `agentmux agents restore %s`.', me);
    end if;
    raise exception using errcode = '42501', message = format('this token of %s has ended', me),
      hint = format('`agentmux join %s` in its folder makes another.', me);
  end if;
  return me;
end $$;

-- Who is revoked does not come back with the tokens of before; and hubs hear of it when it is let in again.
create function agentmux.agents_revoked() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.revoked_at is not null and (tg_op = 'INSERT' or old.revoked_at is null) then
    perform agentmux.end_tokens(new.tag);
  elsif tg_op = 'UPDATE' and new.revoked_at is null and old.revoked_at is not null then
    perform agentmux.announce_tokens();
  end if;
  return null;
end $$;
revoke all on function agentmux.agents_revoked() from public, anon, authenticated, service_role;
create trigger agents_revoked after insert or update of revoked_at on public.agents
  for each row execute function agentmux.agents_revoked();
