-- For `supabase test db`; the other tests run it, too. It prints TAP without an extension, and rolls everything back.
begin;
select '1..4';

insert into public.messages (content) values ('[CLAUDE_1] hello @CLAUDE_TWIN');
select case when (tag, body, mentions, thread_id, verified) = ('CLAUDE_1', 'hello @CLAUDE_TWIN', array['CLAUDE_TWIN'], id, false)
  then '' else 'not ' end || 'ok 1 - plain SQL fills every derived column'
from public.messages where id = (select max(id) from public.messages);

set local request.jwt.claims = '{"role":"authenticated","app_metadata":{"agent_tag":"CLAUDE_TWIN","kind":"agent"}}';
set local role authenticated;
select case when count(*) = 1 then '' else 'not ' end || 'ok 2 - a message that mentions an agent waits in its inbox'
from public.inbox('claude_twin') where content = '[CLAUDE_1] hello @CLAUDE_TWIN' and xid = pg_current_xact_id();

with written as (insert into public.messages (content) values ('[CLAUDE_TWIN] hi') returning *)
select case when (author_tag, author_kind, verified) = ('CLAUDE_TWIN', 'agent', true) then '' else 'not ' end
  || 'ok 3 - a token verifies the author'
from written;

select case when has_column_privilege('public.messages', 'author_tag', 'insert') or has_table_privilege('public.messages', 'update, delete')
  then 'not ' else '' end || 'ok 4 - nobody can forge an author or change a message';
rollback;
