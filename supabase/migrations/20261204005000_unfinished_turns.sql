-- What a turn began with is done with when the turn has ended, and not before: a client that dies in the middle of it has read its mail
-- and not done what it asks. Then the next session of the agent gets that mail again, and the humans are told.

comment on column public.receipts.session is
  'the client session that it was handed to, until the turn in which that was has ended; null: ended, not known, or given back';
-- The turns in which mail was read before this migration count as ended.
update public.receipts set session = null where state = 'read' and session is not null;

-- A batch of tools ('batch', or 'work' if one of them was not the mailbox's) or the turn of that session has ended ('turn'). The
-- model has then answered to everything that was delivered before; but not to what a tool of this very batch returned, which it
-- sees next. A broadcast, what SYSTEM says, and an answer to what the reader wrote itself, are done with when the turn in which they
-- were read has ended. Work leaves the wakes for changes in tables counted.
create or replace function agentmux.mark_read(p_reader text, p_session text, p_ended text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  done bigint[];
begin
  if p_ended not in ('batch', 'work', 'turn') then
    raise exception using errcode = '22023', message = format('p_ended is batch, work or turn, not %L', p_ended);
  end if;
  with handed as (
    select r.message_id, r.reader, p_ended = 'turn' or r.route is distinct from 'mcp' or r.batches > 0 as is_read
    from public.receipts as r
    where upper(r.reader collate "C") = me and r.state = 'delivered' and (r.session = p_session or r.session is null)
    order by r.message_id for update
  )
  update public.receipts as r
  set batches = r.batches + 1,
    state = case when handed.is_read then 'read' else r.state end,
    read_at = case when handed.is_read then clock_timestamp() end,
    lease_until = case when handed.is_read then null else r.lease_until end,
    session = coalesce(r.session, p_session)
  from handed where r.message_id = handed.message_id and r.reader = handed.reader;
  if p_ended = 'turn' then
    with over as (
      select r.message_id, r.reader from public.receipts as r
      where upper(r.reader collate "C") = me and r.state = 'read' and r.session is not distinct from p_session
      order by r.message_id for update
    ), ended as (
      update public.receipts as r set session = null from over
      where r.message_id = over.message_id and r.reader = over.reader
      returning r.message_id
    )
    select array_agg(m.id order by m.id) into done
    from ended join public.messages as m on m.id = ended.message_id
    where m.mentions = '{}' or m.author_kind = 'system' or exists (
      select from public.messages as own where own.id = m.reply_to
        and me in (upper(own.tag collate "C"), upper(own.author_tag collate "C")));
    if done is not null then perform agentmux.ack(p_reader, done, 'read'); end if;
  end if;
  if p_ended = 'work' then perform agentmux.forget_wakes(array[me], false); end if;
end $$;

drop function if exists agentmux.return_mail(text, text);
-- The session will not read what it has: its model call failed, its turn was interrupted, it has ended. That is free again, at once
-- the first time, then after a while that grows (agentmux.retry_after). Returns how many messages that were. p_broken: it has ended
-- in the middle of its turn, so that what it had read is free again, too; null: if it was heard of in the last five minutes, because
-- one that slept may go on.
create or replace function agentmux.return_mail(p_reader text, p_session text, p_broken boolean default null) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := upper(p_reader collate "C");
  is_broken boolean := coalesce(p_broken, exists (select from public.agent_sessions as s
    where s.tag = me and s.session = p_session and s.seen_at > clock_timestamp() - interval '5 minutes'));
  changed int;
begin
  with held as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = me and r.session = p_session
      and (r.state in ('taken', 'delivered') or (r.state = 'read' and is_broken))
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'taken', session = null, take_id = null, batches = 0, read_at = null,
    returned = r.returned + (r.state <> 'taken')::int,
    lease_until = clock_timestamp() + agentmux.retry_after(case when r.state = 'taken' then r.takes else r.returned + 1 end)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $$;

-- The turn of the caller's session was interrupted, or its model call failed. What it has read is its user's business now.
create or replace function public.receipt_return(p_session text) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
begin
  update public.receipts as r set session = null
  where upper(r.reader collate "C") = upper(me collate "C") and r.state = 'read' and r.session = p_session;
  return agentmux.return_mail(me, p_session, false);
end $$;

-- These sessions of the caller are dead: their processes are gone. What they had is given back. Returns how many there were. If that
-- leaves work to which nobody else comes, the humans are told what was broken off: the tag's next session goes on with it.
create or replace function public.session_end(p_sessions text[]) returns int
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  mail text;
  held text;
  ended int;
begin
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  select string_agg('#' || m.id, ', ' order by m.id) into mail
  from public.receipts as r join public.messages as m on m.id = r.message_id
  where upper(r.reader collate "C") = folded and r.session = any (p_sessions) and r.state in ('delivered', 'read')
    and m.mentions <> '{}' and m.author_kind is distinct from 'system';
  perform agentmux.return_mail(me, name, true) from unnest(p_sessions) as name;
  delete from public.agent_sessions as s where s.tag = folded and s.session = any (p_sessions);
  get diagnostics ended = row_count;
  if ended > 0 then
    update public.agents as a
    set presence = coalesce(live.presence, 'away'), sessions = live.sessions, wake = live.wake
    from agentmux.live_sessions(folded) as live
    where upper(a.tag collate "C") = folded;
    select string_agg('#' || t.id, ', ' order by t.id) into held
    from public.tasks as t where t.status = 'running' and upper(t.lease_owner collate "C") = folded;
    if coalesce(mail, held) is not null and agentmux.acting_role() is null
      and not exists (select from public.agent_sessions as s where s.tag = folded)
    then
      perform agentmux.say(format('%s The client of %s has died.%s%s', (select string_agg('@' || h, ' ') from unnest(agentmux.humans()) as h), me,
        ' Unfinished mail, handed over again when it is started: ' || mail || '.',
        ' Tasks that it held, free again in a few seconds: ' || held || '.'));
    end if;
  end if;
  return ended;
end $$;

revoke all on function agentmux.return_mail(text, text, boolean) from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261204005000');
