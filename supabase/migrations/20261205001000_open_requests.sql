-- An agent that is idle because it waits for an answer has neither mail nor a task. If its client dies then, the answer will come and
-- nobody takes it: the humans are told of its open requests as well.

-- What the agent asked other agents by name during the last day, of its newest 500 messages and mentions, and has no answer to. An
-- answer asks nothing: neither a reply to a message of the other's, nor what acked one (agentmux.message_answers, which does so in the
-- same statement).
create or replace function agentmux.open_requests(p_tag text) returns bigint[]
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan as $$
declare
  me text := upper(p_tag collate "C");
begin
  return (
    select array_agg(m.id order by m.id)
    from public.messages as m
    where m.id = any (array(
        select e.message_id from public.channel_entries as e
        where e.tag = me order by e.tag desc, e.message_id desc limit 500))
      and upper(coalesce(m.author_tag, m.tag) collate "C") = me and m.author_kind is distinct from 'system'
      and m.created_at > clock_timestamp() - interval '1 day'
      and exists (
        select from public.agents as a
        cross join lateral upper(a.tag collate "C") as other
        where a.kind = 'agent' and a.revoked_at is null and other <> me
          and other in (select upper(t collate "C") from unnest(m.mentions) as t)
          and not exists (select from public.receipts as r
            where r.message_id = m.id and upper(r.reader collate "C") = other and r.state = 'acked')
          and not exists (select from public.messages as theirs
            where theirs.id = m.reply_to and other in (upper(theirs.tag collate "C"), upper(theirs.author_tag collate "C")))
          and not exists (select from public.receipts as r join public.messages as theirs on theirs.id = r.message_id
            where upper(r.reader collate "C") = me and r.route = 'answer'
              and r.acked_at between m.created_at and m.created_at + interval '5 seconds'
              and upper(theirs.tag collate "C") = other)));
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
  asked text;
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
    if agentmux.acting_role() is null and not exists (select from public.agent_sessions as s where s.tag = folded) then
      select string_agg('#' || t.id, ', ' order by t.id) into held
      from public.tasks as t where t.status = 'running' and upper(t.lease_owner collate "C") = folded;
      select string_agg('#' || id, ', ' order by id) into asked from unnest(agentmux.open_requests(folded)) as id;
      if coalesce(mail, held, asked) is not null then
        perform agentmux.say(format('%s The client of %s has died.%s%s%s',
          (select string_agg('@' || h, ' ') from unnest(agentmux.humans()) as h), me,
          ' Unfinished mail, handed over again when it is started: ' || mail || '.',
          ' Tasks that it held, free again in a few seconds: ' || held || '.',
          ' Its requests that are not answered yet: ' || asked || '.'));
      end if;
    end if;
  end if;
  return ended;
end $$;

revoke all on function agentmux.open_requests(text) from public, anon, authenticated, service_role;

insert into agentmux.migrations (version) values ('20261205001000');
