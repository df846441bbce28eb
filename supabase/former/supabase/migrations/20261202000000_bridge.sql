-- The bridge from the migrations in this folder to those in supabase/migrations: after it, those can be applied to a database that has
-- all of these. This file has the version of the first of them, and replaces it.
--
-- Until they have been applied, messages can neither be read nor written, because the remaining functions call others by their
-- former names.

create table agentmux.migrations (
  version text not null constraint migrations_pkey primary key,
  applied_at timestamptz not null default clock_timestamp()
);
revoke all on agentmux.migrations from public, anon, authenticated, service_role;

-- Functions that only our own functions, triggers and policies call move into the private schema. Triggers and policies still find
-- them, because PostgreSQL refers to them by id.
do $$
declare
  former text;
begin
  foreach former in array array['ack', 'acting', 'admitted', 'advance', 'agent_history', 'body', 'event_written', 'gone', 'identity', 'lease',
    'me', 'mentions', 'message_before_insert', 'message_entries', 'reply_acks', 'set_revoked', 'tag', 'take_turn', 'task_before_update',
    'task_changed', 'task_derive', 'task_history', 'task_tree', 'waiting', 'watch_statement', 'watch_target', 'watcher', 'words', 'words_query']
  loop
    execute format('alter function public.%I set schema agentmux', 'mux_' || former);
    execute format('alter function agentmux.%I rename to %I', 'mux_' || former,
      case former when 'acting' then 'acting_role' when 'message_before_insert' then 'derive_message' else former end);
  end loop;
end $$;

-- Objects that were unused, or have become part of agentmux.derive_message.
drop trigger messages_notify on public.messages;
drop function public.mux_message_notify();
drop trigger messages_before_insert_redaction on public.messages;
drop function agentmux.drop_forged_redaction();
drop trigger messages_before_insert_xid on public.messages;
drop function agentmux.number_message();
drop function public.mailbox_state();
alter table public.mux_meta drop column schema_version;

-- The policies are created again later.
do $$
declare
  policy record;
begin
  for policy in
    select p.tablename, p.policyname from pg_policies as p
    where p.schemaname = 'public' and p.policyname in (p.tablename || '_read', p.tablename || '_write', p.tablename || '_service')
      and p.tablename in ('agents', 'agent_sessions', 'cursors', 'events', 'messages', 'mux_meta', 'receipts', 'redactions', 'tasks')
  loop
    execute format('drop policy %I on public.%I', policy.policyname, policy.tablename);
  end loop;
end $$;

-- `supabase db push` no longer has these migrations.
do $$
begin
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    delete from supabase_migrations.schema_migrations where version in (
      '20261123000100', '20261123000200', '20261123000300', '20261123000400', '20261123000500', '20261123000600',
      '20261123001000', '20261125000000', '20261125000100', '20261125000200', '20261125000300', '20261125000350',
      '20261125000400', '20261125000500', '20261125000600', '20261130000100', '20261130000200', '20261130000300',
      '20261130000400', '20261130000500', '20261130000600', '20261130000700', '20261130000800', '20261201000100',
      '20261201000200', '20261201000300', '20261201000400', '20261201000500', '20261201000600', '20261201000601',
      '20261201000700', '20261201000800', '20261201000900', '20261201001000', '20261201001100');
  end if;
end $$;

insert into agentmux.migrations (version) values ('20261202000000');
