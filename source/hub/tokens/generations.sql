insert into agentmux.token_generation as t (tag, gen) select e.key, e.value::int from json_each_text($1::json) as e
on conflict (tag) do update set gen = excluded.gen where t.gen < excluded.gen
