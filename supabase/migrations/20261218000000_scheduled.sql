-- Scheduled messages: written now, posted when they are due, by whoever looks after the tasks (a hub every five seconds, an agent's
-- server every minute). Author and signature are those of when it was written; groups are resolved when it is posted.

create table public.mux_scheduled (
  id bigint generated always as identity primary key,
  due_at timestamptz not null,
  content text not null,
  reply_to bigint,
  client_id uuid not null unique default gen_random_uuid(),
  meta jsonb not null default '{}',
  author_tag text,
  author_kind text,
  verified boolean not null default false,
  written_at timestamptz not null default clock_timestamp(),
  failed text,
  constraint scheduled_content_at_most_262144_bytes check (octet_length(content) between 1 and 262144),
  constraint scheduled_meta_is_an_object check (jsonb_typeof(meta) = 'object' and octet_length(meta::text) <= 65536)
);
comment on table public.mux_scheduled is 'messages that are not due yet, and those that could not be posted';
comment on column public.mux_scheduled.client_id is 'that of the message which it becomes';
comment on column public.mux_scheduled.failed is 'why it could not be posted when it was due';
create index scheduled_due on public.mux_scheduled (due_at) where failed is null;
alter table public.mux_scheduled enable row level security;
create policy scheduled_read on public.mux_scheduled for select to authenticated using (
  (select agentmux.admitted()) and ((select i.kind from agentmux.identity() as i) = 'human'
    or upper(author_tag collate "C") = (select upper(i.tag collate "C") from agentmux.identity() as i)));
create policy scheduled_service on public.mux_scheduled for select to service_role using (true);
revoke all on public.mux_scheduled from public, anon, authenticated, service_role;
grant select on public.mux_scheduled to authenticated, service_role;

-- Schedules a message of the caller's. Repeating it with the same p_client_id changes nothing.
create function public.message_schedule(p_content text, p_due timestamptz, p_client_id uuid default null, p_reply_to bigint default null,
  p_meta jsonb default '{}')
returns public.mux_scheduled language plpgsql security definer set search_path = '' as $$
declare
  me record;
  instant timestamptz := clock_timestamp();
  made public.mux_scheduled;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('messages');
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if coalesce(me.verified, false) and me.kind <> 'human' and upper(agentmux.tag(p_content) collate "C") is distinct from upper(me.tag collate "C") then
    raise exception using errcode = '42501',
      message = format('you are %s and may only write as %1$s, not as %s', me.tag, agentmux.tag(p_content)),
      hint = format('Begin the content with [%s].', me.tag);
  end if;
  if p_due is null or p_due < instant - interval '1 minute' or p_due > instant + interval '1 year' then
    raise exception using errcode = '22023', message = 'a message can be scheduled for the next year';
  end if;
  if p_reply_to is not null and not exists (select from public.messages as m where m.id = p_reply_to) then
    raise exception using errcode = '23503', message = format('message %s, which this replies to, does not exist', p_reply_to);
  end if;
  if (select count(*) from public.mux_scheduled as s where upper(s.author_tag collate "C") = upper(me.tag collate "C")) >= 1000 then
    raise exception using errcode = '54000', message = format('%s has scheduled 1000 messages already', me.tag);
  end if;
  insert into public.mux_scheduled (due_at, content, reply_to, client_id, meta, author_tag, author_kind, verified)
  values (p_due, p_content, p_reply_to, coalesce(p_client_id, gen_random_uuid()), coalesce(p_meta, '{}') - 'redaction', me.tag, me.kind,
    coalesce(me.verified, false))
  on conflict (client_id) do nothing
  returning * into made;
  if made.id is null then
    select * into made from public.mux_scheduled as s
    where s.client_id = p_client_id and upper(s.author_tag collate "C") is not distinct from upper(me.tag collate "C");
    if not found then
      raise exception using errcode = '42501', message = 'somebody else has scheduled a message with this client_id';
    end if;
  end if;
  return made;
end $$;
revoke all on function public.message_schedule from public, anon;
grant execute on function public.message_schedule to authenticated, service_role;

-- Takes a scheduled message back: for its author and for humans. Returns it.
create function public.scheduled_cancel(p_id bigint) returns public.mux_scheduled
language plpgsql security definer set search_path = '' as $$
declare
  me record;
  cancelled public.mux_scheduled;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('messages');
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  delete from public.mux_scheduled as s where s.id = p_id
    and (not coalesce(me.verified, false) or me.kind = 'human' or upper(s.author_tag collate "C") = upper(me.tag collate "C"))
  returning s.* into cancelled;
  if cancelled.id is null then
    raise exception using errcode = 'P0002', message = format('there is no scheduled message %s', coalesce(p_id::text, 'null')),
      hint = 'It may have been posted.';
  end if;
  return cancelled;
end $$;
revoke all on function public.scheduled_cancel from public, anon;
grant execute on function public.scheduled_cancel to authenticated, service_role;

-- The author of a message that was scheduled is who scheduled it. Runs after messages_before_insert_derive, which knows no author
-- where the owner's functions write. Holds only for exactly what was scheduled, and not before it is due.
create function agentmux.author_scheduled() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('agentmux.author', true) is distinct from 'scheduled' then return new; end if;
  select s.author_tag, s.author_kind, s.verified into new.author_tag, new.author_kind, new.verified
  from public.mux_scheduled as s
  where s.client_id = new.client_id and s.content = new.content and s.due_at <= clock_timestamp();
  new.verified := coalesce(new.verified, false);
  return new;
end $$;
revoke all on function agentmux.author_scheduled from public;
create trigger messages_before_insert_scheduled before insert on public.messages for each row
  when (new.author_tag is null and new.client_id is not null) execute function agentmux.author_scheduled();

-- Posts what is due. One that cannot be posted keeps its row, with the reason.
create function agentmux.post_due() returns int language plpgsql security definer set search_path = '' as $$
declare
  due public.mux_scheduled;
  posted int := 0;
  before text := coalesce(current_setting('agentmux.author', true), '');
begin
  if agentmux.acting_role() is not null
    or not exists (select from public.mux_scheduled as s where s.failed is null and s.due_at <= clock_timestamp())
  then
    return 0;
  end if;
  for due in select s.* from public.mux_scheduled as s
    where s.failed is null and s.due_at <= clock_timestamp() order by s.due_at, s.id limit 50 for update skip locked
  loop
    begin
      if exists (select from public.agents as a
        where upper(a.tag collate "C") = upper(due.author_tag collate "C") and a.revoked_at is not null)
      then
        raise exception using message = format('%s is revoked', due.author_tag);
      end if;
      perform set_config('agentmux.author', 'scheduled', true);
      insert into public.messages (content, reply_to, client_id, meta)
      values (due.content, (select m.id from public.messages as m where m.id = due.reply_to), due.client_id, due.meta)
      on conflict (client_id) do nothing;
      delete from public.mux_scheduled as s where s.id = due.id;
      posted := posted + 1;
    exception when others then
      update public.mux_scheduled as s set failed = left(sqlerrm, 500) where s.id = due.id;
    end;
  end loop;
  perform set_config('agentmux.author', before, true);
  return posted;
end $$;
revoke all on function agentmux.post_due from public;

CREATE OR REPLACE FUNCTION agentmux.tend_tasks(p_period interval DEFAULT NULL::interval, p_resumed boolean DEFAULT false)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  ended int := agentmux.reap(p_period, p_resumed);
begin
  perform agentmux.post_due();
  -- SQL of an agent cannot write as SYSTEM, and holds no lock for which others would wait.
  if agentmux.acting_role() is not null or not exists (select from public.tasks as t where t.status in ('queued', 'running')) then
    return ended;
  end if;
  perform from agentmux.offer_clock as c
  where c.at not between clock_timestamp() - interval '2 seconds' and clock_timestamp() for update skip locked;
  if found then
    update agentmux.offer_clock set at = clock_timestamp();
    perform agentmux.offer_tasks();
    perform agentmux.remind_owners();
  end if;
  return ended;
end $function$;

insert into agentmux.migrations (version) values ('20261218000000');
