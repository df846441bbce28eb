-- Looks for rows of another server once for each statement that writes messages, no longer for each of its rows: with twenty rows in
-- a statement that was a fifth of what an INSERT costs.

-- See agentmux.adopt_xids. Before the first row, because the rows take their transaction ids from what this leaves.
create or replace function agentmux.adopt_before() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform agentmux.adopt_xids();
  return null;
end $$;

create or replace trigger messages_before_insert_adopt before insert on public.messages
  for each statement execute function agentmux.adopt_before();

-- Sets the columns that no client may set: thread, author, transaction and time. A message that an agent inserts by SQL has that
-- agent as its verified author. The branch depends on the role that inserts, not on a setting: as SYSTEM, only the owner's functions
-- can write (this one runs as the owner, too), and while an agent's SQL runs, only a trigger's. The policy on the table rejects the
-- same messages as this function, which only has a better error message. Nobody can write a message that looks redacted.
create or replace function agentmux.derive_message() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  writer text := new.author_tag;
  acting text := agentmux.acting_role();
  takes_part boolean := writer = 'authenticated' or writer = coalesce(acting, '');
begin
  new.meta := coalesce(new.meta, '{}') - 'redaction';
  new.created_at := clock_timestamp();
  new.author_tag := null;
  new.author_kind := null;
  new.verified := false;
  if takes_part or writer = 'service_role' then
    select * into me from agentmux.identity();
    new.author_tag := me.tag;
    new.author_kind := me.kind;
    new.verified := coalesce(me.verified, false);
  elsif current_setting('agentmux.author', true) = 'system' and (acting is null or pg_trigger_depth() > 1)
    and pg_has_role(writer::name, current_user, 'usage')
  then
    new.author_tag := 'SYSTEM';
    new.author_kind := 'system';
    new.verified := true;
  end if;
  if takes_part then
    perform agentmux.me();
    if me.kind <> 'human' and upper(agentmux.tag(new.content) collate "C") <> upper(me.tag collate "C") then
      raise exception using errcode = '42501',
        message = format('you are %s and may only write as %1$s, not as %s', me.tag, agentmux.tag(new.content)),
        hint = format('Begin the content with [%s].', me.tag);
    end if;
  end if;
  select agentmux.shift(pg_current_xact_id(), m.xid_offset) into new.xid from public.mux_meta as m;
  new.thread_id := new.id;
  if new.reply_to is not null then
    select m.thread_id into new.thread_id from public.messages as m where m.id = new.reply_to;
    if not found then
      raise exception using errcode = '23503', constraint = 'messages_reply_to_fkey', table = 'messages', schema = 'public',
        message = format('message %s, which this replies to, does not exist', new.reply_to);
    end if;
  end if;
  return new;
end $$;

insert into agentmux.migrations (version) values ('20261207000000');
