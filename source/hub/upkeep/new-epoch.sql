update mux_meta set epoch = gen_random_uuid() where epoch = $1::uuid and not exists (
	select from messages where id = $2::bigint and xid = $3::text::xid8
		and trunc(extract(epoch from created_at) * 1000000)::text = $4
) returning epoch
