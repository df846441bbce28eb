-- PostgREST puts the headers of a request, the token among them, into a setting that whatever runs can read. An agent's SQL has
-- no use for them, and what it reads ends in transcripts: they are emptied before it runs.

create or replace function public.agent_sql(p_query text, p_parameters text[] default '{}', p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_catalog.set_config('request.headers', '', true);
  return query select line from agentmux.agent_statement(p_query, p_parameters, p_read_only) as line where line is not null;
end $$;

create or replace function public.agent_script(p_statements text[], p_read_only boolean default false) returns setof json
language plpgsql security definer set search_path = '' as $$
declare
  statement text;
  lines json[];
  last json[];
begin
  perform public.mux_me();
  perform pg_catalog.set_config('request.headers', '', true);
  foreach statement in array coalesce(p_statements, '{}') loop
    lines := array(select line from agentmux.agent_statement(statement, '{}', p_read_only) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $$;
