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
