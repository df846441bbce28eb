select id::text as id, coalesce(to_json(event)::text, 'null') as event, coalesce(payload::text, '{}') as payload
from realtime.messages
where topic = $1::text and private and extension = 'broadcast' and event is not null
	and inserted_at >= to_timestamp($2::text::float8 / 1000) at time zone 'UTC'
order by inserted_at desc, id limit $3::text::int
