do $$
declare
	found_table regclass;
begin
	if to_regrole('result_reader') is not null or not exists (
		select from pg_proc as p where p.oid = to_regprocedure('agentmux.read_as_nobody(text, int)') and p.prosecdef
	) then
		return;
	end if;
	create role result_reader nologin;
	grant authenticated to result_reader;
	execute format('grant result_reader to %I', current_user);
	grant usage on schema public to result_reader;
	grant create on schema agentmux to result_reader;
	alter function agentmux.read_as_nobody(text, int) owner to result_reader;
	revoke create on schema agentmux from result_reader;
	for found_table in select p.polrelid from pg_policy as p where p.polname = 'agent_results' loop
		execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
		execute format('grant select on %s to result_reader', found_table);
	end loop;
end $$
