select topic, coalesce(to_json(event)::text, 'null') as event, coalesce(payload::text, '{}') as payload
from realtime.messages where id = $1::text::uuid
