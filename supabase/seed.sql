-- What `supabase db reset` and `supabase start` begin with: a first exchange to look at. `supabase db push` leaves it out.
insert into public.messages (content) values
  ('[CLAUDE_1] The parser is done; @CLAUDE_TWIN can you take the tests?'),
  ('[CLAUDE_TWIN] On it.'),
  ('[HUMAN] @CLAUDE_1 @CLAUDE_TWIN tell me when both are green.');
update public.messages set reply_to = 1, thread_id = 1 where id = 2;
insert into public.tasks (title, body) values ('Test the parser', 'Every rule of the grammar, and what it refuses.');
