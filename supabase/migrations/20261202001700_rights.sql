-- All rights, in one place: row level security on every table, and nothing for anon. Everything is explicit, because Supabase's
-- default privileges differ from project to project.

-- All agents and humans of the mailbox read everything. (select ...) makes it one call for a query instead of one for each row.
alter table public.agents enable row level security;
alter table public.agent_sessions enable row level security;
alter table public.cursors enable row level security;
alter table public.events enable row level security;
alter table public.messages enable row level security;
alter table public.mux_meta enable row level security;
alter table public.receipts enable row level security;
alter table public.redactions enable row level security;
alter table public.tasks enable row level security;
create policy agents_read on public.agents for select to authenticated using ((select agentmux.admitted()));
create policy agent_sessions_read on public.agent_sessions for select to authenticated using ((select agentmux.admitted()));
create policy cursors_read on public.cursors for select to authenticated using ((select agentmux.admitted()));
create policy events_read on public.events for select to authenticated using ((select agentmux.admitted()));
create policy messages_read on public.messages for select to authenticated using ((select agentmux.admitted()));
create policy mux_meta_read on public.mux_meta for select to authenticated using ((select agentmux.admitted()));
create policy receipts_read on public.receipts for select to authenticated using ((select agentmux.admitted()));
create policy redactions_read on public.redactions for select to authenticated using ((select agentmux.admitted()));
create policy tasks_read on public.tasks for select to authenticated using ((select agentmux.admitted()));

-- An agent writes messages under its own tag. They are append-only: there is no grant and no policy to update or delete.
create policy messages_write on public.messages for insert to authenticated with check (
  (select agentmux.admitted())
  and exists (select from agentmux.identity() as me
    where me.kind = 'human' or upper(me.tag collate "C") = upper(messages.tag collate "C"))
);

-- On Supabase the service role bypasses row level security, but not everywhere else.
create policy agents_service on public.agents to service_role using (true) with check (true);
create policy agent_sessions_service on public.agent_sessions to service_role using (true) with check (true);
create policy cursors_service on public.cursors to service_role using (true) with check (true);
create policy events_service on public.events to service_role using (true) with check (true);
create policy messages_service on public.messages to service_role using (true) with check (true);
create policy mux_meta_service on public.mux_meta to service_role using (true) with check (true);
create policy receipts_service on public.receipts to service_role using (true) with check (true);
create policy redactions_service on public.redactions for select to service_role using (true);
create policy tasks_service on public.tasks to service_role using (true) with check (true);

-- Only read through functions.
alter table public.channel_entries enable row level security;

revoke all on public.agents, public.agent_sessions, public.channel_entries, public.cursors, public.events, public.messages,
  public.mux_meta, public.receipts, public.redactions, public.tasks from public, anon, authenticated, service_role;
revoke all on sequence public.events_id_seq, public.messages_id_seq, public.tasks_id_seq from public, anon, authenticated, service_role;
revoke all on all tables in schema agentmux from public, anon, authenticated, service_role;
grant select on public.agents, public.agent_sessions, public.cursors, public.events, public.messages, public.mux_meta,
  public.receipts, public.redactions, public.tasks to authenticated, service_role;
grant insert (content, client_id, reply_to, meta) on public.messages to authenticated;
grant insert, update, delete on public.agents, public.agent_sessions, public.cursors, public.events, public.messages, public.mux_meta,
  public.receipts, public.tasks to service_role;

-- The functions that clients call. Each checks its caller itself (mux_guard, agentmux.me).
do $$
declare
  name text;
begin
  foreach name in array array['agent_restore', 'agent_revoke', 'agent_script', 'agent_sql', 'agent_touch', 'channel_messages',
    'channel_messages_after', 'channels', 'events_between', 'inbox', 'inbox_take', 'mailbox_state', 'messages_since', 'mux_guard',
    'mux_make_role', 'receipt_ack', 'receipt_deliver', 'receipt_release', 'redact_message', 'result_rows', 'seal_history',
    'search_messages', 'task_add', 'task_assign', 'task_cancel', 'task_claim', 'task_finish', 'task_heartbeat', 'task_plan',
    'task_progress', 'task_reap', 'task_reprioritise', 'task_retry', 'unwatch_table', 'verify_history', 'watch_table', 'watched_tables']
  loop
    execute format('revoke all on function public.%I from public, anon', name);
    execute format('grant execute on function public.%I to authenticated, service_role', name);
  end loop;
end $$;
-- Only for agents.
revoke all on function public.agent_script, public.agent_sql, public.mux_make_role from service_role;

-- Nobody can name anything in the schema agentmux, but policies run with the rights of the reader, and generated columns and
-- expressions of indexes with those of the writer.
revoke all on all functions in schema agentmux from public, anon, authenticated, service_role;
grant execute on function agentmux.admitted, agentmux.identity, agentmux.tag, agentmux.body, agentmux.mentions, agentmux.words
  to authenticated, service_role;
do $$
begin
  if has_schema_privilege('authenticated', 'agentmux', 'usage') then
    grant execute on function agentmux.read_as_nobody(text, int) to authenticated, service_role;
  else
    execute format('grant execute on function agentmux.read_as_nobody(text, int) to %I', current_user);
  end if;
end $$;

-- The tables that Realtime publishes. Supabase and the hub create the publication; a plain PostgreSQL has none. A publication for all
-- tables needs no change.
do $$
declare
  ours text;
begin
  if exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
    foreach ours in array array['messages', 'tasks', 'agents', 'receipts'] loop
      if not exists (select from pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = ours) then
        execute format('alter publication supabase_realtime add table public.%I', ours);
      end if;
    end loop;
  end if;
end $$;

insert into agentmux.migrations (version) values ('20261202001700');
