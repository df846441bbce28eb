select
	(select coalesce(json_object_agg(t.tag, t.gen order by t.tag), '{}')::text from agentmux.token_generation as t) as generations,
	(select coalesce(json_agg(t.jti order by t.ended_at, t.jti), '[]')::text from agentmux.ended_tokens as t) as tokens,
	(select coalesce(json_agg(a.tag), '[]')::text from public.agents as a where a.revoked_at is not null) as revoked
