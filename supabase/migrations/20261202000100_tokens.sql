-- Tokens that the hub signs come to an end. Each agent's tokens are of a generation, which grows when the agent leaves or is
-- revoked: at once those of before hold no longer, whatever they say about their end. One token alone ends by its id (`jti`).
-- A token of a hosted project is its Auth's, and is looked at no closer here.

-- From which generation on the tokens of a tag hold (`tag` in upper case); of one that is not here: from 0 on. Tokens that say
-- no generation, as they were made once, are of generation 0.
create table if not exists agentmux.token_generation (
  tag text collate "C" not null constraint token_generation_pkey primary key,
  gen int not null,
  since timestamptz not null default clock_timestamp()
);

create table if not exists agentmux.ended_tokens (
  jti text collate "C" not null constraint ended_tokens_pkey primary key,
  ended_at timestamptz not null default clock_timestamp()
);

-- From which generation on the tokens of a tag hold.
create or replace function agentmux.token_generation(p_tag text) returns int
language sql stable security definer set search_path = '' as $$
  select coalesce((select t.gen from agentmux.token_generation as t where t.tag = upper(p_tag collate "C")), 0)
$$;

-- Whether the token of this request has not been ended. One that is renewed stays of one chain: it says in `sid` the id (`jti`)
-- of the first. Ending one ends its chain; a chain of one is its token.
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

-- Hubs listen: they close the sockets of whom this is about, once they have looked here who that is. (Anyone may notify.)
create or replace function agentmux.announce_tokens() returns void
language sql security definer set search_path = '' as $$
  select pg_notify('agentmux', '{"kind":"tokens"}')
$$;

-- Ends all tokens that an agent has; returns the generation of those that are made from now on.
create or replace function agentmux.end_tokens(p_tag text) returns int
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
create or replace function agentmux.end_token(p_jti text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from agentmux.ended_tokens as t where t.ended_at < clock_timestamp() - interval '2 years';
  insert into agentmux.ended_tokens (jti) values (p_jti) on conflict do nothing;
  perform agentmux.announce_tokens();
end $$;

-- Who is revoked does not come back with the tokens of before; and hubs hear of it when it is let in again.
create or replace function agentmux.agents_revoked() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.revoked_at is not null and (tg_op = 'INSERT' or old.revoked_at is null) then
    perform agentmux.end_tokens(new.tag);
  elsif tg_op = 'UPDATE' and new.revoked_at is null and old.revoked_at is not null then
    perform agentmux.announce_tokens();
  end if;
  return null;
end $$;

insert into agentmux.migrations (version) values ('20261202000100');
