-- Messages are append-only for everybody. The only possible change is a redaction, which removes the text of a message and keeps
-- its author and time.

-- The messages that a transaction is redacting. This is a table that only our functions can access, and not a setting, because SQL
-- could change a setting. If history is ever pruned, the pruned messages must be listed here, too.
create table if not exists agentmux.amending (
  xid xid8 not null,
  message_id bigint not null,
  constraint amending_pkey primary key (xid, message_id)
);

-- Rejects changes of messages, also by the owner and the service role, except for a message that is being redacted.
create or replace function agentmux.refuse_amendment() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'TRUNCATE' then
    raise exception using errcode = '42501', message = 'messages are append-only and cannot be truncated',
      hint = 'Redact what must not be read: select redact_message(ID).';
  end if;
  if exists (select from agentmux.amending as a where a.xid = pg_current_xact_id() and a.message_id = old.id) then
    if tg_op = 'DELETE' then return old; end if;
    if (new.id, new.reply_to, new.thread_id, new.client_id, new.author_tag, new.author_kind, new.verified, new.xid, new.created_at)
      is not distinct from
      (old.id, old.reply_to, old.thread_id, old.client_id, old.author_tag, old.author_kind, old.verified, old.xid, old.created_at)
    then
      return new;
    end if;
  end if;
  raise exception using errcode = '42501',
    message = format('messages are append-only: message %s cannot be %s', old.id, case tg_op when 'DELETE' then 'deleted' else 'changed' end),
    hint = format('Redact what must not be read: select redact_message(%s).', old.id);
end $$;

create or replace trigger messages_append_only before update or delete on public.messages
  for each row execute function agentmux.refuse_amendment();
create or replace trigger messages_append_only_truncate before truncate on public.messages
  for each statement execute function agentmux.refuse_amendment();

-- Who redacted which message. The message's meta.redaction has the same, for clients that only read messages.
create table if not exists public.redactions (
  message_id bigint not null constraint redactions_pkey primary key
    constraint redactions_message_id_fkey references public.messages (id) on delete cascade,
  by_tag text,
  by_kind text,
  verified boolean not null,
  reason text
    constraint redactions_reason_at_most_1000_characters check (char_length(reason) <= 1000),
  signature jsonb
    constraint redactions_signature_is_an_object check (jsonb_typeof(signature) = 'object' and octet_length(signature::text) <= 4096),
  xid xid8 not null default agentmux.current_xid(),
  at timestamptz not null default clock_timestamp()
);
comment on table public.redactions is 'who took out what a message said';
create index if not exists redactions_cursor on public.redactions (xid, message_id);

-- Digests of the removed texts, which the seals need. They are private, because a short text can be guessed from its digest.
create table if not exists agentmux.redacted_digests (
  message_id bigint not null constraint redacted_digests_pkey primary key
    constraint redacted_digests_message_id_fkey references public.redactions (message_id) on delete cascade,
  content bytea not null,
  meta bytea not null
);

-- SHA-256 of a text.
create or replace function agentmux.digest(p_text text) returns bytea
language sql immutable strict parallel safe set search_path = '' as $$ select sha256(convert_to(p_text, 'UTF8')) $$;

-- The content of a redacted message.
create or replace function agentmux.redacted_content(p_tag text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select case p_tag when 'UNTAGGED' then '(redacted)' else format('[%s] (redacted)', p_tag) end
$$;

-- The meta of a redacted message.
create or replace function agentmux.redacted_meta(r public.redactions) returns jsonb
language sql stable parallel safe set search_path = '' as $$
  select jsonb_build_object('redaction', jsonb_strip_nulls(jsonb_build_object('by', r.by_tag, 'kind', r.by_kind,
    'verified', r.verified, 'reason', r.reason, 'signature', r.signature,
    'at', to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))))
$$;

-- Removes the text and the meta of a message: for its author, humans, the service role and the owner. The tag, the author, the
-- time and the thread stay; the mentions go with the text. Repeating this changes nothing. It does not wait for transactions that
-- reply to the message or record its delivery.
create or replace function public.redact_message(p_id bigint, p_reason text default null, p_signature jsonb default null)
returns public.messages
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  message public.messages;
  done public.redactions;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('messages');
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  select m.* into message from public.messages as m where m.id = p_id for no key update;
  if not found then
    raise exception using errcode = '23503', message = format('there is no message %s', coalesce(p_id::text, 'null'));
  end if;
  if coalesce(me.verified, false) and me.kind <> 'human'
    and (message.verified and upper(message.author_tag collate "C") = upper(me.tag collate "C")) is not true
  then
    raise exception using errcode = '42501',
      message = format('you are %s and may not redact message %s: only %s may', me.tag, p_id,
        case when message.verified then message.author_tag || ' and humans' else 'humans' end);
  end if;
  if exists (select from public.redactions as r where r.message_id = p_id) then return message; end if;
  insert into public.redactions (message_id, by_tag, by_kind, verified, reason, signature)
  values (p_id, me.tag, me.kind, coalesce(me.verified, false), nullif(p_reason, ''), p_signature)
  returning * into done;
  insert into agentmux.redacted_digests (message_id, content, meta)
  values (p_id, agentmux.digest(message.content), agentmux.digest(message.meta::text));
  insert into agentmux.amending (xid, message_id) values (pg_current_xact_id(), p_id);
  update public.messages as m
  set content = agentmux.redacted_content(message.tag), meta = agentmux.redacted_meta(done)
  where m.id = p_id returning m.* into message;
  delete from agentmux.amending as a where a.message_id = p_id;
  return message;
end $$;

insert into agentmux.migrations (version) values ('20261202000600');
