-- Sight: what an agent does now, as its own server reads it from its client's files. One small row for each agent, which is overwritten:
-- nothing of it is in the messages or the events. Beside it what humans do about it: stops, and who edits the same file.

create table public.mux_sight (
  tag text not null,
  session text,
  client text,
  status text,
  waiting_for text,
  tool text,
  argument text,
  tool_at timestamptz,
  said text,
  said_at timestamptz,
  prompt text,
  prompted_at timestamptz,
  model text,
  tokens bigint,
  context_window bigint,
  cost real,
  updated_at timestamptz not null default clock_timestamp(),
  constraint sight_tag_is_a_tag check (tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'),
  constraint sight_at_most_2_kb check (octet_length(concat(session, client, status, waiting_for, tool, argument, said, prompt, model)) <= 2048)
);
comment on table public.mux_sight is 'what each agent does now: written by its server, one row for each';
comment on column public.mux_sight.session is 'which of its clients wrote it last';
comment on column public.mux_sight.status is 'what the client itself says that it does: busy, waiting, idle';
comment on column public.mux_sight.waiting_for is 'what the client says that it waits for';
comment on column public.mux_sight.argument is 'the most telling argument of the last tool, cut, with what looks like a secret masked';
comment on column public.mux_sight.said is 'the last line that its model said';
comment on column public.mux_sight.prompt is 'the last prompt that its user typed';
comment on column public.mux_sight.tokens is 'the size of its context';
comment on column public.mux_sight.context_window is 'the greatest size of its context; null if the client does not say';
comment on column public.mux_sight.cost is 'US dollars that its session has cost, as its client counts; null if the client does not say';
create unique index mux_sight_tag on public.mux_sight (upper(tag collate "C"));

-- A human's wish that a client stops, until its turn ends or ten minutes have passed. Then what became of it.
create table public.mux_stops (
  tag text collate "C" not null,
  session text not null,
  reason text,
  asked_by text,
  asked_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz,
  primary key (tag, session),
  constraint stops_reason_at_most_500_characters check (char_length(reason) <= 500)
);
comment on table public.mux_stops is 'which clients a human wants to stop, and those that have stopped for that';
comment on column public.mux_stops.tag is 'the tag in upper case';
comment on column public.mux_stops.session is 'which of its clients, as in agent_sessions';
comment on column public.mux_stops.stopped_at is 'when its hook told the client to stop';

-- Which files agents edited in the last hour. The same path on another machine is another file.
create table public.mux_edits (
  tag text collate "C" not null,
  machine text collate "C" not null,
  path text collate "C" not null,
  edited_at timestamptz not null,
  primary key (tag, machine, path),
  constraint edits_names_are_short check (octet_length(machine) <= 255 and octet_length(path) <= 1024)
);
comment on table public.mux_edits is 'which files agents edited in the last hour, as their hooks say';
comment on column public.mux_edits.tag is 'the tag in upper case';
create index mux_edits_file on public.mux_edits (machine, path, edited_at);
create index mux_edits_age on public.mux_edits (edited_at);

-- Of which edits an agent was told, so that it is told once of another agent and a file within ten minutes.
create table agentmux.told_edits (
  reader text collate "C" not null,
  tag text collate "C" not null,
  machine text collate "C" not null,
  path text collate "C" not null,
  told_at timestamptz not null,
  primary key (reader, tag, machine, path)
);
create index told_edits_age on agentmux.told_edits (told_at);
revoke all on agentmux.told_edits from public, anon, authenticated, service_role;

-- An agent sees only its own rows: an argument of a tool, or what a user typed, may contain anything.
alter table public.mux_sight enable row level security;
alter table public.mux_stops enable row level security;
alter table public.mux_edits enable row level security;
do $do$
declare
  name text;
begin
  foreach name in array array['sight', 'stops', 'edits'] loop
    execute format($policy$create policy %s_read on public.mux_%1$s for select to authenticated using (
      (select agentmux.admitted()) and ((select i.kind from agentmux.identity() as i) = 'human'
        or upper(tag collate "C") = (select upper(i.tag collate "C") from agentmux.identity() as i)))$policy$, name);
    execute format('create policy %s_service on public.mux_%1$s for select to service_role using (true)', name);
    execute format('revoke all on public.mux_%s from public, anon, authenticated, service_role', name);
    execute format('grant select on public.mux_%s to authenticated, service_role', name);
  end loop;
end $do$;

-- Whether the caller is a human, or may do whatever a human may: the owner, and a service key.
create function agentmux.acts_as_human() returns boolean language sql stable security definer set search_path = '' as $$
  select coalesce((select i.kind = 'human' or not i.verified from agentmux.identity() as i),
    current_setting('role') not in ('anon', 'authenticated'))
$$;
revoke all on function agentmux.acts_as_human from public;

-- How long a stop waits for its client, how near in time two edits of a file concern each other, and how long they are kept.
create function agentmux.stop_patience() returns interval language sql immutable parallel safe set search_path = '' as $$
  select interval '10 minutes'
$$;
revoke all on function agentmux.stop_patience from public;
create function agentmux.edit_window() returns interval language sql immutable parallel safe set search_path = '' as $$
  select interval '10 minutes'
$$;
revoke all on function agentmux.edit_window from public;

-- Overwrites what the caller does now; null removes it. Fields that are not named are empty.
create function public.sight_set(p_sight jsonb, p_session text default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  instant timestamptz := clock_timestamp();
begin
  perform agentmux.guard_lock('what it does now');
  if (select i.kind from agentmux.identity() as i) = 'human' then
    raise exception using errcode = '42501', message = 'only agents say what they do';
  end if;
  if p_sight is null then
    delete from public.mux_sight as s where upper(s.tag collate "C") = upper(me collate "C");
    return;
  end if;
  insert into public.mux_sight as s (tag, session, client, status, waiting_for, tool, argument, tool_at, said, said_at, prompt, prompted_at,
    model, tokens, context_window, cost, updated_at)
  select me, p_session, n.client, n.status, n.waiting_for, n.tool, n.argument, n.tool_at, n.said, n.said_at, n.prompt, n.prompted_at,
    n.model, n.tokens, n.context_window, n.cost, instant
  from jsonb_to_record(p_sight) as n (client text, status text, waiting_for text, tool text, argument text, tool_at timestamptz,
    said text, said_at timestamptz, prompt text, prompted_at timestamptz, model text, tokens bigint, context_window bigint, cost real)
  on conflict (upper(tag collate "C")) do update set
    tag = excluded.tag, session = excluded.session, client = excluded.client, status = excluded.status, waiting_for = excluded.waiting_for,
    tool = excluded.tool, argument = excluded.argument, tool_at = excluded.tool_at, said = excluded.said, said_at = excluded.said_at,
    prompt = excluded.prompt, prompted_at = excluded.prompted_at, model = excluded.model, tokens = excluded.tokens,
    context_window = excluded.context_window, cost = excluded.cost, updated_at = excluded.updated_at;
end $$;
revoke all on function public.sight_set from public, anon;
grant execute on function public.sight_set to authenticated, service_role;

-- Of each agent of which there is anything: what it does (`sight`), its newest stop, and which files others edited within ten minutes
-- of it. An agent gets its own.
create function public.sights() returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  mine text;
  instant timestamptz := clock_timestamp();
begin
  perform public.mux_guard();
  if not agentmux.acts_as_human() then
    mine := upper(agentmux.me() collate "C");
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('tag', one.tag, 'sight', one.sight, 'stop', one.stop, 'files', one.files) order by one.tag), '[]')
    from (
      select a.tag,
        (select to_jsonb(s.*) - 'tag' from public.mux_sight as s where upper(s.tag collate "C") = upper(a.tag collate "C")) as sight,
        (select jsonb_build_object('asked_by', s.asked_by, 'asked_at', s.asked_at, 'stopped_at', s.stopped_at, 'reason', s.reason)
          from public.mux_stops as s
          where s.tag = upper(a.tag collate "C") and (s.stopped_at is not null or s.asked_at > instant - agentmux.stop_patience())
          order by s.asked_at desc limit 1) as stop,
        (select jsonb_agg(jsonb_build_object('path', near.path, 'tag', near.tag, 'edited_at', near.edited_at) order by near.edited_at desc)
          from (
            select e.path, coalesce(other.tag, o.tag) as tag, o.edited_at
            from public.mux_edits as e
            join public.mux_edits as o on o.machine = e.machine and o.path = e.path and o.tag <> e.tag
            left join public.agents as other on upper(other.tag collate "C") = o.tag
            where e.tag = upper(a.tag collate "C") and greatest(e.edited_at, o.edited_at) > instant - agentmux.edit_window()
              and o.edited_at between e.edited_at - agentmux.edit_window() and e.edited_at + agentmux.edit_window()
            order by o.edited_at desc limit 10
          ) as near) as files
      from public.agents as a
      where mine is null or upper(a.tag collate "C") = mine
    ) as one
    where one.sight is not null or one.stop is not null or one.files is not null);
end $$;
revoke all on function public.sights from public, anon;
grant execute on function public.sights to authenticated, service_role;

-- Asks the working clients of an agent, or of all agents (null), to stop before their next step: for humans. Returns what it asked.
create function public.agent_stop(p_tag text default null, p_reason text default null) returns setof public.mux_stops
language plpgsql security definer set search_path = '' as $$
declare
  me record;
begin
  perform public.mux_guard();
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if coalesce(me.verified, false) and me.kind <> 'human' then
    raise exception using errcode = '42501', message = format('you are %s, and only a human can stop agents', me.tag),
      hint = 'A human stops them with `agentmux stop`.';
  end if;
  if p_tag is not null and not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_tag collate "C")) then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  delete from public.mux_stops as s where s.asked_at < clock_timestamp() - interval '1 day';
  return query
  insert into public.mux_stops as s (tag, session, reason, asked_by)
  select w.tag, w.session, p_reason, me.tag from public.agent_sessions as w
  where (p_tag is null or w.tag = upper(p_tag collate "C")) and w.presence in ('working', 'blocked')
    and w.seen_at > clock_timestamp() - interval '5 minutes'
  order by w.tag, w.session
  on conflict (tag, session) do update set
    reason = excluded.reason, asked_by = excluded.asked_by, asked_at = excluded.asked_at, stopped_at = null
  returning s.*;
end $$;
revoke all on function public.agent_stop from public, anon;
grant execute on function public.agent_stop to authenticated, service_role;

-- The caller's client was told to stop. With p_idle its turn has ended, and mail does not wake it for ten minutes, or it would go on
-- at once.
create function public.agent_stopped(p_session text, p_idle boolean default true) returns void
language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
begin
  perform agentmux.guard_lock('its stops');
  update public.mux_stops as s set stopped_at = clock_timestamp()
  where s.tag = upper(me collate "C") and s.session = p_session and s.stopped_at is null;
  if p_idle then perform public.agent_touch(p_presence => 'idle', p_session => p_session, p_quiet => 600); end if;
end $$;
revoke all on function public.agent_stopped from public, anon;
grant execute on function public.agent_stopped to authenticated, service_role;

-- A stop is for one turn: when that has ended otherwise, the client must not be stopped in a later one.
create function agentmux.turn_over() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.mux_stops as s where s.tag = old.tag and s.session = old.session and s.stopped_at is null;
  return null;
end $$;
revoke all on function agentmux.turn_over from public;
create trigger agent_sessions_turn_over after update of presence on public.agent_sessions for each row
  when (new.presence = 'idle' and old.presence <> 'idle') execute function agentmux.turn_over();
create trigger agent_sessions_gone after delete on public.agent_sessions for each row execute function agentmux.turn_over();

-- Nothing of what an agent did is left of one that was forgotten.
create function agentmux.sight_over() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  delete from public.mux_sight as s where upper(s.tag collate "C") = upper(old.tag collate "C");
  delete from public.mux_stops as s where s.tag = upper(old.tag collate "C");
  delete from public.mux_edits as e where e.tag = upper(old.tag collate "C");
  delete from agentmux.told_edits as t where t.reader = upper(old.tag collate "C");
  return null;
end $$;
revoke all on function agentmux.sight_over from public;
create trigger agents_sight_over after delete on public.agents for each row execute function agentmux.sight_over();

-- Notes that an agent has edited files (a JSON list of absolute paths), and removes what is an hour old, whoever wrote it, without
-- waiting for anybody.
create function agentmux.note_edits(p_tag text, p_machine text, p_edits jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  instant timestamptz := clock_timestamp();
begin
  insert into public.mux_edits as e (tag, machine, path, edited_at)
  select p_tag, p_machine, given.path, instant
  from (select distinct value as path from jsonb_array_elements_text(p_edits) order by value limit 100) as given
  where octet_length(given.path) between 1 and 1024 and octet_length(p_machine) between 1 and 255
  on conflict (tag, machine, path) do update set edited_at = excluded.edited_at;
  delete from public.mux_edits as e using (
    select o.tag, o.machine, o.path from public.mux_edits as o where o.edited_at < instant - interval '1 hour' limit 200 for update skip locked
  ) as old where e.tag = old.tag and e.machine = old.machine and e.path = old.path;
  delete from agentmux.told_edits as t using (
    select o.reader, o.tag, o.machine, o.path from agentmux.told_edits as o
    where o.told_at < instant - interval '1 hour' limit 200 for update skip locked
  ) as old where t.reader = old.reader and t.tag = old.tag and t.machine = old.machine and t.path = old.path;
end $$;
revoke all on function agentmux.note_edits from public;

-- Who else has edited a file within ten minutes of when the reader did, newest first, and of which the reader was not told yet. It counts
-- as told from now on.
create function agentmux.tell_edits(p_reader text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  instant timestamptz := clock_timestamp();
  told jsonb;
begin
  with news as (
    select o.tag, o.machine, o.path, o.edited_at
    from public.mux_edits as e
    join public.mux_edits as o on o.machine = e.machine and o.path = e.path and o.tag <> e.tag
    where e.tag = p_reader and e.edited_at > instant - interval '1 hour'
      and o.edited_at between e.edited_at - agentmux.edit_window() and e.edited_at + agentmux.edit_window()
      and not exists (select from agentmux.told_edits as t
        where t.reader = p_reader and t.tag = o.tag and t.machine = o.machine and t.path = o.path
          and t.told_at > o.edited_at - agentmux.edit_window())
    order by o.edited_at desc limit 10
  ), noted as (
    insert into agentmux.told_edits as t (reader, tag, machine, path, told_at)
    select p_reader, n.tag, n.machine, n.path, instant from news as n order by n.tag, n.machine, n.path
    on conflict (reader, tag, machine, path) do update set told_at = excluded.told_at
  )
  select jsonb_agg(jsonb_build_object('path', n.path, 'tag', coalesce(a.tag, n.tag), 'edited_at', n.edited_at) order by n.edited_at desc)
  into told
  from news as n left join public.agents as a on upper(a.tag collate "C") = n.tag;
  return told;
end $$;
revoke all on function agentmux.tell_edits from public;

-- What a hook asks for between two steps, in one request. `messages`: what inbox_take takes, with the receipts that they had before.
-- With p_stops, `stop` if a human wants this client to stop: then no message is taken. It is asked for until agent_stopped says that
-- the client was told. p_edits: the files that the agent has edited, on p_machine. With p_hears, `edits`: who else has edited those of
-- the last hour; the agent is told of each once.
create function public.hook_take(p_limit int default 20, p_route text default null, p_bytes int default 1048576, p_take_id text default null,
  p_session text default null, p_ended text default null, p_stops boolean default false, p_hears boolean default false,
  p_machine text default null, p_edits jsonb default null)
returns jsonb language plpgsql security definer set search_path = '' as $$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  wish record;
  mail jsonb;
begin
  perform agentmux.guard_lock('what its hooks report');
  if p_edits is not null then perform agentmux.note_edits(folded, p_machine, p_edits); end if;
  if p_stops then
    select s.asked_by, s.reason into wish from public.mux_stops as s
    where s.tag = folded and s.session = p_session and s.stopped_at is null
      and s.asked_at > clock_timestamp() - agentmux.stop_patience();
    if found then
      if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
      return jsonb_build_object('messages', '[]'::jsonb, 'stop', jsonb_build_object('asked_by', wish.asked_by, 'reason', wish.reason));
    end if;
  end if;
  select jsonb_agg(jsonb_build_object('id', m.id, 'content', m.content, 'tag', m.tag, 'mentions', m.mentions, 'reply_to', m.reply_to,
    'client_id', m.client_id, 'author_tag', m.author_tag, 'author_kind', m.author_kind, 'verified', m.verified,
    'created_at', m.created_at, 'signature', m.meta -> 'signature',
    'receipts', (select coalesce(jsonb_agg(jsonb_build_object('reader', r.reader, 'attempts', r.attempts, 'takes', r.takes)), '[]')
      from public.receipts as r where r.message_id = m.id and upper(r.reader collate "C") = folded)))
  into mail
  from public.inbox_take(p_limit, p_route, 30, p_bytes, p_take_id, p_session, p_ended) as m;
  return jsonb_build_object('messages', coalesce(mail, '[]'))
    || case when p_hears then jsonb_build_object('edits', agentmux.tell_edits(folded)) else '{}' end;
end $$;
revoke all on function public.hook_take from public, anon;
grant execute on function public.hook_take to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261216000000');
