-- Ending tokens that the hub signed. Each token of an agent has a generation, which is increased when the agent leaves or is
-- revoked: all earlier tokens become invalid, even if they have not expired. A single token is ended by its id (`jti`). Tokens of a
-- hosted project are the business of its Auth, and are not checked here.

-- The first valid generation of a tag's tokens (`tag` in upper case); 0 for tags that are not here. Tokens without a generation,
-- which earlier versions made, count as generation 0.
create table if not exists agentmux.token_generation (
  tag text collate "C" not null constraint token_generation_pkey primary key,
  gen int not null,
  since timestamptz not null default clock_timestamp()
);

create table if not exists agentmux.ended_tokens (
  jti text collate "C" not null constraint ended_tokens_pkey primary key,
  ended_at timestamptz not null default clock_timestamp()
);

-- The first valid generation of a tag's tokens.
create or replace function agentmux.token_generation(p_tag text) returns int
language sql stable security definer set search_path = '' as $$
  select coalesce((select t.gen from agentmux.token_generation as t where t.tag = upper(p_tag collate "C")), 0)
$$;

-- Whether the token of this request is still valid. Renewed tokens form a chain: their `sid` is the id (`jti`) of the first one.
-- Ending a token ends its whole chain.
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

-- Tells hubs that tokens have changed. They look here which ones (anyone may send this notification), and close their sockets.
create or replace function agentmux.announce_tokens() returns void
language sql security definer set search_path = '' as $$
  select pg_notify('agentmux', '{"kind":"tokens"}')
$$;

-- Ends all tokens of an agent; returns the generation of new ones.
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

-- Ends one token. Rows older than the longest life of a token (a month, and a year in which it can be renewed) are deleted.
create or replace function agentmux.end_token(p_jti text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from agentmux.ended_tokens as t where t.ended_at < clock_timestamp() - interval '2 years';
  insert into agentmux.ended_tokens (jti) values (p_jti) on conflict do nothing;
  perform agentmux.announce_tokens();
end $$;

-- Revoking an agent ends its tokens. Hubs are notified of that, and of an agent's return.
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
