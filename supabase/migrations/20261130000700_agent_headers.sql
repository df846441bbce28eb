-- PostgREST puts the headers of a request, the token among them, into a setting that whatever runs can read. An agent's SQL has
-- no use for them, and what it reads ends in transcripts.
alter function public.agent_sql(text, text[], boolean) set "request.headers" = '';
alter function public.agent_script(text[], boolean) set "request.headers" = '';
