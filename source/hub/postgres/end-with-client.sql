do $$ begin
	perform set_config('client_connection_check_interval', '1000', false);
exception when others then null;
end $$
