select agentmux.token_generation($1) as gen,
	exists (select from agentmux.ended_tokens as t where t.jti in ($2, $3)) as ended,
	exists (select from public.agents as a where upper(a.tag collate "C") = upper($1 collate "C") and a.revoked_at is not null) as revoked
