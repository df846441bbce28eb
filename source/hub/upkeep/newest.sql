select m.epoch::text, w.xid::text, w.id::float8 as id, trunc(extract(epoch from w.created_at) * 1000000)::text as at
from mux_meta as m, lateral (select * from messages order by xid desc, id desc limit 1) as w
