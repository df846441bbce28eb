-- The whole schema that the migrations make, grouped as they are. To be read: `npm run schema-check -- --write` writes it.
-- Left out are owners, and what PostgreSQL makes by itself.

-- ==== ledger ====

create table agentmux.migrations (
  version text not null,
  applied_at timestamp with time zone not null default clock_timestamp(),
  constraint migrations_pkey PRIMARY KEY (version)
);

-- ==== tokens ====

-- The first valid generation of a tag's tokens (`tag` in upper case); 0 for tags that are not here. Tokens without a generation,
-- which earlier versions made, count as generation 0.
create table agentmux.token_generation (
  tag text collate "C" not null,
  gen integer not null,
  since timestamp with time zone not null default clock_timestamp(),
  constraint token_generation_pkey PRIMARY KEY (tag)
);

create table agentmux.ended_tokens (
  jti text collate "C" not null,
  ended_at timestamp with time zone not null default clock_timestamp(),
  constraint ended_tokens_pkey PRIMARY KEY (jti)
);

-- The first valid generation of a tag's tokens.
CREATE OR REPLACE FUNCTION agentmux.token_generation(p_tag text)
 RETURNS integer
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce((select t.gen from agentmux.token_generation as t where t.tag = upper(p_tag collate "C")), 0)
$function$;

-- Whether the token of this request is still valid. Renewed tokens form a chain: their `sid` is the id (`jti`) of the first one.
-- Ending a token ends its whole chain.
CREATE OR REPLACE FUNCTION agentmux.token_holds()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce(c.claims ->> 'iss' <> 'agentmux', true) or (
    not exists (select from agentmux.ended_tokens as t where t.jti in (c.claims ->> 'jti', c.claims ->> 'sid'))
    and (
      coalesce(c.claims #>> '{app_metadata,kind}' = 'human', false)
      or coalesce(case when jsonb_typeof(c.claims -> 'gen') = 'number' then (c.claims ->> 'gen')::numeric end, 0)
        >= agentmux.token_generation(c.claims #>> '{app_metadata,agent_tag}')
    )
  )
  from (select nullif(current_setting('request.jwt.claims', true), '')::jsonb) as c (claims)
$function$;

-- Tells hubs that tokens have changed. They look here which ones (anyone may send this notification), and close their sockets.
CREATE OR REPLACE FUNCTION agentmux.announce_tokens()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select pg_notify('agentmux', '{"kind":"tokens"}')
$function$;

-- Ends all tokens of an agent; returns the generation of new ones.
CREATE OR REPLACE FUNCTION agentmux.end_tokens(p_tag text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  grown int;
begin
  insert into agentmux.token_generation as t (tag, gen) values (upper(p_tag collate "C"), 1)
  on conflict (tag) do update set gen = t.gen + 1, since = clock_timestamp()
  returning t.gen into grown;
  perform agentmux.announce_tokens();
  return grown;
end $function$;

-- Ends one token. Rows older than the longest life of a token (a month, and a year in which it can be renewed) are deleted.
CREATE OR REPLACE FUNCTION agentmux.end_token(p_jti text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from agentmux.ended_tokens as t where t.ended_at < clock_timestamp() - interval '2 years';
  insert into agentmux.ended_tokens (jti) values (p_jti) on conflict do nothing;
  perform agentmux.announce_tokens();
end $function$;

-- Revoking an agent ends its tokens. Hubs are notified of that, and of an agent's return.
CREATE OR REPLACE FUNCTION agentmux.agents_revoked()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if new.revoked_at is not null and (tg_op = 'INSERT' or old.revoked_at is null) then
    perform agentmux.end_tokens(new.tag);
  elsif tg_op = 'UPDATE' and new.revoked_at is null and old.revoked_at is not null then
    perform agentmux.announce_tokens();
  end if;
  return null;
end $function$;

-- ==== agents ====

create table public.agents (
  tag text not null,
  kind text not null default 'agent'::text,
  role text,
  presence text not null default 'idle'::text,
  joined_at timestamp with time zone not null default clock_timestamp(),
  last_seen_at timestamp with time zone,
  revoked_at timestamp with time zone,
  meta jsonb not null default '{}'::jsonb,
  sessions integer not null default 0,
  wake text,
  joined_snapshot pg_snapshot not null default pg_current_snapshot(),
  damped text,
  paused jsonb,
  groups text[] not null default '{}'::text[],
  focused boolean not null default false,
  constraint agents_groups_at_most_16 CHECK ((cardinality(groups) <= 16)),
  constraint agents_kind_known CHECK ((kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
  constraint agents_meta_is_an_object CHECK ((jsonb_typeof(meta) = 'object'::text)),
  constraint agents_paused_is_an_object CHECK ((jsonb_typeof(paused) = 'object'::text)),
  constraint agents_pkey PRIMARY KEY (tag),
  constraint agents_presence_known CHECK ((presence = ANY (ARRAY['working'::text, 'idle'::text, 'blocked'::text, 'away'::text]))),
  constraint agents_role_at_most_200_characters CHECK ((char_length(role) <= 200)),
  constraint agents_sessions_not_negative CHECK ((sessions >= 0)),
  constraint agents_tag_is_a_tag CHECK (((tag COLLATE "C") ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'::text)),
  constraint agents_wake_known CHECK ((wake = ANY (ARRAY['bell'::text, 'socket'::text])))
);
comment on column public.agents.damped is 'the agents whose messages no longer wake it until one of both does other work or a human writes; null: none';
comment on column public.agents.focused is 'whether it gets only urgent messages between its tools';
comment on column public.agents.groups is 'the groups that it belongs to; @GROUP in a message addresses all agents of the group';
comment on column public.agents.joined_snapshot is 'what was committed when it joined: a message to everyone that is not visible in it is addressed to it, too';
comment on column public.agents.paused is 'when (at) and by whom it was paused, and the reason; null: it is not';
comment on column public.agents.sessions is 'the number of running clients of this agent, as far as they have reported';
comment on column public.agents.wake is 'how one of them can be woken when it is idle; null: it reads at its next turn';
CREATE INDEX agents_groups ON public.agents USING gin (groups) WHERE (groups <> '{}'::text[]);
CREATE UNIQUE INDEX agents_tag_folded ON public.agents USING btree (upper((tag COLLATE "C")));
CREATE INDEX mux_agents_joined ON public.agents USING btree (pg_snapshot_xmax(joined_snapshot));
CREATE TRIGGER agents_before_insert_xid BEFORE INSERT ON public.agents FOR EACH ROW EXECUTE FUNCTION agentmux.number_agent();
CREATE TRIGGER agents_guard_locks BEFORE INSERT OR DELETE OR UPDATE ON public.agents FOR EACH STATEMENT EXECUTE FUNCTION agentmux.guard_locks('agents');
CREATE TRIGGER agents_history_added AFTER INSERT ON public.agents FOR EACH ROW EXECUTE FUNCTION agentmux.agent_history();
CREATE TRIGGER agents_history_changed AFTER UPDATE ON public.agents FOR EACH ROW WHEN (((old.presence <> new.presence) OR ((old.revoked_at IS NULL) <> (new.revoked_at IS NULL)) OR (new.last_seen_at > (COALESCE(old.last_seen_at, old.joined_at) + '00:05:00'::interval)))) EXECUTE FUNCTION agentmux.agent_history();
CREATE TRIGGER agents_left AFTER UPDATE OF presence ON public.agents FOR EACH ROW WHEN (((new.presence = 'away'::text) AND (old.presence <> 'away'::text))) EXECUTE FUNCTION agentmux.owner_left();
CREATE TRIGGER agents_left_first AFTER INSERT ON public.agents FOR EACH ROW WHEN ((new.presence = 'away'::text)) EXECUTE FUNCTION agentmux.owner_left();
CREATE TRIGGER agents_pause_added AFTER INSERT ON public.agents FOR EACH ROW WHEN ((new.paused IS NOT NULL)) EXECUTE FUNCTION agentmux.pause_history();
CREATE TRIGGER agents_pause_changed AFTER UPDATE OF paused ON public.agents FOR EACH ROW WHEN (((old.paused IS NULL) <> (new.paused IS NULL))) EXECUTE FUNCTION agentmux.pause_history();
CREATE TRIGGER agents_pause_new BEFORE INSERT ON public.agents FOR EACH ROW WHEN ((new.kind = 'agent'::text)) EXECUTE FUNCTION agentmux.pause_new();
CREATE TRIGGER agents_revoked AFTER INSERT OR UPDATE OF revoked_at ON public.agents FOR EACH ROW EXECUTE FUNCTION agentmux.agents_revoked();
CREATE TRIGGER agents_sight_over AFTER DELETE ON public.agents FOR EACH ROW EXECUTE FUNCTION agentmux.sight_over();
alter table public.agents enable row level security;
create policy agents_read on public.agents for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy agents_service on public.agents for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.agents to service_role;
grant select on public.agents to authenticated;

-- Several clients may run under one tag at the same time, on purpose or by mistake; each running client is a session. The presence
-- of an agent follows from its sessions. More than one is worth a warning, because they share one inbox.
create table public.agent_sessions (
  tag text collate "C" not null,
  session text not null,
  presence text not null,
  wake text,
  started_at timestamp with time zone not null default clock_timestamp(),
  seen_at timestamp with time zone not null default clock_timestamp(),
  prompted_at timestamp with time zone,
  quiet_until timestamp with time zone,
  woken_at timestamp with time zone,
  constraint agent_sessions_pkey PRIMARY KEY (tag, session),
  constraint agent_sessions_presence_known CHECK ((presence = ANY (ARRAY['working'::text, 'idle'::text, 'blocked'::text]))),
  constraint agent_sessions_session_1_to_200_characters CHECK (((char_length(session) >= 1) AND (char_length(session) <= 200))),
  constraint agent_sessions_wake_known CHECK ((wake = ANY (ARRAY['bell'::text, 'socket'::text])))
);
comment on column public.agent_sessions.prompted_at is 'when its user typed the last prompt';
comment on column public.agent_sessions.quiet_until is 'until when it is not woken, because its user interrupted it';
comment on column public.agent_sessions.tag is 'the tag in upper case';
comment on column public.agent_sessions.woken_at is 'when it was woken for mail that it has not taken yet';
CREATE TRIGGER agent_sessions_gone AFTER DELETE ON public.agent_sessions FOR EACH ROW EXECUTE FUNCTION agentmux.turn_over();
CREATE TRIGGER agent_sessions_guard_locks BEFORE INSERT OR DELETE OR UPDATE ON public.agent_sessions FOR EACH STATEMENT EXECUTE FUNCTION agentmux.guard_locks('agents');
CREATE TRIGGER agent_sessions_turn_over AFTER UPDATE OF presence ON public.agent_sessions FOR EACH ROW WHEN (((new.presence = 'idle'::text) AND (old.presence <> 'idle'::text))) EXECUTE FUNCTION agentmux.turn_over();
alter table public.agent_sessions enable row level security;
create policy agent_sessions_read on public.agent_sessions for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy agent_sessions_service on public.agent_sessions for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.agent_sessions to service_role;
grant select on public.agent_sessions to authenticated;

-- Which agent's SQL a transaction runs; agent_sql adds the rows. Transaction ids start again in a database that was dumped and
-- restored, so the start time of the transaction is compared, too. Rows of ended transactions mean nothing; the next call removes
-- them.
create table agentmux.acting (
  xid xid8 not null,
  started timestamp with time zone not null default transaction_timestamp(),
  tag text not null,
  kind text not null,
  jti text,
  role text not null,
  busy boolean not null default true,
  ends boolean not null default false,
  constraint acting_pkey PRIMARY KEY (xid)
);

-- The identity of a request, or no row. An authenticated token is trusted, because only the service role can write its
-- app_metadata. A service key may name the tag that it acts as, which is unverified. While an agent's SQL runs, the identity is
-- that agent's, even if the SQL changes the claims. The owner's plain SQL has no identity. The role is read from its setting,
-- because current_user is the owner in a security definer function. In plpgsql, which caches its plans: most requests and each
-- change of a watched table ask for it.
CREATE OR REPLACE FUNCTION agentmux.identity()
 RETURNS TABLE(tag text, kind text, verified boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  app jsonb;
begin
  select a.tag, a.kind into tag, kind from agentmux.acting as a
  where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp();
  verified := true;
  if found then
    return next;
    return;
  end if;
  if current_setting('role') = 'authenticated' then
    app := nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata';
    tag := app ->> 'agent_tag';
    kind := case when app ->> 'kind' = 'human' then 'human' else 'agent' end;
  elsif current_setting('role') = 'service_role' then
    tag := nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-agentmux-tag';
    kind := 'agent';
    verified := false;
  end if;
  if tag collate "C" ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' then return next; end if;
end $function$;
grant execute on function agentmux.identity to authenticated, service_role;

-- The role of the agent whose SQL this transaction runs, or null.
CREATE OR REPLACE FUNCTION agentmux.acting_role()
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select a.role from agentmux.acting as a
  where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp()
$function$;

-- Whether the caller may use the mailbox at all: it has an identity that is not revoked, and a token that was not ended. Other
-- signed-in users of the same Supabase project may not.
CREATE OR REPLACE FUNCTION agentmux.admitted()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select exists (
    select from agentmux.identity() as me
    where not exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me.tag collate "C") and a.revoked_at is not null
    )
  ) and agentmux.token_holds()
$function$;
grant execute on function agentmux.admitted to authenticated, service_role;

-- The identity's tag, or an error that says what is missing.
CREATE OR REPLACE FUNCTION agentmux.me()
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := (select tag from agentmux.identity());
begin
  if me is null then
    raise exception using errcode = '42501',
      message = case current_setting('role')
        when 'authenticated' then 'this token does not name an agent'
        when 'service_role' then 'this request does not say which tag it acts as'
        else 'plain SQL has no identity' end,
      hint = case current_setting('role')
        when 'authenticated' then 'It needs app_metadata.agent_tag; `agentmux join` creates such a token.'
        when 'service_role' then 'Send the header x-agentmux-tag.'
        else 'Call this over REST with a token, or write to the table itself.' end;
  end if;
  if not agentmux.admitted() then
    if agentmux.token_holds() or exists (
      select from public.agents as a
      where upper(a.tag collate "C") = upper(me collate "C") and a.revoked_at is not null
    ) then
      raise exception using errcode = '42501', message = format('%s has been revoked', me),
        hint = format('A human can restore it: `agentmux agents restore %s`.', me);
    end if;
    raise exception using errcode = '42501', message = format('this token of %s was ended', me),
      hint = format('Run `agentmux join %s` in its folder to get a new one.', me);
  end if;
  return me;
end $function$;

-- Rejects tokens without an agent, or with a revoked one; the service role and the owner pass. Clients call it to find out why
-- they read no rows.
CREATE OR REPLACE FUNCTION public.mux_guard()
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if current_setting('role') in ('anon', 'authenticated') then perform agentmux.me(); end if;
end $function$;
grant execute on function public.mux_guard to authenticated, service_role;

-- Keeps the SQL of an agent from holding locks that others wait for. Some functions on long texts (translate, strpos) never check
-- whether they were cancelled. A statement that had locked the tasks and then called one of them kept everyone from finishing,
-- cancelling and requeuing tasks for as long as it ran. Therefore an agent's SQL may lock what others need only at the end of
-- its transaction: in one or more statements that consist of nothing but such a call (or an insert of messages) with literal
-- values. Everything else that would take such a lock is rejected here, before the lock is taken. An agent's own messages,
-- receipts and tables may be locked at any time, because nobody else writes them. `p_what` completes the sentence.
CREATE OR REPLACE FUNCTION agentmux.guard_lock(p_what text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if not exists (
    select from agentmux.acting as a
    where a.xid = pg_current_xact_id_if_assigned() and a.started = transaction_timestamp() and not a.ends
  ) then
    return;
  end if;
  raise exception using errcode = '42501', message = format('an agent can only change %s with a statement that does nothing else', p_what),
    detail = 'Otherwise others would have to wait until the rest of the statement is done.',
    hint = 'Call only the function, with literal values: select * from task_add(''a title'', p_depends_on => array[1]). In a script, such calls must come last.';
end $function$;

CREATE OR REPLACE FUNCTION agentmux.guard_locks()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.guard_lock(tg_argv[0]);
  return new;
end $function$;

-- Adds or refreshes the caller as an agent, and one of its sessions. An unverified caller cannot change an agent's kind. p_prompted:
-- its user typed a prompt. p_quiet: the seconds in which it is not woken, because its user interrupted it.
CREATE OR REPLACE FUNCTION public.agent_touch(p_presence text DEFAULT NULL::text, p_role text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_wake text DEFAULT NULL::text, p_prompted boolean DEFAULT false, p_quiet integer DEFAULT NULL::integer)
 RETURNS agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  live record;
  touched public.agents;
begin
  -- Locked, so that of two sessions that come or go at once the second counts the first. A row that is not there cannot be
  -- locked: of many first ones at once each would count itself alone. So it is made first.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  if not found then
    insert into public.agents as a (tag, kind, role, presence, last_seen_at)
    select me, i.kind, p_role, coalesce(p_presence, 'idle'), clock_timestamp() from agentmux.identity() as i
    -- By whichever of its two unique indexes the other is met first.
    on conflict do nothing;
    if found then
      -- What was written to everyone before now is none of its business: its inbox begins here, or at its first mention.
      perform agentmux.advance(me);
    else
      perform from public.agents as a where upper(a.tag collate "C") = folded for update;
    end if;
  end if;
  if p_presence = 'away' then
    perform agentmux.return_mail(me, p_session);
    delete from public.agent_sessions as s where s.tag = folded and s.session = p_session;
  elsif p_session is not null then
    insert into public.agent_sessions as s (tag, session, presence, wake, prompted_at, quiet_until)
    values (folded, p_session, coalesce(p_presence, 'idle'), nullif(p_wake, 'none'), case when p_prompted then clock_timestamp() end,
      clock_timestamp() + make_interval(secs => p_quiet))
    on conflict (tag, session) do update set
      presence = coalesce(p_presence, s.presence),
      wake = case when p_wake is null then s.wake else excluded.wake end,
      prompted_at = coalesce(excluded.prompted_at, s.prompted_at),
      quiet_until = case when p_prompted then null else coalesce(excluded.quiet_until, s.quiet_until) end,
      woken_at = case when p_presence = 'working' then null else s.woken_at end,
      seen_at = clock_timestamp();
  end if;
  -- What they had is given back; nobody else would.
  perform agentmux.return_mail(me, s.session) from public.agent_sessions as s
  where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  delete from public.agent_sessions as s where s.tag = folded and s.seen_at < clock_timestamp() - interval '5 minutes';
  select * into live from agentmux.live_sessions(folded);
  insert into public.agents as a (tag, kind, role, presence, last_seen_at, sessions, wake)
  select me, i.kind, p_role, coalesce(live.presence, p_presence, 'idle'), clock_timestamp(), live.sessions, live.wake
  from agentmux.identity() as i
  on conflict (upper(tag collate "C")) do update set
    kind = case when (select verified from agentmux.identity()) then excluded.kind else a.kind end,
    role = coalesce(p_role, a.role),
    presence = coalesce(live.presence, p_presence, a.presence),
    last_seen_at = excluded.last_seen_at,
    sessions = excluded.sessions,
    wake = excluded.wake
  returning a.* into touched;
  return touched;
end $function$;
grant execute on function public.agent_touch to authenticated, service_role;

-- Revokes or restores an agent: for humans, the service role and the owner. Returns the agent's row.
CREATE OR REPLACE FUNCTION agentmux.set_revoked(p_tag text, p_revoked boolean)
 RETURNS agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  changed public.agents;
  me record;
begin
  select * into me from agentmux.identity();
  if current_setting('role') in ('anon', 'authenticated') then
    perform agentmux.me();
    if me.kind <> 'human' then
      raise exception using errcode = '42501', message = 'only a human may revoke and restore agents';
    end if;
  end if;
  -- A revoked identity could not restore itself.
  if p_revoked and upper(me.tag collate "C") = upper(p_tag collate "C") then
    raise exception using errcode = '22023', message = format('you are %s and cannot revoke yourself', me.tag);
  end if;
  update public.agents as a
  set revoked_at = case when p_revoked then coalesce(a.revoked_at, clock_timestamp()) end
  where upper(a.tag collate "C") = upper(p_tag collate "C")
  returning a.* into changed;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $function$;

-- From its next request on, the agent can neither read nor write, and gets no mail. Repeating this changes nothing.
CREATE OR REPLACE FUNCTION public.agent_revoke(p_tag text)
 RETURNS agents
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select agentmux.set_revoked(p_tag, true)
$function$;
grant execute on function public.agent_revoke to authenticated, service_role;

-- Mail that came in the meantime is waiting for the agent.
CREATE OR REPLACE FUNCTION public.agent_restore(p_tag text)
 RETURNS agents
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select agentmux.set_revoked(p_tag, false)
$function$;
grant execute on function public.agent_restore to authenticated, service_role;

-- ==== mailbox ====

-- One row. A human's signature includes the mailbox's id, so that it is not valid in another mailbox.
create table public.mux_meta (
  one boolean not null default true,
  epoch uuid not null default gen_random_uuid(),
  mailbox_id uuid not null default gen_random_uuid(),
  xid_offset bigint not null default 0,
  constraint mux_meta_one_row CHECK (one),
  constraint mux_meta_pkey PRIMARY KEY (one)
);
comment on column public.mux_meta.epoch is 'which history this is: another one after a backup was put back';
comment on column public.mux_meta.mailbox_id is 'which mailbox this is, for good; signatures name it (docs/signatures.md)';
comment on column public.mux_meta.xid_offset is 'added to this server''s transaction ids, so that they follow those of the server that a dump came from';
CREATE TRIGGER mux_meta_guard_locks BEFORE UPDATE ON public.mux_meta FOR EACH STATEMENT EXECUTE FUNCTION agentmux.guard_locks('the mailbox');
alter table public.mux_meta enable row level security;
create policy mux_meta_read on public.mux_meta for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy mux_meta_service on public.mux_meta for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.mux_meta to service_role;
grant select on public.mux_meta to authenticated;

-- Converts a transaction id of this server to one of this mailbox.
CREATE OR REPLACE FUNCTION agentmux.shift(p_xid xid8, p_offset bigint)
 RETURNS xid8
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
RETURN (((((p_xid)::text)::bigint + p_offset))::text)::xid8;

-- The oldest transaction that is still running, as a transaction id of this mailbox. In plpgsql, because these functions are
-- called for each insert or page, and plpgsql caches their plans.
CREATE OR REPLACE FUNCTION agentmux.horizon()
 RETURNS xid8
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return (select agentmux.shift(pg_snapshot_xmin(pg_current_snapshot()), m.xid_offset) from public.mux_meta as m);
end $function$;

-- Looks for rows with transaction ids that this server has not assigned yet: all rows visible in a snapshot were written before
-- its xmax, or by the current transaction. If there are any, raises the offset above them and sets a new epoch; returns whether
-- it did. Of several concurrent callers, one does it. Seals and cursors use ids of messages and redactions, so checking those
-- is enough.
CREATE OR REPLACE FUNCTION agentmux.adopt_xids()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  seen record;
begin
  select m.xid_offset, n.newest,
    n.newest >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint + m.xid_offset
      and n.newest is distinct from pg_current_xact_id_if_assigned()::text::bigint + m.xid_offset as is_restored
  into seen
  from public.mux_meta as m
  cross join (select greatest(
    (select w.xid from public.messages as w order by w.xid desc, w.id desc limit 1)::text::bigint,
    (select r.xid from public.redactions as r order by r.xid desc, r.message_id desc limit 1)::text::bigint,
    -- The first that had not begun when the agent joined.
    (select pg_snapshot_xmax(a.joined_snapshot) from public.agents as a
      order by pg_snapshot_xmax(a.joined_snapshot) desc limit 1)::text::bigint - 1) as newest) as n;
  if seen.is_restored is not true then return false; end if;
  -- Rows of transactions that have ended mean nothing, but one of these could be taken for a later transaction's.
  delete from agentmux.acting as a
  where a.xid >= pg_snapshot_xmax(pg_current_snapshot()) and a.xid is distinct from pg_current_xact_id_if_assigned();
  update public.mux_meta as m set epoch = gen_random_uuid(),
    xid_offset = seen.newest + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  where m.xid_offset = seen.xid_offset;
  return found;
end $function$;

-- The current transaction, as a transaction id of this mailbox.
CREATE OR REPLACE FUNCTION agentmux.current_xid()
 RETURNS xid8
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.adopt_xids();
  return (select agentmux.shift(pg_current_xact_id(), m.xid_offset) from public.mux_meta as m);
end $function$;

-- Sets the snapshot with which an agent joins, in transaction ids of this mailbox.
CREATE OR REPLACE FUNCTION agentmux.number_agent()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.adopt_xids();
  select format('%s:%s:%s',
    agentmux.shift(pg_snapshot_xmin(s.now), m.xid_offset), agentmux.shift(pg_snapshot_xmax(s.now), m.xid_offset),
    (select string_agg(agentmux.shift(x, m.xid_offset)::text, ',' order by x) from pg_snapshot_xip(s.now) as x))::pg_snapshot
  into new.joined_snapshot
  from public.mux_meta as m cross join (select pg_current_snapshot() as now) as s;
  return new;
end $function$;

-- The mailbox, its history and its newest settled row, before which no transaction can commit any more (null: there is none). A
-- database can lose its newest rows and keep its epoch: an older copy of its files was put back, or a standby took over. It then
-- assigns the same ids again. Therefore a follower remembers a row, which it can look for, and not only a number. Volatile: the
-- first call after a restore sets the new epoch. Clients that follow the mailbox call this every few seconds, so it also looks after
-- the watched tables.
CREATE OR REPLACE FUNCTION public.mailbox_state()
 RETURNS TABLE(epoch uuid, horizon text, latest_id bigint, mailbox_id uuid, settled_xid text, settled_id bigint, settled_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  perform agentmux.watch_upkeep();
  return query select m.epoch, agentmux.horizon()::text,
    coalesce((select max(messages.id) from public.messages), 0), m.mailbox_id, s.xid::text, s.id, s.created_at
  from public.mux_meta as m
  left join lateral (select w.xid, w.id, w.created_at from public.messages as w
    where w.xid < agentmux.horizon() order by w.xid desc, w.id desc limit 1) as s on true;
end $function$;
grant execute on function public.mailbox_state to authenticated, service_role;

-- ==== messages ====

-- The tag in brackets that the content begins with.
CREATE OR REPLACE FUNCTION agentmux.tag(p_content text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
AS $function$
  select coalesce(substring(p_content collate "C" from '^\[([A-Za-z][A-Za-z0-9_-]{0,31})\]'), 'UNTAGGED')
$function$;
grant execute on function agentmux.tag to authenticated, service_role;

-- The content without the tag in brackets and the white space (JavaScript's \s) after it.
CREATE OR REPLACE FUNCTION agentmux.body(p_content text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
AS $function$
  select regexp_replace(p_content collate "C",
    '^\[[A-Za-z][A-Za-z0-9_-]{0,31}\][ \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*', '')
$function$;
grant execute on function agentmux.body to authenticated, service_role;

-- The @TAGs in order of appearance, as first spelled, each once: the same rule as mentionsIn in source/mailbox/message.ts.
-- The character before the @ is consumed instead of using a lookbehind, which PostgreSQL evaluates from the start of the text for
-- each match. A name cannot end where that character is needed again, so no mention is missed. Only the first 4,096 @ are
-- searched: a message of the maximum size that repeats `@a` 87,000 times took seconds on a busy machine.
CREATE OR REPLACE FUNCTION agentmux.mentions(p_content text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
AS $function$
  select coalesce(array_agg(first.name order by first.place), '{}')
  from (
    select once.name, once.place
    from (
      select distinct on (upper(found.groups[1] collate "C")) found.groups[1] as name, found.place
      from regexp_matches(array_to_string((string_to_array(p_content, '@'))[:4097], '@') collate "C",
        '(?:^|[^A-Za-z0-9_@-])@([A-Za-z][A-Za-z0-9_-]{0,31})(?![A-Za-z0-9_-])', 'g') with ordinality as found (groups, place)
      order by upper(found.groups[1] collate "C"), found.place
    ) as once
    order by once.place
    limit 64
  ) as first
$function$;
grant execute on function agentmux.mentions to authenticated, service_role;

create table public.messages (
  id bigint not null generated by default as identity,
  content text not null,
  tag text not null generated always as (agentmux.tag(content)) stored,
  body text not null generated always as (agentmux.body(content)) stored,
  mentions text[] not null default '{}'::text[],
  reply_to bigint,
  thread_id bigint not null default 0,
  client_id uuid,
  meta jsonb not null default '{}'::jsonb,
  author_tag text,
  author_kind text,
  verified boolean not null default false,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamp with time zone not null default clock_timestamp(),
  constraint messages_author_kind_known CHECK ((author_kind = ANY (ARRAY['human'::text, 'agent'::text, 'system'::text]))),
  constraint messages_client_id_key UNIQUE (client_id),
  constraint messages_content_at_most_262144_bytes CHECK ((octet_length(content) <= 262144)),
  constraint messages_content_not_empty CHECK ((octet_length(content) >= 1)),
  constraint messages_meta_at_most_65536_bytes CHECK ((octet_length((meta)::text) <= 65536)),
  constraint messages_meta_is_an_object CHECK ((jsonb_typeof(meta) = 'object'::text)),
  constraint messages_pkey PRIMARY KEY (id),
  constraint messages_reply_to_fkey FOREIGN KEY (reply_to) REFERENCES messages(id) ON DELETE SET NULL
);
CREATE INDEX messages_created ON public.messages USING btree (created_at);
CREATE INDEX messages_cursor ON public.messages USING btree (xid, id);
CREATE INDEX messages_first ON public.messages USING btree (xid, id) WHERE ((author_kind = 'human'::text) OR (meta @> '{"urgent": true}'::jsonb));
CREATE INDEX messages_reply_to ON public.messages USING btree (reply_to) WHERE (reply_to IS NOT NULL);
CREATE INDEX messages_thread ON public.messages USING btree (thread_id, id);
CREATE INDEX messages_to_everyone ON public.messages USING btree (xid, id) WHERE (mentions = '{}'::text[]);
CREATE TRIGGER messages_answers AFTER INSERT ON public.messages FOR EACH ROW WHEN (((new.author_tag IS NOT NULL) OR (new.tag <> 'UNTAGGED'::text))) EXECUTE FUNCTION agentmux.message_answers();
CREATE TRIGGER messages_append_only BEFORE DELETE OR UPDATE ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.refuse_amendment();
CREATE TRIGGER messages_append_only_truncate BEFORE TRUNCATE ON public.messages FOR EACH STATEMENT EXECUTE FUNCTION agentmux.refuse_amendment();
CREATE TRIGGER messages_before_insert BEFORE INSERT ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.note_writer();
CREATE TRIGGER messages_before_insert_adopt BEFORE INSERT ON public.messages FOR EACH STATEMENT EXECUTE FUNCTION agentmux.adopt_before();
CREATE TRIGGER messages_before_insert_derive BEFORE INSERT ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.derive_message();
CREATE TRIGGER messages_before_insert_mentions BEFORE INSERT ON public.messages FOR EACH ROW WHEN (((strpos(new.content, '@'::text) > 0) OR (new.mentions <> '{}'::text[]))) EXECUTE FUNCTION agentmux.address_message();
CREATE TRIGGER messages_before_insert_scheduled BEFORE INSERT ON public.messages FOR EACH ROW WHEN (((new.author_tag IS NULL) AND (new.client_id IS NOT NULL))) EXECUTE FUNCTION agentmux.author_scheduled();
CREATE TRIGGER messages_entries AFTER INSERT OR DELETE OR UPDATE OF id, content ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.message_entries();
CREATE TRIGGER messages_entries_truncate AFTER TRUNCATE ON public.messages FOR EACH STATEMENT EXECUTE FUNCTION agentmux.message_entries();
CREATE TRIGGER messages_mentions_changed BEFORE UPDATE OF content, mentions ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.address_message();
CREATE TRIGGER messages_words AFTER INSERT ON public.messages REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION agentmux.message_words();
CREATE TRIGGER messages_words_changed AFTER DELETE OR UPDATE OF id, content, author_tag, verified, created_at ON public.messages FOR EACH ROW EXECUTE FUNCTION agentmux.message_words();
CREATE TRIGGER messages_words_truncate AFTER TRUNCATE ON public.messages FOR EACH STATEMENT EXECUTE FUNCTION agentmux.message_words();
alter table public.messages enable row level security;
create policy messages_read on public.messages for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy messages_service on public.messages for all to service_role using (true) with check (true);
create policy messages_write on public.messages for insert to authenticated with check ((( SELECT agentmux.admitted() AS admitted) AND (EXISTS ( SELECT FROM agentmux.identity() me(tag, kind, verified) WHERE ((me.kind = 'human'::text) OR (upper((me.tag COLLATE "C")) = upper((messages.tag COLLATE "C"))))))));
grant delete, insert, select, update on public.messages to service_role;
grant insert (content, reply_to, client_id, meta) on public.messages to authenticated;
grant select on public.messages to authenticated;

-- The role that inserts is only known to a function that runs with its rights, and such a function cannot access this schema.
-- Therefore the first of two triggers stores the role in a column that the second one sets.
CREATE OR REPLACE FUNCTION agentmux.note_writer()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  new.author_tag := current_user;
  return new;
end $function$;

-- Sets the columns that no client may set: thread, author, transaction and time. A message that an agent inserts by SQL has that
-- agent as its verified author. The branch depends on the role that inserts, not on a setting: as SYSTEM, only the owner's functions
-- can write (this one runs as the owner, too), and while an agent's SQL runs, only a trigger's. The policy on the table rejects the
-- same messages as this function, which only has a better error message. Nobody can write a message that looks redacted.
CREATE OR REPLACE FUNCTION agentmux.derive_message()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- The messages of each channel: a message belongs to the channel of its tag and those of all tags it mentions. This is a table,
-- because the newest rows of a tag must be found quickly however many there are, and a GIN index on mentions has no order.
create table public.channel_entries (
  tag text collate "C" not null,
  message_id bigint not null,
  mentioned boolean not null,
  spelled text not null,
  constraint channel_entries_pkey PRIMARY KEY (tag, message_id)
);
comment on column public.channel_entries.mentioned is 'the message addresses the tag; otherwise the tag only wrote it';
comment on column public.channel_entries.tag is 'the tag in upper case';
CREATE INDEX mux_channel_authors ON public.channel_entries USING btree (tag) WHERE (NOT mentioned);
alter table public.channel_entries enable row level security;

-- Keeps channel_entries up to date.
CREATE OR REPLACE FUNCTION agentmux.message_entries()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'TRUNCATE' then
    truncate public.channel_entries;
    return null;
  end if;
  if tg_op <> 'INSERT' then
    delete from public.channel_entries as e
    where e.message_id = old.id
      and e.tag = any (array(select upper(t collate "C") from unnest(array_append(old.mentions, old.tag)) as t));
  end if;
  if tg_op <> 'DELETE' then
    insert into public.channel_entries (tag, message_id, mentioned, spelled)
    select upper(m collate "C"), new.id, true, m from unnest(new.mentions) as m
    union all
    select upper(new.tag collate "C"), new.id, false, new.tag
    where new.mentions = '{}' or upper(new.tag collate "C") <> all (array(select upper(m collate "C") from unnest(new.mentions) as m));
  end if;
  return null;
end $function$;

-- The messages beyond a cursor, in the order (xid, id). settled: no running transaction can commit a row before it.
CREATE OR REPLACE FUNCTION public.messages_since(p_xid text DEFAULT '0'::text, p_id bigint DEFAULT 0, p_limit integer DEFAULT 500)
 RETURNS TABLE(id bigint, content text, tag text, body text, mentions text[], reply_to bigint, thread_id bigint, client_id uuid, meta jsonb, author_tag text, author_kind text, verified boolean, xid text, created_at timestamp with time zone, settled boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  horizon xid8 := agentmux.horizon();
begin
  perform public.mux_guard();
  -- PostgreSQL 15 would read any other text as 0.
  if p_xid !~ '^[0-9]{1,20}$' then
    raise exception using errcode = '22P02', message = format('the xid of a cursor must be a number, not %L', p_xid);
  end if;
  return query select m.id, m.content, m.tag, m.body, m.mentions, m.reply_to, m.thread_id, m.client_id,
    m.meta, m.author_tag, m.author_kind, m.verified, m.xid::text, m.created_at, m.xid < horizon
  from public.messages as m
  where (m.xid, m.id) > (p_xid::xid8, p_id)
  order by m.xid, m.id
  limit least(greatest(coalesce(p_limit, 500), 1), 1000);
end $function$;
grant execute on function public.messages_since to authenticated, service_role;

-- The messages of a channel, newest first.
CREATE OR REPLACE FUNCTION public.channel_messages(p_tag text, p_before bigint DEFAULT NULL::bigint, p_after bigint DEFAULT NULL::bigint, p_limit integer DEFAULT 100)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
begin
  perform public.mux_guard();
  return query
  select m.* from public.messages as m
  where m.id = any (array(
    select e.message_id from public.channel_entries as e
    where e.tag = upper(p_tag collate "C")
      and e.message_id < coalesce(p_before, 9223372036854775807) and e.message_id > coalesce(p_after, -1)
    order by e.tag desc, e.message_id desc
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
  ))
  order by m.id desc;
end $function$;
grant execute on function public.channel_messages to authenticated, service_role;

-- The same, oldest first: the first page, or the page after p_after.
CREATE OR REPLACE FUNCTION public.channel_messages_after(p_tag text, p_after bigint DEFAULT NULL::bigint, p_before bigint DEFAULT NULL::bigint, p_limit integer DEFAULT 100)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
begin
  perform public.mux_guard();
  return query
  select m.* from public.messages as m
  where m.id = any (array(
    select e.message_id from public.channel_entries as e
    where e.tag = upper(p_tag collate "C")
      and e.message_id > coalesce(p_after, -1) and e.message_id < coalesce(p_before, 9223372036854775807)
    order by e.tag, e.message_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
  ))
  order by m.id;
end $function$;
grant execute on function public.channel_messages_after to authenticated, service_role;

-- The tags that joined or wrote, and the newest 20 unknown tags that the newest 250 messages mention; there may be thousands of
-- these. The channel with the newest message comes first.
CREATE OR REPLACE FUNCTION public.channels()
 RETURNS TABLE(tag text, last_id bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  return query
  with recursive author as (
    (select e.tag from public.channel_entries as e where not e.mentioned order by e.tag limit 1)
    union all
    select (select e.tag from public.channel_entries as e where not e.mentioned and e.tag > author.tag order by e.tag limit 1)
    from author where author.tag is not null
  ), known as (
    select author.tag as folded from author where author.tag is not null
    union
    select upper(a.tag collate "C") from public.agents as a
  ), named as (
    select upper(mention collate "C") as folded, max(m.id) as last_id
    from (select newest.id, newest.mentions from public.messages as newest order by newest.id desc limit 250) as m
    cross join lateral unnest(m.mentions) as mention
    group by 1
  ), shown as (
    select known.folded from known
    union all
    (select n.folded from named as n where not exists (select from known as k where k.folded = n.folded) order by n.last_id desc, n.folded limit 20)
  )
  select coalesce(a.tag, first.spelled), coalesce(last.message_id, 0)
  from shown
  left join lateral (select e.message_id from public.channel_entries as e
    where e.tag = shown.folded order by e.tag desc, e.message_id desc limit 1) as last on true
  left join lateral (select e.spelled from public.channel_entries as e
    where e.tag = shown.folded order by e.tag, e.message_id limit 1) as first on true
  left join public.agents as a on upper(a.tag collate "C") = shown.folded
  order by 2 desc, 1;
end $function$;
grant execute on function public.channels to authenticated, service_role;

-- ==== receipts ====

create table public.receipts (
  message_id bigint not null,
  reader text not null,
  state text not null default 'delivered'::text,
  route text,
  delivered_at timestamp with time zone default clock_timestamp(),
  acked_at timestamp with time zone,
  attempts integer not null default 0,
  lease_until timestamp with time zone,
  takes integer not null default 0,
  take_id text,
  read_at timestamp with time zone,
  session text,
  batches integer not null default 0,
  returned integer not null default 0,
  constraint receipts_acked_when_acked CHECK (((state = 'acked'::text) = (acked_at IS NOT NULL))),
  constraint receipts_attempts_not_negative CHECK ((attempts >= 0)),
  constraint receipts_batches_not_negative CHECK ((batches >= 0)),
  constraint receipts_delivered_when_delivered CHECK (((state = 'taken'::text) OR (delivered_at IS NOT NULL))),
  constraint receipts_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE,
  constraint receipts_pkey PRIMARY KEY (message_id, reader),
  constraint receipts_read_when_read CHECK (((state <> 'read'::text) OR (read_at IS NOT NULL))),
  constraint receipts_reader_is_a_tag CHECK (((reader COLLATE "C") ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'::text)),
  constraint receipts_returned_not_negative CHECK ((returned >= 0)),
  constraint receipts_route_at_most_64_characters CHECK ((char_length(route) <= 64)),
  constraint receipts_session_1_to_200_characters CHECK (((char_length(session) >= 1) AND (char_length(session) <= 200))),
  constraint receipts_state_known CHECK ((state = ANY (ARRAY['taken'::text, 'delivered'::text, 'read'::text, 'acked'::text]))),
  constraint receipts_take_id_at_most_64_characters CHECK ((char_length(take_id) <= 64)),
  constraint receipts_takes_not_negative CHECK ((takes >= 0))
);
comment on column public.receipts.attempts is 'how often it was handed over: the client''s output was flushed';
comment on column public.receipts.batches is 'how many batches of tools of that session have ended since it was delivered';
comment on column public.receipts.lease_until is 'until when nobody else hands it over; afterwards it is handed over again';
comment on column public.receipts.read_at is 'when a model call of the session that has it had ended';
comment on column public.receipts.returned is 'how often it was delivered, not read, and given back';
comment on column public.receipts.session is 'the client session that it was handed to, until the turn in which that was has ended; null: ended, not known, or given back';
comment on column public.receipts.take_id is 'which call of inbox_take has it, as the caller named it; null: nobody, or it has no name';
comment on column public.receipts.takes is 'how often it was taken since then, and not handed over yet';
CREATE INDEX receipts_handed ON public.receipts USING btree (upper((reader COLLATE "C")), message_id) WHERE (state = ANY (ARRAY['delivered'::text, 'read'::text]));
CREATE UNIQUE INDEX receipts_reader ON public.receipts USING btree (upper((reader COLLATE "C")), message_id);
alter table public.receipts enable row level security;
create policy receipts_read on public.receipts for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy receipts_service on public.receipts for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.receipts to service_role;
grant select on public.receipts to authenticated;

-- The position up to which everything that is addressed to a reader, in the order of messages_since, is acked or in agentmux.unacked:
-- the inbox does not search older messages, however long the history is. Updated by the functions below.
create table public.cursors (
  reader text not null,
  epoch uuid not null,
  xid xid8 not null,
  id bigint not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint cursors_pkey PRIMARY KEY (reader)
);
comment on column public.cursors.reader is 'the tag in upper case';
comment on table public.cursors is 'what waits for a reader before its cursor is in agentmux.unacked';
alter table public.cursors enable row level security;
create policy cursors_read on public.cursors for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy cursors_service on public.cursors for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.cursors to service_role;
grant select on public.cursors to authenticated;

-- The maximum length of a lease. One that ends later than this from now was created while the clock was ahead.
CREATE OR REPLACE FUNCTION agentmux.longest_lease()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN '00:10:00'::interval;

-- How long a message waits that was taken p_takes times and never handed over: not at all the first time, which may be chance;
-- then one second, doubled each time up to five minutes, so that one broken client does not have it all the time.
CREATE OR REPLACE FUNCTION agentmux.retry_after(p_takes integer)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN make_interval(secs => CASE WHEN (p_takes <= 1) THEN (0)::double precision ELSE LEAST((300)::double precision, power((2)::double precision, ((LEAST(p_takes, 11) - 2))::double precision)) END);

-- The messages that wait for a reader: those that mention it and, once it has joined, those to everyone that were committed after
-- it joined; without those that it acked. p_free: also without those that were read, that are leased, or that were handed over five
-- times and not given back. p_people: only those that people wrote. Leases that were created while the clock was ahead do not count.
CREATE OR REPLACE FUNCTION agentmux.waiting(p_reader text, p_limit integer, p_free boolean DEFAULT false, p_first boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  since record;
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
  given bigint := 0;
begin
  select c.xid, c.id into since from public.cursors as c join public.mux_meta as m on m.epoch = c.epoch where c.reader = me;
  if found then
    return query
    select m.* from agentmux.unacked as u
    cross join lateral (select * from public.messages where messages.id = u.message_id and messages.xid = u.xid offset 0) as m
    where u.reader = me and (not p_first or u.goes_first)
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by u.xid, u.message_id limit p_limit;
    get diagnostics given = row_count;
    if given = p_limit then return; end if;
  else
    select '0'::xid8 as xid, 0::bigint as id into since;
  end if;
  return query select w.* from agentmux.waiting_after(me, since.xid, since.id, p_limit - given::int, p_free, p_first) as w;
end $function$;

-- Moves the reader's cursor up to the messages that a running transaction may still precede, and lists in agentmux.unacked what waits
-- before it, at most a thousand messages in one call. p_beyond: only if more messages than that lie ahead.
CREATE OR REPLACE FUNCTION agentmux.advance(p_reader text, p_beyond integer DEFAULT 0)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(p_reader collate "C");
  most constant int := 1000;
  present uuid := (select m.epoch from public.mux_meta as m);
  since record;
  settled record;
  left_over record;
begin
  -- Of several callers, one moves it, and the others do not wait.
  select c.xid, c.id, c.epoch = present as counts into since from public.cursors as c where c.reader = me for update skip locked;
  if not found and exists (select from public.cursors as c where c.reader = me) then return; end if;
  if since.counts is not true then
    select '0'::xid8 as xid, 0::bigint as id, false as counts into since;
    delete from agentmux.unacked as u where u.reader = me;
  end if;
  select m.xid, m.id into settled from public.messages as m
  where m.xid < agentmux.horizon() order by m.xid desc, m.id desc limit 1;
  if not found or (settled.xid, settled.id) <= (since.xid, since.id) then return; end if;
  if p_beyond > 0 and since.counts then
    if not exists (select from public.messages as m
      where (m.xid, m.id) > (since.xid, since.id) and (m.xid, m.id) <= (settled.xid, settled.id)
      order by m.xid, m.id offset p_beyond limit 1)
    then
      return;
    end if;
    delete from agentmux.unacked as u
    where u.reader = me and exists (select from public.receipts as r
      where upper(r.reader collate "C") = me and r.message_id = u.message_id and r.state = 'acked');
  end if;
  select count(*) as number, array_agg(w.xid) as xids, array_agg(w.id) as ids, array_agg(coalesce(w.author_kind = 'human', false) or w.meta @> '{"urgent": true}') as firsts
  into left_over
  from (
    select w.* from agentmux.waiting_after(me, since.xid, since.id, most) as w where (w.xid, w.id) <= (settled.xid, settled.id)
    order by w.xid, w.id
  ) as w;
  if left_over.number = most then
    select left_over.xids[most] as xid, left_over.ids[most] as id into settled;
  end if;
  insert into agentmux.unacked (reader, xid, message_id, goes_first)
  select me, w.xid, w.id, w.goes_first from unnest(left_over.xids, left_over.ids, left_over.firsts) as w (xid, id, goes_first)
  on conflict do nothing;
  insert into public.cursors as c (reader, epoch, xid, id) values (me, present, settled.xid, settled.id)
  on conflict (reader) do update
    set epoch = excluded.epoch, xid = excluded.xid, id = excluded.id, updated_at = clock_timestamp()
    where c.epoch <> excluded.epoch or (c.xid, c.id) < (excluded.xid, excluded.id);
end $function$;

-- The messages that wait for a reader, oldest first.
CREATE OR REPLACE FUNCTION public.inbox(p_reader text, p_limit integer DEFAULT 50, p_free boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  return query select w.* from agentmux.waiting(p_reader, least(greatest(coalesce(p_limit, 50), 1), 1000), p_free) as w
    order by w.id;
end $function$;
grant execute on function public.inbox to authenticated, service_role;

CREATE OR REPLACE FUNCTION public.inbox_take(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_lease integer DEFAULT 30, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_ended text DEFAULT NULL::text, p_urgent boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  got bigint[];
begin
  if p_ended is not null then perform agentmux.mark_read(me, p_session, p_ended); end if;
  if p_limit <= 0 or agentmux.my_pause(me) is not null then return; end if;
  got := (agentmux.take(me, p_limit, p_route, p_lease, p_bytes, p_take_id, p_session, 0, coalesce(p_urgent, false))).got;
  return query select m.* from public.messages as m where m.id = any (got)
    order by agentmux.precedence(m.author_kind, m.meta), m.id;
end $function$;
grant execute on function public.inbox_take to authenticated, service_role;

-- Gives back the messages that a call of inbox_take took and the client could not hand over. They can be taken again after a time
-- that grows (agentmux.retry_after); or at once with p_unseen, if the client cannot have seen them: then they count as never taken.
-- Returns their number. Messages that another call has taken in the meantime, or that were handed over, do not change.
CREATE OR REPLACE FUNCTION public.receipt_release(p_take_id text, p_unseen boolean DEFAULT false)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  unseen int := case when p_unseen then 1 else 0 end;
  changed int;
begin
  with held as (
    select r.message_id, r.reader from agentmux.waiting(me, 10000) as w
    join public.receipts as r on r.message_id = w.id and upper(r.reader collate "C") = upper(me collate "C")
    where r.state = 'taken' and r.take_id = p_take_id
    order by r.message_id for update of r
  )
  update public.receipts as r set take_id = null, takes = greatest(r.takes - unseen, 0),
    lease_until = clock_timestamp() + agentmux.retry_after(r.takes - unseen)
  from held where r.message_id = held.message_id and r.reader = held.reader;
  get diagnostics changed = row_count;
  return changed;
end $function$;
grant execute on function public.receipt_release to authenticated, service_role;

-- Records that the client has handed over the messages, to p_session. Each counts as one attempt, and the reader has ten minutes to
-- read or ack it before the next one; a message that was not taken first counts, too. The time of the first delivery stays.
-- Repeating this changes nothing.
CREATE OR REPLACE FUNCTION public.receipt_deliver(p_ids bigint[], p_route text, p_session text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, route, attempts, session, lease_until)
  select m.id, me, p_route, 1, p_session, clock_timestamp() + agentmux.longest_lease()
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with taken as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (p_ids) and r.state = 'taken'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'delivered', route = p_route, attempts = r.attempts + 1, takes = 0, take_id = null, session = p_session, batches = 0,
    lease_until = clock_timestamp() + agentmux.longest_lease(), delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from taken where r.message_id = taken.message_id and r.reader = taken.reader;
  get diagnostics updated = row_count;
  return inserted + updated;
end $function$;
grant execute on function public.receipt_deliver to authenticated, service_role;

-- Marks the messages as acked by the reader; returns how many changed.
CREATE OR REPLACE FUNCTION agentmux.ack(p_reader text, p_ids bigint[], p_route text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  inserted int;
  updated int;
begin
  insert into public.receipts (message_id, reader, state, route, acked_at)
  select m.id, p_reader, 'acked', p_route, clock_timestamp()
  from public.messages as m where m.id = any (p_ids) order by m.id
  on conflict do nothing;
  get diagnostics inserted = row_count;
  with open as (
    select r.message_id, r.reader from public.receipts as r
    where upper(r.reader collate "C") = upper(p_reader collate "C") and r.message_id = any (p_ids) and r.state <> 'acked'
    order by r.message_id for update
  )
  update public.receipts as r
  set state = 'acked', route = p_route, acked_at = clock_timestamp(), lease_until = null,
    delivered_at = coalesce(r.delivered_at, clock_timestamp())
  from open where r.message_id = open.message_id and r.reader = open.reader;
  get diagnostics updated = row_count;
  if inserted + updated > 0 then
    delete from agentmux.unacked as u using public.messages as m
    where m.id = any (p_ids) and u.reader = upper(p_reader collate "C") and u.xid = m.xid and u.message_id = m.id;
    perform agentmux.advance(p_reader);
  end if;
  return inserted + updated;
end $function$;

-- Marks the messages as acked by the caller: it has read them, or is done with them.
CREATE OR REPLACE FUNCTION public.receipt_ack(p_ids bigint[], p_route text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return agentmux.ack(agentmux.me(), p_ids, p_route);
end $function$;
grant execute on function public.receipt_ack to authenticated, service_role;

-- ==== redactions ====

-- The messages that a transaction is redacting. This is a table that only our functions can access, and not a setting, because SQL
-- could change a setting. If history is ever pruned, the pruned messages must be listed here, too.
create table agentmux.amending (
  xid xid8 not null,
  message_id bigint not null,
  constraint amending_pkey PRIMARY KEY (xid, message_id)
);

-- Rejects changes of messages, also by the owner and the service role, except for a message that is being redacted.
CREATE OR REPLACE FUNCTION agentmux.refuse_amendment()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'TRUNCATE' then
    raise exception using errcode = '42501', message = 'messages are append-only and cannot be truncated',
      hint = 'To hide a message, redact it: select redact_message(ID).';
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
    hint = format('To hide a message, redact it: select redact_message(%s).', old.id);
end $function$;

-- Who redacted which message. The message's meta.redaction has the same, for clients that only read messages.
create table public.redactions (
  message_id bigint not null,
  by_tag text,
  by_kind text,
  verified boolean not null,
  reason text,
  signature jsonb,
  xid xid8 not null default agentmux.current_xid(),
  at timestamp with time zone not null default clock_timestamp(),
  constraint redactions_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE CASCADE,
  constraint redactions_pkey PRIMARY KEY (message_id),
  constraint redactions_reason_at_most_1000_characters CHECK ((char_length(reason) <= 1000)),
  constraint redactions_signature_is_an_object CHECK (((jsonb_typeof(signature) = 'object'::text) AND (octet_length((signature)::text) <= 4096)))
);
comment on table public.redactions is 'who redacted which message';
CREATE INDEX redactions_cursor ON public.redactions USING btree (xid, message_id);
alter table public.redactions enable row level security;
create policy redactions_read on public.redactions for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy redactions_service on public.redactions for select to service_role using (true);
grant select on public.redactions to authenticated;
grant select on public.redactions to service_role;

-- Digests of the removed texts, which the seals need. They are private, because a short text can be guessed from its digest.
create table agentmux.redacted_digests (
  message_id bigint not null,
  content bytea not null,
  meta bytea not null,
  constraint redacted_digests_message_id_fkey FOREIGN KEY (message_id) REFERENCES redactions(message_id) ON DELETE CASCADE,
  constraint redacted_digests_pkey PRIMARY KEY (message_id)
);

-- SHA-256 of a text.
CREATE OR REPLACE FUNCTION agentmux.digest(p_text text)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO ''
AS $function$ select sha256(convert_to(p_text, 'UTF8')) $function$;

-- The content of a redacted message.
CREATE OR REPLACE FUNCTION agentmux.redacted_content(p_tag text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select case p_tag when 'UNTAGGED' then '(redacted)' else format('[%s] (redacted)', p_tag) end
$function$;

-- The meta of a redacted message.
CREATE OR REPLACE FUNCTION agentmux.redacted_meta(r redactions)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select jsonb_build_object('redaction', jsonb_strip_nulls(jsonb_build_object('by', r.by_tag, 'kind', r.by_kind,
    'verified', r.verified, 'reason', r.reason, 'signature', r.signature,
    'at', to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))))
$function$;

-- Removes the text and the meta of a message: for its author, humans, the service role and the owner. The tag, the author, the
-- time and the thread stay; the mentions go with the text. Repeating this changes nothing. It does not wait for transactions that
-- reply to the message or record its delivery.
CREATE OR REPLACE FUNCTION public.redact_message(p_id bigint, p_reason text DEFAULT NULL::text, p_signature jsonb DEFAULT NULL::jsonb)
 RETURNS messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.redact_message to authenticated, service_role;

-- ==== seals ====

create table agentmux.seals (
  seq bigint not null,
  xid xid8 not null,
  id bigint not null,
  hash bytea not null,
  entries bytea not null,
  at timestamp with time zone not null default clock_timestamp(),
  constraint seals_pkey PRIMARY KEY (seq)
);
comment on column agentmux.seals.entries is 'to find what differs: of each entry its id (8 bytes) and the first 4 of its digest';
comment on column agentmux.seals.hash is 'sha256 of the hash before it, then of each entry''s digest';
comment on column agentmux.seals.id is 'of the last entry, with its xid; of a redaction minus its message''s id';

-- Locked while sealing, so that only one session does it at a time. A table, for the same reason as task_turn.
create table agentmux.seal_turn ();

-- The entries to seal: messages and redactions between two positions in their order, the first p_limit of them and not much more
-- than p_bytes of text. A redacted message counts with the digests of its removed text, as long as its row is what redact_message
-- left.
CREATE OR REPLACE FUNCTION agentmux.leaves(p_xid xid8, p_id bigint, p_to_xid xid8, p_to_id bigint, p_limit integer, p_bytes bigint)
 RETURNS TABLE(xid xid8, id bigint, leaf bytea)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
begin
  return query
  with keys as (
    (select m.xid, m.id, m.id as message_id, false as redaction from public.messages as m
      where (m.xid, m.id) > (p_xid, p_id) and (m.xid, m.id) <= (p_to_xid, p_to_id) order by m.xid, m.id limit p_limit)
    union all
    (select r.xid, -r.message_id, r.message_id, true from public.redactions as r
      where r.xid >= p_xid and (r.xid, -r.message_id) > (p_xid, p_id) and (r.xid, -r.message_id) <= (p_to_xid, p_to_id)
      order by r.xid, -r.message_id limit p_limit)
    order by 1, 2, 4 limit p_limit
  ), sized as (
    select k.*, coalesce(sum(octet_length(m.content)) over (order by k.xid, k.id, k.redaction
      rows between unbounded preceding and 1 preceding), 0) as before
    from keys as k left join public.messages as m on m.id = k.message_id
  )
  select s.xid, s.id, agentmux.digest(case when s.redaction
    then json_build_array('redaction', r.message_id::text, r.xid::text, trunc(extract(epoch from r.at) * 1000000)::text,
      r.by_tag, r.by_kind, r.verified, r.reason, r.signature::text)
    else json_build_array('message', m.id::text, m.xid::text, trunc(extract(epoch from m.created_at) * 1000000)::text,
      m.author_tag, m.author_kind, m.verified, m.tag, m.reply_to::text, m.thread_id::text, m.client_id::text,
      encode(case when gone.holds then d.content else agentmux.digest(m.content) end, 'hex'),
      encode(case when gone.holds then d.meta else agentmux.digest(m.meta::text) end, 'hex')) end::text)
  from sized as s
  left join public.messages as m on m.id = s.message_id and not s.redaction
  left join public.redactions as r on r.message_id = s.message_id
  left join agentmux.redacted_digests as d on d.message_id = s.message_id
  cross join lateral (select d.message_id is not null and m.content = agentmux.redacted_content(m.tag)
    and m.meta = agentmux.redacted_meta(r) as holds) as gone
  where s.before <= p_bytes
  order by s.xid, s.id, s.redaction;
end $function$;

-- Adds at most that many seals, one at a time. Returns whether there may be more to seal.
CREATE OR REPLACE FUNCTION agentmux.seal(p_seals integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  last agentmux.seals;
  added int;
begin
  lock table agentmux.seal_turn in exclusive mode;
  for turn in 1..p_seals loop
    select s.* into last from agentmux.seals as s order by s.seq desc limit 1;
    insert into agentmux.seals (seq, xid, id, hash, entries)
    select coalesce(last.seq, 0) + 1,
      (array_agg(l.xid order by l.xid desc, l.id desc))[1], (array_agg(l.id order by l.xid desc, l.id desc))[1],
      sha256(coalesce(last.hash, '') || string_agg(l.leaf, '' order by l.xid, l.id)),
      string_agg(int8send(l.id) || substr(l.leaf, 1, 4), '' order by l.xid, l.id)
    from agentmux.leaves(coalesce(last.xid, '0'), coalesce(last.id, -9223372036854775808),
      agentmux.horizon(), -9223372036854775808, 1000, 4000000) as l
    having count(*) > 0;
    get diagnostics added = row_count;
    if added = 0 then return false; end if;
  end loop;
  return true;
end $function$;

-- Seals settled rows, a part of them at each call, and returns the epoch and the end of the chain.
CREATE OR REPLACE FUNCTION public.seal_history()
 RETURNS TABLE(epoch uuid, seq bigint, hash text, more boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  left_over boolean;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('the seals');
  left_over := agentmux.seal(2);
  return query select m.epoch, coalesce(s.seq, 0), coalesce(encode(s.hash, 'hex'), ''), left_over
  from public.mux_meta as m
  left join lateral (select * from agentmux.seals as l order by l.seq desc limit 1) as s on true;
end $function$;
grant execute on function public.seal_history to authenticated, service_role;

-- The first entry between two seals that differs from what was sealed.
CREATE OR REPLACE FUNCTION agentmux.first_difference(p_before agentmux.seals, p_seal agentmux.seals)
 RETURNS TABLE(fault text, message_id bigint)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with sealed as (
    select n, ('x' || encode(substr(p_seal.entries, n * 12 + 1, 8), 'hex'))::bit(64)::bigint as id, substr(p_seal.entries, n * 12 + 9, 4) as leaf
    from generate_series(0, octet_length(p_seal.entries) / 12 - 1) as n
  ), found as (
    select l.id, substr(l.leaf, 1, 4) as leaf, row_number() over (order by l.xid, l.id) - 1 as n
    from agentmux.leaves(coalesce(p_before.xid, '0'), coalesce(p_before.id, -9223372036854775808), p_seal.xid, p_seal.id,
      octet_length(p_seal.entries) / 12 + 1000, 9223372036854775807) as l
  )
  select case when s.id < 0 or f.id < 0 then 'redaction ' else '' end
    || case when f.id is null then 'deleted' when s.id is null then 'inserted' else 'changed' end, abs(coalesce(s.id, f.id))
  from sealed as s full join found as f on f.id = s.id
  where s.leaf is distinct from f.leaf
  order by coalesce(s.n, f.n) limit 1
$function$;

-- Checks the seals after p_after: returns a row for each, up to the first that does not match its messages, and stops after about a
-- fifth of a second. fault: changed, deleted or inserted, for the given message (or its redaction); or seal, if the chain itself
-- was changed.
CREATE OR REPLACE FUNCTION public.verify_history(p_after bigint DEFAULT 0, p_limit integer DEFAULT 200)
 RETURNS TABLE(seq bigint, at timestamp with time zone, hash text, messages integer, first_id bigint, fault text, message_id bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  started constant timestamptz := clock_timestamp();
  before agentmux.seals;
  seal agentmux.seals;
  found record;
begin
  perform public.mux_guard();
  select s.* into before from agentmux.seals as s where s.seq = p_after;
  for seal in select s.* from agentmux.seals as s where s.seq > p_after order by s.seq
    limit least(greatest(coalesce(p_limit, 200), 1), 1000)
  loop
    select sha256(coalesce(before.hash, '') || coalesce(string_agg(l.leaf, '' order by l.xid, l.id), '')) as hash,
      count(*) filter (where l.id > 0)::int as messages, (array_agg(l.id order by l.xid, l.id) filter (where l.id > 0))[1] as first_id
    into found
    from agentmux.leaves(coalesce(before.xid, '0'), coalesce(before.id, -9223372036854775808), seal.xid, seal.id,
      octet_length(seal.entries) / 12 + 1, 9223372036854775807) as l;
    seq := seal.seq;
    at := seal.at;
    hash := encode(seal.hash, 'hex');
    messages := found.messages;
    first_id := found.first_id;
    fault := null;
    message_id := null;
    if seal.seq <> coalesce(before.seq, 0) + 1 or found.hash <> seal.hash then
      if seal.seq = coalesce(before.seq, 0) + 1 then
        select d.fault, d.message_id into fault, message_id from agentmux.first_difference(before, seal) as d;
      end if;
      fault := coalesce(fault, 'seal');
    end if;
    return next;
    exit when fault is not null or clock_timestamp() > started + interval '200 milliseconds';
    before := seal;
  end loop;
end $function$;
grant execute on function public.verify_history to authenticated, service_role;

-- ==== tasks ====

create table public.tasks (
  id bigint not null generated by default as identity,
  queue text not null default 'default'::text,
  title text not null,
  body text not null default ''::text,
  status text not null default 'queued'::text,
  priority integer not null default 0,
  run_at timestamp with time zone,
  attempts integer not null default 0,
  max_attempts integer not null default 5,
  lease_owner text,
  lease_token bigint not null default 0,
  lease_until timestamp with time zone,
  parent_id bigint,
  "position" integer not null default 0,
  progress real not null default 0,
  note text,
  depends_on bigint[] not null default '{}'::bigint[],
  idem_key text,
  result jsonb,
  result_table text,
  last_error text,
  message_id bigint,
  created_by text,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  assignee text,
  constraint tasks_assignee_is_a_tag CHECK (((assignee COLLATE "C") ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'::text)),
  constraint tasks_body_at_most_262144_bytes CHECK ((octet_length(body) <= 262144)),
  constraint tasks_depends_on_at_most_100 CHECK ((cardinality(depends_on) <= 100)),
  constraint tasks_idem_key UNIQUE (queue, idem_key),
  constraint tasks_idem_key_1_to_200_characters CHECK (((char_length(idem_key) >= 1) AND (char_length(idem_key) <= 200))),
  constraint tasks_last_error_at_most_10000_characters CHECK ((char_length(last_error) <= 10000)),
  constraint tasks_leased_when_running CHECK (((status = 'running'::text) = ((lease_owner IS NOT NULL) AND (lease_until IS NOT NULL)))),
  constraint tasks_max_attempts_1_to_100 CHECK (((max_attempts >= 1) AND (max_attempts <= 100))),
  constraint tasks_message_id_fkey FOREIGN KEY (message_id) REFERENCES messages(id) ON DELETE SET NULL,
  constraint tasks_note_at_most_10000_characters CHECK ((char_length(note) <= 10000)),
  constraint tasks_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES tasks(id) ON DELETE CASCADE,
  constraint tasks_parent_is_another CHECK ((parent_id <> id)),
  constraint tasks_pkey PRIMARY KEY (id),
  constraint tasks_progress_0_to_1 CHECK (((progress >= (0)::double precision) AND (progress <= (1)::double precision))),
  constraint tasks_queue_1_to_64_characters CHECK (((char_length(queue) >= 1) AND (char_length(queue) <= 64))),
  constraint tasks_result_at_most_1048576_bytes CHECK ((octet_length((result)::text) <= 1048576)),
  constraint tasks_result_table_1_to_200_characters CHECK (((char_length(result_table) >= 1) AND (char_length(result_table) <= 200))),
  constraint tasks_status_known CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'dead'::text, 'cancelled'::text]))),
  constraint tasks_title_1_to_1000_characters CHECK (((char_length(title) >= 1) AND (char_length(title) <= 1000)))
);
comment on column public.tasks.assignee is 'only this tag may claim it; null: any tag';
comment on column public.tasks.run_at is 'not before this time; null: immediately';
CREATE INDEX tasks_depends_on ON public.tasks USING gin (depends_on) WHERE (status = 'queued'::text);
CREATE INDEX tasks_lease ON public.tasks USING btree (lease_until) WHERE (status = 'running'::text);
CREATE INDEX tasks_message ON public.tasks USING btree (message_id) WHERE (message_id IS NOT NULL);
CREATE INDEX tasks_parent ON public.tasks USING btree (parent_id, "position", id) WHERE (parent_id IS NOT NULL);
CREATE INDEX tasks_ready ON public.tasks USING btree (queue, priority DESC, id) WHERE (status = 'queued'::text);
CREATE INDEX tasks_recent ON public.tasks USING btree (updated_at DESC);
CREATE TRIGGER tasks_assigned AFTER UPDATE OF assignee ON public.tasks FOR EACH ROW WHEN ((old.assignee IS DISTINCT FROM new.assignee)) EXECUTE FUNCTION agentmux.task_assigned();
CREATE TRIGGER tasks_before_update BEFORE UPDATE ON public.tasks FOR EACH ROW EXECUTE FUNCTION agentmux.task_before_update();
CREATE TRIGGER tasks_changed AFTER UPDATE OF status, progress ON public.tasks FOR EACH ROW WHEN ((((old.status <> new.status) AND (new.status <> 'running'::text)) OR (old.progress <> new.progress))) EXECUTE FUNCTION agentmux.task_changed();
CREATE TRIGGER tasks_deleted AFTER DELETE ON public.tasks FOR EACH ROW EXECUTE FUNCTION agentmux.task_changed();
CREATE TRIGGER tasks_guard_key BEFORE INSERT ON public.tasks FOR EACH ROW WHEN ((new.idem_key IS NOT NULL)) EXECUTE FUNCTION agentmux.guard_locks('tasks');
CREATE TRIGGER tasks_guard_locks BEFORE DELETE OR UPDATE ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION agentmux.guard_locks('tasks');
CREATE TRIGGER tasks_history_added AFTER INSERT ON public.tasks FOR EACH ROW EXECUTE FUNCTION agentmux.task_history();
CREATE TRIGGER tasks_history_changed AFTER UPDATE ON public.tasks FOR EACH ROW WHEN (((old.status <> new.status) OR (old.lease_owner IS DISTINCT FROM new.lease_owner) OR (old.progress <> new.progress))) EXECUTE FUNCTION agentmux.task_history();
CREATE TRIGGER tasks_moved AFTER UPDATE OF parent_id ON public.tasks FOR EACH ROW WHEN ((new.parent_id IS DISTINCT FROM old.parent_id)) EXECUTE FUNCTION agentmux.step_moved();
CREATE TRIGGER tasks_refuse_circle AFTER INSERT ON public.tasks FOR EACH ROW WHEN (((new.parent_id IS NOT NULL) AND (new.depends_on <> '{}'::bigint[]))) EXECUTE FUNCTION agentmux.refuse_circle();
CREATE TRIGGER tasks_refuse_circle_changed AFTER UPDATE OF parent_id, depends_on ON public.tasks FOR EACH ROW WHEN (((new.status = ANY (ARRAY['queued'::text, 'running'::text])) AND ((new.parent_id IS DISTINCT FROM old.parent_id) OR (new.depends_on <> old.depends_on)))) EXECUTE FUNCTION agentmux.refuse_circle();
CREATE TRIGGER tasks_refuse_lost AFTER INSERT ON public.tasks FOR EACH ROW WHEN (((new.status = ANY (ARRAY['queued'::text, 'running'::text])) AND (new.depends_on <> '{}'::bigint[]))) EXECUTE FUNCTION agentmux.refuse_lost_dependency();
CREATE TRIGGER tasks_refuse_lost_changed AFTER UPDATE OF depends_on ON public.tasks FOR EACH ROW WHEN (((new.status = ANY (ARRAY['queued'::text, 'running'::text])) AND (new.depends_on <> old.depends_on))) EXECUTE FUNCTION agentmux.refuse_lost_dependency();
CREATE TRIGGER tasks_reported AFTER UPDATE OF progress, note, lease_token ON public.tasks FOR EACH ROW WHEN ((new.status = 'running'::text)) EXECUTE FUNCTION agentmux.claim_reported();
CREATE TRIGGER tasks_run_at_once BEFORE INSERT OR UPDATE OF run_at ON public.tasks FOR EACH ROW WHEN ((new.run_at <= clock_timestamp())) EXECUTE FUNCTION agentmux.drop_past_run_at();
CREATE TRIGGER tasks_steps_added AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION agentmux.steps_added();
CREATE TRIGGER tasks_take_turn BEFORE DELETE OR UPDATE OF parent_id, depends_on ON public.tasks FOR EACH STATEMENT EXECUTE FUNCTION agentmux.take_task_turn();
CREATE TRIGGER tasks_told AFTER UPDATE OF status ON public.tasks FOR EACH ROW WHEN ((old.status <> new.status)) EXECUTE FUNCTION agentmux.task_ended();
alter table public.tasks enable row level security;
create policy tasks_read on public.tasks for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy tasks_service on public.tasks for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.tasks to service_role;
grant select on public.tasks to authenticated;

-- The newest claim of each task that was ever claimed: its owner and its outcome.
create table agentmux.claims (
  task_id bigint not null,
  token bigint not null,
  owner text not null,
  lapsed boolean not null default false,
  outcome bytea,
  again_at timestamp with time zone,
  reported_at timestamp with time zone not null default clock_timestamp(),
  constraint claims_pkey PRIMARY KEY (task_id),
  constraint claims_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE
);
comment on column agentmux.claims.again_at is 'the back-off that the database chose for run_at after it failed';
comment on column agentmux.claims.lapsed is 'its lease ran out, and the task was put back: its owner may go on until somebody else claims it';
comment on column agentmux.claims.outcome is 'digest of what it was finished with; null: it was not finished';
comment on column agentmux.claims.reported_at is 'when its owner claimed it, or last reported progress';
comment on table agentmux.claims is 'the newest claim of each task';

create table agentmux.task_turn ();

-- Takes a lock so that only one transaction at a time changes several tasks, or dependencies of tasks. Otherwise two of them could
-- deadlock, or each miss what the other adds. The lock is a table that nobody else can name, because anyone could take an advisory
-- lock.
CREATE OR REPLACE FUNCTION agentmux.take_turn()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.guard_lock('tasks');
  lock table agentmux.task_turn in exclusive mode;
end $function$;

-- Plain SQL that changes dependencies takes this lock before it locks rows, as the functions do. In the opposite order PostgreSQL
-- resolved the deadlock by cancelling an agent's function call, which had done nothing wrong.
CREATE OR REPLACE FUNCTION agentmux.take_task_turn()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.take_turn();
  return null;
end $function$;

-- A task that is not running has no lease.
CREATE OR REPLACE FUNCTION agentmux.task_before_update()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  new.updated_at := clock_timestamp();
  if new.status <> 'running' then
    new.lease_owner := null;
    new.lease_until := null;
  end if;
  return new;
end $function$;

-- A task that is due has no run_at, so that a clock that is set back later cannot delay it.
CREATE OR REPLACE FUNCTION agentmux.drop_past_run_at()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  new.run_at := null;
  return new;
end $function$;

-- Derives the progress and status of a task with steps. Such a task is not claimed, its progress is the mean of its steps', and it
-- ends with them: done when all are done, failed when one of them cannot be done any more, cancelled when all are. Cancelled steps do
-- not count. A task that was claimed before it got steps keeps its owner, who finishes it.
CREATE OR REPLACE FUNCTION agentmux.task_derive(p_id bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  heading public.tasks;
  steps record;
  ending text;
begin
  -- The lock comes first and the count is a statement of its own, so that of two steps that finish at once the second sees
  -- the first.
  select * into heading from public.tasks where id = p_id and status in ('queued', 'running') for update;
  if not found then return; end if;
  select count(*) as all_of_them,
    count(*) filter (where status <> 'cancelled') as counted,
    coalesce(avg(progress) filter (where status <> 'cancelled'), 0)::real as progress,
    bool_or(status in ('queued', 'running')) as open,
    bool_and(status in ('done', 'cancelled')) as done
  into steps from public.tasks where parent_id = p_id;
  if steps.all_of_them = 0 then return; end if;
  ending := case when heading.status = 'running' or steps.open then heading.status
    when steps.counted = 0 then 'cancelled'
    when steps.done then 'done'
    else 'failed' end;
  update public.tasks set progress = steps.progress, status = ending,
    last_error = case when ending = 'failed' then 'not all of its steps could be done' else last_error end
  where id = p_id and (progress <> steps.progress or status <> ending);
end $function$;

-- Updates the plan of a step that changed, and cancels tasks that depend on one that will never be done.
CREATE OR REPLACE FUNCTION agentmux.task_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'DELETE' then
    update public.tasks set status = 'cancelled', last_error = format('task %s, which it depends on, was deleted', old.id)
    where status = 'queued' and depends_on @> array[old.id];
    if old.parent_id is not null then perform agentmux.task_derive(old.parent_id); end if;
    if old.last_error like 'blocked for ever: %' then perform agentmux.mark_blocked(); end if;
    return null;
  end if;
  if tg_op = 'UPDATE' and new.status <> old.status then
    if new.status in ('failed', 'dead', 'cancelled') then
      update public.tasks set status = 'cancelled', last_error = format('task %s, which it depends on, is %s', new.id, new.status)
      where status = 'queued' and depends_on @> array[new.id];
      -- Who was told to stop does not go on when the task is tried again.
      if new.status = 'cancelled' then update agentmux.claims set lapsed = false where task_id = new.id; end if;
    elsif new.status = 'queued' then
      perform agentmux.task_derive(new.id);
    end if;
  end if;
  if new.parent_id is not null then perform agentmux.task_derive(new.parent_id); end if;
  if tg_op = 'UPDATE' and old.status = 'queued' and new.status <> 'queued' and old.last_error like 'blocked for ever: %' then
    perform agentmux.mark_blocked();
  end if;
  return null;
end $function$;

-- Updates both plans when a step is moved: the former one ends if this was its last open step.
CREATE OR REPLACE FUNCTION agentmux.step_moved()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if old.parent_id is not null then perform agentmux.task_derive(old.parent_id); end if;
  if new.parent_id is not null then perform agentmux.task_derive(new.parent_id); end if;
  return null;
end $function$;

-- Adds a task and returns it. Adding another one with the same idem_key to the same queue returns the first. p_queue: by default that of
-- its plan, so that whoever works on the plan finds the step.
CREATE OR REPLACE FUNCTION public.task_add(p_title text, p_body text DEFAULT ''::text, p_queue text DEFAULT NULL::text, p_priority integer DEFAULT 0, p_parent_id bigint DEFAULT NULL::bigint, p_position integer DEFAULT 0, p_depends_on bigint[] DEFAULT '{}'::bigint[], p_max_attempts integer DEFAULT 5, p_run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_idem_key text DEFAULT NULL::text, p_message_id bigint DEFAULT NULL::bigint, p_assignee text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  needed bigint[] := array(select distinct n from unnest(p_depends_on) as n where n is not null order by n);
  meant_for text := p_assignee;
  into_queue text;
  other record;
  added public.tasks;
begin
  perform public.mux_guard();
  if p_parent_id is not null or needed <> '{}' then perform agentmux.take_turn(); end if;
  into_queue := coalesce(p_queue, (select t.queue from public.tasks as t where t.id = p_parent_id), 'default');
  select t.* into added from public.tasks as t where t.queue = into_queue and t.idem_key = p_idem_key;
  if found then return next added; return; end if;
  if p_parent_id is not null then
    -- Locked, so that it does not end while it gets a step.
    select t.status, t.assignee into other from public.tasks as t where t.id = p_parent_id for update;
    if not found then
      raise exception using errcode = '23503', constraint = 'tasks_parent_id_fkey', table = 'tasks', schema = 'public',
        message = format('task %s, of which this is to be a step, does not exist', p_parent_id);
    elsif other.status not in ('queued', 'running') then
      raise exception using errcode = '55000', message = format('task %s is %s, so no steps can be added to it', p_parent_id, other.status);
    end if;
    meant_for := coalesce(meant_for, other.assignee);
  end if;
  for other in
    select n as id, t.status, n = p_parent_id as above
    from unnest(needed) as n left join public.tasks as t on t.id = n order by n
  loop
    if other.status is null then
      raise exception using errcode = '23503', message = format('task %s, which this depends on, does not exist', other.id);
    elsif other.status in ('failed', 'dead', 'cancelled') then
      raise exception using errcode = '55000', message = format('task %s, which this depends on, is %s', other.id, other.status);
    elsif other.above then
      raise exception using errcode = '22023', message = 'a step cannot depend on its own plan';
    end if;
  end loop;
  insert into public.tasks (title, body, queue, priority, parent_id, position, depends_on, max_attempts, run_at, idem_key,
    message_id, created_by, assignee)
  values (p_title, coalesce(p_body, ''), into_queue, coalesce(p_priority, 0), p_parent_id,
    coalesce(p_position, 0), needed, coalesce(p_max_attempts, 5), p_run_at, p_idem_key,
    p_message_id, (select i.tag from agentmux.identity() as i), meant_for)
  on conflict (queue, idem_key) do nothing
  returning * into added;
  if not found then
    select t.* into added from public.tasks as t where t.queue = into_queue and t.idem_key = p_idem_key;
  end if;
  return next added;
end $function$;
grant execute on function public.task_add to authenticated, service_role;

-- Adds a plan, which is a task with steps, in one transaction, so that it cannot be claimed or end before all steps were added.
-- Returns the task, then its steps, in order. With p_in_order each step depends on the one before it, and the first on p_depends_on;
-- otherwise each depends on p_depends_on. Adding another plan with the same idem_key to the same queue returns the first. p_assignee:
-- only this tag may claim the steps.
CREATE OR REPLACE FUNCTION public.task_plan(p_title text, p_steps jsonb, p_in_order boolean DEFAULT true, p_body text DEFAULT ''::text, p_queue text DEFAULT NULL::text, p_priority integer DEFAULT 0, p_parent_id bigint DEFAULT NULL::bigint, p_position integer DEFAULT 0, p_depends_on bigint[] DEFAULT '{}'::bigint[], p_idem_key text DEFAULT NULL::text, p_message_id bigint DEFAULT NULL::bigint, p_assignee text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  steps jsonb := case when jsonb_typeof(p_steps) = 'array' then p_steps else '[]' end;
  heading public.tasks;
  in_order boolean := coalesce(p_in_order, true);
  needed bigint[];
  batch record;
  added bigint;
begin
  perform public.mux_guard();
  if jsonb_array_length(steps) not between 1 and 100 then
    raise exception using errcode = '22023', message = 'a plan is an array of 1 to 100 steps';
  end if;
  select t.* into heading from public.task_add(p_title, p_body, p_queue, p_priority, p_parent_id, p_position, p_depends_on,
    p_idem_key => p_idem_key, p_message_id => p_message_id, p_assignee => p_assignee) as t;
  if not exists (select from public.tasks as t where t.parent_id = heading.id) then
    needed := heading.depends_on;
    -- One after the other if they wait for each other, so that the search for circles finds none behind it; otherwise all at once.
    for batch in
      select min(s.place)::int as first, jsonb_agg(s.value order by s.place) as steps
      from jsonb_array_elements(steps) with ordinality as s (value, place)
      group by case when in_order then s.place end order by 1
    loop
      with inserted as (
        insert into public.tasks (title, body, queue, priority, parent_id, position, depends_on, message_id, created_by, assignee)
        select s.value ->> 'title', coalesce(s.value ->> 'body', ''), heading.queue, heading.priority, heading.id,
          batch.first + s.place::int - 1, needed, heading.message_id, (select i.tag from agentmux.identity() as i), heading.assignee
        from jsonb_array_elements(batch.steps) with ordinality as s (value, place) order by s.place
        returning id
      ) select max(id) into added from inserted;
      if in_order then needed := array[added]; end if;
    end loop;
  end if;
  return query select t.* from public.tasks as t where t.id = heading.id or t.parent_id = heading.id
    order by t.id <> heading.id, t.position, t.id;
end $function$;
grant execute on function public.task_plan to authenticated, service_role;

-- ==== circles ====

-- The open tasks that wait for this one. A task waits for those that it depends on, and a plan for its steps.
CREATE OR REPLACE FUNCTION agentmux.waiting_for(p_id bigint)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select plan.id from public.tasks as t join public.tasks as plan on plan.id = t.parent_id
  where t.id = p_id and plan.status in ('queued', 'running')
  union all
  select t.id from public.tasks as t where t.status = 'queued' and t.depends_on @> array[p_id]
$function$;

-- The shortest circle through a task, with the task at both ends; null if there is none.
CREATE OR REPLACE FUNCTION agentmux.circle_of(p_id bigint)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  -- Each task that was found, with the one that it waits for.
  found_by jsonb := '{}';
  level bigint[] := array[p_id];
  step jsonb;
  circle bigint[];
begin
  if not exists (
    with recursive waiters as (
      select w.id from agentmux.waiting_for(p_id) as w (id)
      union
      select w.id from waiters as x cross join lateral agentmux.waiting_for(x.id) as w (id)
    ) select from waiters where id = p_id
  ) then
    return null;
  end if;
  while not found_by ? p_id::text loop
    select jsonb_object_agg(w.id, l.id) into step
    from unnest(level) as l (id) cross join lateral agentmux.waiting_for(l.id) as w (id)
    where not found_by ? w.id::text;
    found_by := found_by || step;
    level := array(select k::bigint from jsonb_object_keys(step) as k);
  end loop;
  circle := array[p_id];
  loop
    circle := circle || (found_by ->> circle[cardinality(circle)]::text)::bigint;
    exit when circle[cardinality(circle)] = p_id;
  end loop;
  return circle;
end $function$;

-- Describes a circle: `task 1 waits for its step 3, which waits for task 2, which waits for task 1`.
CREATE OR REPLACE FUNCTION agentmux.circle_words(p_circle bigint[])
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select format('task %s waits for ', p_circle[1]) || string_agg(
    case when place = 8 and cardinality(p_circle) > 9 then format('others, of which one waits for task %s', p_circle[1])
      else format(case when t.parent_id = p_circle[place - 1] then 'its step %s' else 'task %s' end, t.id) end,
    ', which waits for ' order by place)
  from generate_series(2, cardinality(p_circle)) as place join public.tasks as t on t.id = p_circle[place]
  where place <= 8 or cardinality(p_circle) <= 9
$function$;

-- Rejects a dependency or a parent that would close a circle.
CREATE OR REPLACE FUNCTION agentmux.refuse_circle()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  circle bigint[];
begin
  -- Of two who add one half of a circle each, the second sees the first.
  perform agentmux.take_turn();
  circle := agentmux.circle_of(new.id);
  if circle is not null then
    raise exception using errcode = '22023',
      message = format('task %s would be blocked for ever: %s', new.id, agentmux.circle_words(circle)),
      hint = case tg_op when 'INSERT' then format('Task %s was not added. ', new.id) else '' end
        || 'Leave out one of these dependencies.';
  end if;
  return null;
end $function$;

-- Rejects a dependency on a task that failed, was cancelled or does not exist: the dependent task could never run.
CREATE OR REPLACE FUNCTION agentmux.refuse_lost_dependency()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  lost record;
begin
  -- Of one who adds the edge and one whose task fails, the second sees the first.
  perform agentmux.take_turn();
  select n as id, d.status into lost from unnest(new.depends_on) as n left join public.tasks as d on d.id = n
  where d.status is null or d.status in ('failed', 'dead', 'cancelled') order by n limit 1;
  if found then
    raise exception using errcode = '22023',
      message = format('task %s would be blocked for ever: task %s, which it depends on, %s', new.id, lost.id,
        case when lost.status is null then 'does not exist' else format('is %s', lost.status) end),
      hint = case tg_op when 'INSERT' then format('Task %s was not added. ', new.id) else '' end
        || format('Leave out that dependency%s.', case when lost.status is null then '' else ', or try that task again first' end);
  end if;
  return null;
end $function$;

-- Marks queued tasks that can never run in last_error: they are in a circle, or wait for one. Such circles were added by earlier
-- versions, which did not reject them.
CREATE OR REPLACE FUNCTION agentmux.mark_blocked()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  plan bigint;
  circle bigint[];
begin
  update public.tasks as t set last_error = null where t.status = 'queued' and t.last_error like 'blocked for ever: %';
  for plan in
    select t.id from public.tasks as t where t.status = 'queued'
      and exists (select from public.tasks as step where step.parent_id = t.id and step.status = 'queued') order by t.id
  loop
    circle := agentmux.circle_of(plan);
    continue when circle is null;
    update public.tasks as t set last_error = 'blocked for ever: ' || agentmux.circle_words(circle)
    where t.status = 'queued' and (t.last_error like 'blocked for ever: %') is not true and t.id in (
      with recursive waiters as (
        select plan as id
        union
        select w.id from waiters as x cross join lateral agentmux.waiting_for(x.id) as w (id)
      ) select id from waiters);
  end loop;
end $function$;

-- ==== leases ====

-- When the leases were last observed, and the shortest interval at which an observer promised to do so.
create table agentmux.lease_clock (
  one boolean not null default true,
  at timestamp with time zone not null default clock_timestamp(),
  period interval not null default '00:00:05'::interval,
  watched boolean not null default false,
  constraint lease_clock_one_row CHECK (one),
  constraint lease_clock_pkey PRIMARY KEY (one)
);
comment on column agentmux.lease_clock.watched is 'whether the last observer was one that calls regularly';
CREATE TRIGGER lease_clock_guard_locks BEFORE UPDATE ON agentmux.lease_clock FOR EACH STATEMENT EXECUTE FUNCTION agentmux.guard_locks('tasks');

-- When a lease of that many seconds ends; it lasts between one second and an hour.
CREATE OR REPLACE FUNCTION agentmux.lease(p_seconds integer)
 RETURNS timestamp with time zone
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select clock_timestamp() + make_interval(secs => least(greatest(coalesce(p_seconds, 60), 1), 3600))
$function$;

-- How long to wait after that many attempts: 2, 4, 8 ... seconds, an hour at most. Callers wait 0.5 to 1.5 times that, by chance.
CREATE OR REPLACE FUNCTION agentmux.backoff(p_attempts integer)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select make_interval(secs => least(3600, power(2, p_attempts)))
$function$;

-- Observes the leases. Since the last call, more time may have passed than was observed (the machine slept, the hub or the server
-- was away, the clock was set forward), or a negative time (it was set back). All leases are moved by the difference, so that each
-- has as much time left as before; and if that was no short time, at least wake_grace(), unless its owner has signed off: what renews
-- it slept as well. p_period: the interval at which the caller, a hub or an agent's server, calls this; null: it calls only now and
-- then. p_resumed: nobody can have observed the leases since. Writes at most once a second. Where nobody calls regularly, long pauses
-- are no naps: without that, a lease would never run out there.
-- To avoid deadlocks, call this before take_turn and before locking tasks.
CREATE OR REPLACE FUNCTION agentmux.observe_leases(p_period interval DEFAULT NULL::interval, p_resumed boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  clock agentmux.lease_clock;
  elapsed interval;
  observed interval;
  missed boolean;
  woken boolean;
begin
  select c.* into clock from agentmux.lease_clock as c;
  elapsed := clock_timestamp() - clock.at;
  if not p_resumed and elapsed between interval '-1 second' and interval '1 second'
    and (p_period is null or (p_period >= clock.period and clock.watched))
  then
    return;
  end if;
  if p_resumed or elapsed < interval '0' or elapsed > clock.period * 2 then
    -- Nobody goes on before the leases are moved.
    select c.* into clock from agentmux.lease_clock as c for update;
  else
    select c.* into clock from agentmux.lease_clock as c for update skip locked;
    if not found then return; end if;
  end if;
  elapsed := clock_timestamp() - clock.at;
  missed := elapsed > clock.period * 2;
  observed := case when p_resumed or elapsed < interval '0' then interval '0' when missed then clock.period else elapsed end;
  woken := p_resumed or (clock.watched and elapsed - observed >= interval '1 minute');
  if elapsed <> observed or woken then
    update public.tasks as t set lease_until = case
      when woken and not exists (select from public.agents as a
        where upper(a.tag collate "C") = upper(t.lease_owner collate "C") and a.presence = 'away')
      then greatest(t.lease_until + (elapsed - observed), clock_timestamp() + agentmux.wake_grace())
      else t.lease_until + (elapsed - observed) end
    where t.status = 'running';
  end if;
  -- Who looks most often is relied upon, and less so each time that it is missed. A long nap is no miss: nobody could look.
  update agentmux.lease_clock as c set at = clock.at + elapsed,
    watched = p_period is not null or (c.watched and not missed),
    period = case
      when p_period <= c.period then p_period
      when missed and elapsed < interval '30 minutes' then least(c.period * 2, interval '1 minute')
      else c.period end;
end $function$;

-- Called before a task is leased. If no task is leased, the leases were not observed, and the time starts now. If the row is locked,
-- another session is observing them.
CREATE OR REPLACE FUNCTION agentmux.begin_lease()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if exists (select from public.tasks as t where t.status = 'running') then return; end if;
  perform from agentmux.lease_clock for update skip locked;
  if found then update agentmux.lease_clock set at = clock_timestamp(); end if;
end $function$;

-- Requeues tasks whose leases have expired (dead after max_attempts); returns how many. Writes nothing if no task is leased. A lease
-- of an owner whose client lives is not taken away, for an hour at most: it may have been claimed with plain SQL, or its server was
-- restarted. An owner who has gone away does not lose an attempt. What was noted and how far it came stays for the next.
CREATE OR REPLACE FUNCTION agentmux.reap(p_period interval DEFAULT NULL::interval, p_resumed boolean DEFAULT false)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  expired bigint[];
begin
  if not exists (select from public.tasks as t where t.status = 'running') then return 0; end if;
  perform agentmux.observe_leases(p_period, p_resumed);
  if not exists (select from public.tasks as t where t.status = 'running' and t.lease_until < clock_timestamp()) then return 0; end if;
  perform agentmux.take_turn();
  with lost as (
    select t.id, t.lease_token, t.lease_owner from public.tasks as t
    where t.status = 'running' and t.lease_until < clock_timestamp()
      and not (t.lease_until > clock_timestamp() - interval '1 hour' and agentmux.has_session(t.lease_owner))
      and not exists (select from public.agents as a
        where upper(a.tag collate "C") = upper(t.lease_owner collate "C") and a.paused is not null)
    for update skip locked
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, lapsed)
    select lost.id, lost.lease_token, lost.lease_owner, true from lost
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = true, outcome = null, again_at = null
    returning c.task_id
  ) select coalesce(array_agg(kept.task_id), '{}') into expired from kept;
  perform set_config('agentmux.reaping', 'on', true);
  update public.tasks as t set
    status = case when t.attempts >= t.max_attempts and not owner.is_away then 'dead' else 'queued' end,
    attempts = t.attempts - owner.is_away::int,
    run_at = null,
    last_error = case when owner.is_away then format('%s went away', t.lease_owner) else format('the lease of %s ran out', t.lease_owner) end
  from (
    select lost.id, exists (select from public.agents as a
      where upper(a.tag collate "C") = upper(lost.lease_owner collate "C") and a.presence = 'away') as is_away
    from public.tasks as lost where lost.id = any (expired)
  ) as owner
  where t.id = owner.id;
  perform set_config('agentmux.reaping', '', true);
  return cardinality(expired);
end $function$;

-- Requeues tasks whose leases have expired, and offers what is ready; returns how many leases had expired. Clients call it before they
-- list tasks, and agents' servers every minute, since a hosted project has no hub that does.
CREATE OR REPLACE FUNCTION public.task_reap()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  return agentmux.tend_tasks();
end $function$;
grant execute on function public.task_reap to authenticated, service_role;

-- Claims a task for the caller: the given one, or the next that is ready. First come tasks that are assigned to the caller, in any
-- queue; then those of p_queue, or without it those of `default` and of the queues in which the caller has claimed before. Among these,
-- the highest priority first, then the oldest. Tasks with steps, with a later run_at, with dependencies that are not done,
-- or with another assignee are not claimed. p_hold: no next task if the caller holds that many; null: no bound.
CREATE OR REPLACE FUNCTION public.task_claim(p_queue text DEFAULT NULL::text, p_lease integer DEFAULT 60, p_id bigint DEFAULT NULL::bigint, p_hold integer DEFAULT NULL::integer)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(agentmux.me() collate "C");
  queues text[];
  instant timestamptz;
  chosen bigint;
  former record;
begin
  perform agentmux.reap();
  if agentmux.my_pause(me) is not null then return; end if;
  if p_id is null then
    queues := case when p_queue is not null then array[p_queue]
      else array(select w.queue from agentmux.workers as w where w.tag = folded union select 'default') end;
    if p_hold is not null and p_hold <= (select count(*) from public.tasks as t
      where t.status = 'running' and upper(t.lease_owner collate "C") = folded) then return; end if;
  end if;
  instant := clock_timestamp();
  select t.id into chosen from public.tasks as t
  where t.status = 'queued'
    -- A back-off that is longer than the longest is one from before the clock was set back.
    and (t.run_at is null or t.run_at <= instant
      or (t.attempts > 0 and t.run_at > instant + 1.5 * agentmux.backoff(t.attempts)
        and exists (select from agentmux.claims as c where c.task_id = t.id and c.again_at = t.run_at)))
    and (t.id = p_id or (p_id is null and (t.queue = any (queues) or t.assignee is not null)))
    and (t.assignee is null or upper(t.assignee collate "C") = folded)
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and not exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
  order by t.assignee is null, t.priority desc, t.id
  limit 1 for update of t skip locked;
  if p_id is null then
    insert into agentmux.workers as w (tag, queue) select folded, q from unnest(queues) as q
    on conflict (tag, queue) do update set at = excluded.at where w.at < excluded.at - interval '1 hour';
    delete from agentmux.workers as w where w.tag = folded and w.at < clock_timestamp() - interval '30 days';
  end if;
  if chosen is null then return; end if;
  perform agentmux.begin_lease();
  select c.owner, c.lapsed into former from agentmux.claims as c where c.task_id = chosen;
  if former.lapsed and upper(former.owner collate "C") <> folded then
    perform agentmux.tell(chosen, array[former.owner], format('%s is not yours any more: %s claimed it after your lease had ended.',
      agentmux.task_name(chosen), me));
  end if;
  return query
  with claimed as (
    update public.tasks as t set status = 'running', lease_owner = me, lease_token = t.lease_token + 1,
      lease_until = agentmux.lease(p_lease), attempts = t.attempts + 1
    where t.id = chosen returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner) select claimed.id, claimed.lease_token, me from claimed
    on conflict (task_id) do update set token = excluded.token, owner = excluded.owner, lapsed = false, outcome = null, again_at = null
  ) select * from claimed;
end $function$;
grant execute on function public.task_claim to authenticated, service_role;

-- Gives a task that was requeued because its lease expired back to its last owner, with the former claim, unless another one has
-- claimed it since, or it was cancelled or assigned to another agent. This does not count as another attempt.
CREATE OR REPLACE FUNCTION agentmux.resume_claim(p_id bigint, p_token bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
  task public.tasks;
begin
  if not exists (select from agentmux.claims as c where c.task_id = p_id and c.token = p_token and c.lapsed) then return; end if;
  perform agentmux.take_turn();
  select t.* into task from public.tasks as t join agentmux.claims as c on c.task_id = t.id
  where t.id = p_id and t.status in ('queued', 'dead') and t.lease_token = p_token
    and c.token = p_token and c.lapsed and upper(c.owner collate "C") = me
    and (t.assignee is null or upper(t.assignee collate "C") = me)
  for update of t;
  if not found then return; end if;
  -- What died with it lives again.
  if task.status = 'dead' then perform agentmux.requeue(p_id); end if;
  perform agentmux.begin_lease();
  update agentmux.claims as c set lapsed = false where c.task_id = p_id;
  update public.tasks as t set status = 'running', lease_owner = c.owner, lease_until = agentmux.lease(60),
    -- The attempt that an owner who went away did not lose is this one.
    attempts = task.attempts + (task.last_error = format('%s went away', c.owner))::int, last_error = null
  from agentmux.claims as c where t.id = p_id and c.task_id = p_id;
end $function$;

-- The next three functions return no row if the claim is not valid any more: another agent has claimed the task since, or it was
-- cancelled or has ended. The newest claim stays valid when its lease expires, since the work was done.
CREATE OR REPLACE FUNCTION public.task_heartbeat(p_id bigint, p_token bigint, p_lease integer DEFAULT 60)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
begin
  perform agentmux.observe_leases(interval '1 minute');
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t set lease_until = agentmux.lease(p_lease)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
end $function$;
grant execute on function public.task_heartbeat to authenticated, service_role;

CREATE OR REPLACE FUNCTION public.task_progress(p_id bigint, p_token bigint, p_progress real, p_note text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
begin
  perform agentmux.take_turn();
  perform agentmux.resume_claim(p_id, p_token);
  return query update public.tasks as t
  set progress = least(greatest(coalesce(p_progress, t.progress), 0), 1), note = coalesce(left(p_note, 10000), t.note)
  where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
  returning t.*;
end $function$;
grant execute on function public.task_progress to authenticated, service_role;

-- Finishes a task. If not ok, it is tried again after 2, 4, 8 ... seconds, at most an hour, times 0.5 to 1.5 by chance, and is dead
-- after max_attempts, or at once with p_dead. Finishing again with the same outcome returns the same row, until another agent claims
-- the task; a different outcome is rejected.
CREATE OR REPLACE FUNCTION public.task_finish(p_id bigint, p_token bigint, p_ok boolean DEFAULT true, p_result jsonb DEFAULT NULL::jsonb, p_result_table text DEFAULT NULL::text, p_error text DEFAULT NULL::text, p_dead boolean DEFAULT false)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
  is_last boolean := coalesce(p_dead, false) and not coalesce(p_ok, false);
  fate bytea := agentmux.digest((jsonb_build_array(coalesce(p_ok, false), p_result, p_result_table, p_error)
    || case when is_last then '["dead"]' else '[]' end::jsonb)::text);
  before bytea;
  again timestamptz;
begin
  perform agentmux.take_turn();
  select c.outcome into before from agentmux.claims as c join public.tasks as t on t.id = c.task_id
  where c.task_id = p_id and c.token = p_token and t.lease_token = p_token and t.status <> 'running'
    and upper(c.owner collate "C") = me and c.outcome is not null;
  if found then
    if before <> fate then
      raise exception using errcode = '55000', message = format('claim %s of task %s was already finished with a different outcome', p_token, p_id),
        hint = 'The first outcome stands. Send a message to add something.';
    end if;
    return query select t.* from public.tasks as t where t.id = p_id;
    return;
  end if;
  perform agentmux.resume_claim(p_id, p_token);
  if not coalesce(p_ok, false) and not is_last then
    select clock_timestamp() + agentmux.backoff(t.attempts) * (0.5 + random()) into again from public.tasks as t where t.id = p_id;
  end if;
  return query
  with ended as (
    update public.tasks as t set
      status = case when p_ok then 'done' when is_last or t.attempts >= t.max_attempts then 'dead' else 'queued' end,
      progress = case when p_ok then 1 else t.progress end,
      run_at = again,
      result = coalesce(p_result, t.result), result_table = coalesce(p_result_table, t.result_table),
      last_error = case when p_ok then null else left(coalesce(p_error, 'no reason was given'), 10000) end
    where t.id = p_id and t.lease_token = p_token and t.status = 'running' and upper(t.lease_owner collate "C") = me
    returning t.*
  ), kept as (
    insert into agentmux.claims as c (task_id, token, owner, outcome, again_at) select ended.id, p_token, me, fate, again from ended
    on conflict (task_id) do update set token = excluded.token, lapsed = false, outcome = fate, again_at = again
  ) select * from ended;
end $function$;
grant execute on function public.task_finish to authenticated, service_role;

-- ==== task_actions ====

-- Rejects other agents, and says who may; p_doing completes the sentence. Accepts ids of tasks that do not exist. The author of a
-- plan may change its steps, but the author or owner of a step may not change the plan.
CREATE OR REPLACE FUNCTION agentmux.guard_task(p_id bigint, p_doing text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me record;
  task public.tasks;
  authors text[];
  owner text;
  allowed text[];
begin
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if not coalesce(me.verified, false) or me.kind = 'human' then return; end if;
  select t.* into task from public.tasks as t where t.id = p_id;
  if not found then return; end if;
  -- The task's own author first, then those of the plans above it.
  authors := array(
    with recursive above as (
      select task.created_by as tag, task.parent_id as parent, array[task.id] as path
      union all
      select t.created_by, t.parent_id, above.path || t.id
      from above join public.tasks as t on t.id = above.parent and t.id <> all (above.path)
    ) select above.tag from above where above.tag is not null order by cardinality(above.path));
  owner := case task.status when 'running' then task.lease_owner else task.assignee end;
  if upper(me.tag collate "C") = any (array(select upper(a collate "C") from unnest(owner || authors) as a)) then return; end if;
  allowed := array(select min(a.tag) from unnest(owner || authors) with ordinality as a (tag, place)
    where a.tag is not null group by upper(a.tag collate "C") order by min(a.place)) || 'humans'::text;
  raise exception using errcode = '42501',
    message = format('you are %s and may not %s task %s: only %s may', me.tag, p_doing, p_id,
      concat_ws(' and ', nullif(array_to_string(allowed[:cardinality(allowed) - 1], ', '), ''), allowed[cardinality(allowed)])),
    hint = 'Send one of them a message.';
end $function$;

-- The task and all steps below it.
CREATE OR REPLACE FUNCTION agentmux.task_tree(p_id bigint)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with recursive below as (
    select p_id as id
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select id from below
$function$;

-- Does the work of task_retry, without checking who may. A plan is requeued with all its steps that were not done, except those
-- that wait for a task which stays cancelled: they could never run, and the plan would never end. Their last_error names that
-- task, and so does the error when they are retried themselves. Notes and progress stay: whoever takes it next goes on from there.
CREATE OR REPLACE FUNCTION agentmux.requeue(p_id bigint)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  automatic constant text := 'task %, which it depends on, is %';
  meant public.tasks;
  lost record;
  again bigint[];
  more bigint[];
  circle bigint[];
begin
  select t.* into meant from public.tasks as t where t.id = p_id for update;
  if not found or meant.status not in ('failed', 'dead', 'cancelled') then return; end if;
  again := array(select t.id from public.tasks as t where t.id in (select agentmux.task_tree(p_id)) and (t.id = p_id
    or t.status in ('failed', 'dead')
    or (t.status = 'cancelled' and (meant.status = 'cancelled' or t.last_error like automatic))));
  again := again || array(with recursive above as (
    select meant.parent_id as id
    union
    select t.parent_id from public.tasks as t join above on t.id = above.id
  ) select t.id from public.tasks as t join above on t.id = above.id where t.status in ('failed', 'dead', 'cancelled', 'done'));
  select d.id, d.status into lost from unnest(meant.depends_on) as n join public.tasks as d on d.id = n
  where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again) order by d.id limit 1;
  if found then
    raise exception using errcode = '55000', message = format('task %s depends on task %s, which is %s', p_id, lost.id, lost.status),
      hint = format('Retry task %s: the tasks that wait for it are retried, too.', lost.id);
  end if;
  select n as id into lost from unnest(meant.depends_on) as n
  where not exists (select from public.tasks as d where d.id = n) order by n limit 1;
  if found then
    raise exception using errcode = '55000', message = format('task %s depends on task %s, which was deleted', p_id, lost.id),
      hint = 'Add it again without that dependency.';
  end if;
  loop
    more := array(select t.id from public.tasks as t
      where t.id = any (again) and t.id <> p_id and t.status = 'cancelled' and t.id in (select agentmux.task_tree(p_id)) and (
        exists (select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n
          where d.id is null or (d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)))
        or exists (select from public.tasks as plan
          where plan.id = t.parent_id and plan.status = 'cancelled' and plan.id <> all (again))));
    exit when more = '{}';
    again := array(select n from unnest(again) as n where n <> all (more));
  end loop;
  loop
    more := array(select t.id from public.tasks as t
      where t.status = 'cancelled' and t.depends_on && again and t.last_error like automatic and t.id <> all (again)
        and not exists (select from unnest(t.depends_on) as n join public.tasks as d on d.id = n
          where d.status in ('failed', 'dead', 'cancelled') and d.id <> all (again)));
    exit when more = '{}';
    again := again || more;
  end loop;
  update public.tasks as t set status = 'queued', attempts = 0, run_at = null,
      progress = case when t.status = 'done' then 0 else t.progress end,
      -- Who takes it next should know what went wrong.
      last_error = case when t.status = 'dead' then t.last_error end
  where t.id = any (again);
  -- What was done meanwhile may be open again, and with it a circle.
  for lost in select t.id from public.tasks as t where t.id = any (again)
    and (t.parent_id is not null or exists (select from public.tasks as step where step.parent_id = t.id)) order by t.id
  loop
    circle := agentmux.circle_of(lost.id);
    if circle is not null then
      raise exception using errcode = '55000', message = format('task %s would be blocked for ever: %s', p_id, agentmux.circle_words(circle)),
        hint = 'Cancel one of these tasks first.';
    end if;
  end loop;
  return query select t.* from public.tasks as t where t.id = p_id;
end $function$;

-- Requeues a failed, dead or cancelled task, with all its attempts left.
CREATE OR REPLACE FUNCTION public.task_retry(p_id bigint, p_reason text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'retry');
  perform set_config('agentmux.reason', 'retried by ' || agentmux.caller_name() || coalesce(': ' || nullif(p_reason, ''), ''), true);
  return query select * from agentmux.requeue(p_id);
  perform set_config('agentmux.reason', '', true);
end $function$;
grant execute on function public.task_retry to authenticated, service_role;

-- Cancels a task with all its steps. The lock is taken first, so that what guard_task found is still true when the task is changed.
CREATE OR REPLACE FUNCTION public.task_cancel(p_id bigint, p_reason text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  tree bigint[];
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'cancel');
  with recursive below as (
    select t.id from public.tasks as t where t.id = p_id and t.status in ('queued', 'running')
    union
    select t.id from public.tasks as t join below on t.parent_id = below.id
  ) select array_agg(id) into tree from below;
  return query with cancelled as (
    update public.tasks as t set status = 'cancelled',
      last_error = left('cancelled by ' || agentmux.caller_name() || coalesce(': ' || nullif(p_reason, ''), ''), 10000)
    where t.id = any (tree) and t.status in ('queued', 'running') returning t.*
  ) select * from cancelled where id = p_id;
end $function$;
grant execute on function public.task_cancel to authenticated, service_role;

-- Assigns a queued task, so that only that tag may claim it; null: any tag may. In a plan, all queued steps are assigned. To whom it
-- was assigned before is told.
CREATE OR REPLACE FUNCTION public.task_assign(p_id bigint, p_assignee text DEFAULT NULL::text)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  former text[];
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'assign');
  former := array(select distinct t.assignee from public.tasks as t
    where t.id in (select agentmux.task_tree(p_id)) and t.status = 'queued' and t.assignee is not null
      and upper(t.assignee collate "C") is distinct from upper(p_assignee collate "C")
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued'));
  return query with changed as (
    update public.tasks as t set assignee = p_assignee
    where t.id in (select agentmux.task_tree(p_id)) and t.status = 'queued'
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status = 'queued')
    returning t.*
  ) select * from changed where id = p_id;
  if former <> '{}' then
    perform agentmux.tell(p_id, former, format('%s is not yours any more: %s assigned it to %s.', agentmux.task_name(p_id),
      agentmux.caller_name(), coalesce(p_assignee, 'any agent')));
  end if;
end $function$;
grant execute on function public.task_assign to authenticated, service_role;

-- Sets the priority of an open task, and of all its steps. Tasks with a higher priority are claimed first.
CREATE OR REPLACE FUNCTION public.task_reprioritise(p_id bigint, p_priority integer)
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  perform agentmux.take_turn();
  perform agentmux.guard_task(p_id, 'reprioritise');
  return query with changed as (
    update public.tasks as t set priority = p_priority
    where t.id in (select agentmux.task_tree(p_id)) and t.status in ('queued', 'running')
      and exists (select from public.tasks as meant where meant.id = p_id and meant.status in ('queued', 'running'))
    returning t.*
  ) select * from changed where id = p_id;
end $function$;
grant execute on function public.task_reprioritise to authenticated, service_role;

-- ==== events ====

create table public.events (
  id bigint not null generated always as identity,
  kind text not null,
  at timestamp with time zone not null,
  task_id bigint,
  tag text,
  state text not null,
  progress real,
  reason text,
  approval_id bigint,
  constraint events_kind_known CHECK ((kind = ANY (ARRAY['task'::text, 'presence'::text, 'approval'::text, 'pause'::text]))) NOT VALID,
  constraint events_of_a_task_or_an_agent CHECK ((
CASE kind
    WHEN 'task'::text THEN ((task_id IS NOT NULL) AND (progress IS NOT NULL))
    ELSE ((task_id IS NULL) AND (tag IS NOT NULL))
END AND ((kind = 'approval'::text) = (approval_id IS NOT NULL)))) NOT VALID,
  constraint events_pkey PRIMARY KEY (id),
  constraint events_reason_at_most_500_characters CHECK ((char_length(reason) <= 500)),
  constraint events_task_id_fkey FOREIGN KEY (task_id) REFERENCES tasks(id) ON DELETE CASCADE
);
comment on column public.events.approval_id is 'the approval, which may have been removed since';
comment on column public.events.reason is 'of a task: why it failed, was put back, cancelled or retried';
comment on column public.events.state is 'a task''s status; what an agent did, or gone, or revoked';
comment on column public.events.tag is 'the agent; of a task its owner, or after its end who owned it';
comment on table public.events is 'the state of a task or an agent from then on';
CREATE INDEX events_at ON public.events USING btree (at, id);
CREATE INDEX events_presence ON public.events USING btree (tag, at, id) WHERE (kind = 'presence'::text);
CREATE INDEX events_task ON public.events USING btree (task_id, at, id) WHERE (task_id IS NOT NULL);
CREATE TRIGGER events_written AFTER INSERT ON public.events FOR EACH ROW WHEN (((new.id % (500)::bigint) = 0)) EXECUTE FUNCTION agentmux.event_written();
alter table public.events enable row level security;
create policy events_read on public.events for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy events_service on public.events for all to service_role using (true) with check (true);
grant delete, insert, select, update on public.events to service_role;
grant select on public.events to authenticated;

-- Deletes events older than 30 days and beyond about 100,000, with every 500th row. Skips rows that another session is deleting.
CREATE OR REPLACE FUNCTION agentmux.event_written()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from public.events as e where e.id in (
    select stale.id from public.events as stale
    where stale.at < clock_timestamp() - interval '30 days' or stale.id <= new.id - 100000
    for update skip locked);
  return null;
end $function$;

-- Changes of only the progress are recorded at most every five seconds: the row itself has the latest value. An event from the
-- future, written while the clock was ahead, does not count. force_custom_plan: a plan that was made while the table was empty would
-- scan all of it.
CREATE OR REPLACE FUNCTION agentmux.task_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
begin
  if tg_op = 'UPDATE' and new.status = old.status and new.lease_owner is not distinct from old.lease_owner
    and exists (select from public.events as e where e.task_id = new.id
      and e.at > new.updated_at - interval '5 seconds' and e.at <= new.updated_at)
  then
    return null;
  end if;
  insert into public.events (kind, at, task_id, tag, state, progress, reason)
  values ('task', new.updated_at, new.id, coalesce(new.lease_owner, old.lease_owner), new.status, new.progress,
    case when tg_op = 'UPDATE' and new.status <> old.status and new.status not in ('running', 'done')
      then left(coalesce(nullif(current_setting('agentmux.reason', true), ''), new.last_error), 500) end);
  return null;
end $function$;

-- Whether a silent agent counts as gone at a time: the same rule as presenceOf in source/mailbox/agent.ts.
CREATE OR REPLACE FUNCTION agentmux.gone(p_agent agents, p_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select p_agent.kind <> 'human' and p_agent.presence <> 'away' and p_agent.revoked_at is null
    and p_at > coalesce(p_agent.last_seen_at, p_agent.joined_at) + interval '5 minutes'
$function$;

-- That an agent was gone is only recorded when it is back, with the time at which it left: until then, last_seen_at shows it.
CREATE OR REPLACE FUNCTION agentmux.agent_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  instant timestamptz := coalesce(new.last_seen_at, clock_timestamp());
begin
  if tg_op = 'UPDATE' then
    if new.last_seen_at is not distinct from old.last_seen_at then
      instant := clock_timestamp();
    elsif agentmux.gone(old, instant) then
      insert into public.events (kind, at, tag, state)
      values ('presence', coalesce(old.last_seen_at, old.joined_at) + interval '5 minutes', new.tag, 'gone');
    elsif new.presence = old.presence and (new.revoked_at is null) = (old.revoked_at is null) then
      return null;
    end if;
  end if;
  insert into public.events (kind, at, tag, state)
  values ('presence', instant, new.tag,
    case when new.revoked_at is not null then 'revoked' when agentmux.gone(new, instant) then 'gone' else new.presence end);
  return null;
end $function$;

-- The changes from p_from until before p_to, newest first; with p_before, the next page. The last page also has the state of each
-- task and agent at the beginning of the range, which is its last change before p_from. Tasks that have not changed since p_from are
-- left out, because their rows show their state.
CREATE OR REPLACE FUNCTION public.events_between(p_from timestamp with time zone, p_to timestamp with time zone DEFAULT NULL::timestamp with time zone, p_before bigint DEFAULT NULL::bigint, p_limit integer DEFAULT 1000)
 RETURNS SETOF events
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
declare
  page int := least(greatest(coalesce(p_limit, 1000), 1), 1000);
  found int;
begin
  perform public.mux_guard();
  return query select e.* from public.events as e
  where e.kind in ('task', 'presence') and e.at >= p_from and (e.at, e.id) < (coalesce(p_to, 'infinity'), coalesce(p_before, 0))
  order by e.at desc, e.id desc limit page;
  get diagnostics found = row_count;
  if found = page then return; end if;
  return query
  select last.* from public.tasks as t
  cross join lateral (select * from public.events as e where e.task_id = t.id and e.at < p_from
    order by e.at desc, e.id desc limit 1) as last
  where t.updated_at >= p_from
  union all
  select last.* from public.agents as a
  cross join lateral (select * from public.events as e where e.kind = 'presence' and e.tag = a.tag and e.at < p_from
    order by e.at desc, e.id desc limit 1) as last
  order by at desc, id desc;
end $function$;
grant execute on function public.events_between to authenticated, service_role;

-- ==== watch ====

-- A table's name in such a message. A name that could be read as more than a name is quoted as JSON, and cannot mention anybody.
CREATE OR REPLACE FUNCTION agentmux.watched_name(p_schema text, p_table text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO ''
AS $function$
  select case when named.name ~ '^[[:alnum:]_.$ -]+$' then named.name else replace(to_json(named.name)::text, '@', '\u0040') end
  from (select case when p_schema = 'public' then p_table else p_schema || '.' || p_table end) as named (name)
$function$;

-- Notes what a statement did to a watched table, or to a partition of one, for each tag that watches it and did not do it itself. Its
-- arguments are the ids of the watches. Every writer pays for this, so it calls as little as possible and leaves the rest to whoever
-- sends the message. Variables of composite types are declared where they are needed, because each costs as much as a statement does.
-- c.* and not c: a column may be called that.
CREATE OR REPLACE FUNCTION agentmux.watch_statement()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  role constant text := current_setting('role');
  maker text;
  agent text;
  watcher text := '';
  lines jsonb[];
  many bigint := 0;
begin
  if role = 'authenticated' or role = 'service_role' then
    declare
      me record;
    begin
      select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
      maker := case when me.verified then me.tag else me.tag || ' (unverified)' end;
      watcher := coalesce(upper(me.tag collate "C"), '');
      if me.kind = 'agent' then agent := watcher; end if;
    end;
  end if;
  if tg_op = 'INSERT' or tg_op = 'DELETE' then
    lines := array(select to_jsonb(c.*) from changed as c limit 10);
    many := cardinality(lines);
    if many = 0 then return null; end if;
    if many = 10 then many := (select count(*) from changed as c); end if;
  end if;
  for n in 0 .. tg_nargs - 1 loop
    if many > 0 then
      insert into agentmux.watch_changes (watch_id, kind, number, rows, maker, agent, due)
      select w.id, tg_op, many, lines, coalesce(maker, 'the role ' || case when role = 'none' then session_user else role end), agent,
        w.due_at <= clock_timestamp() or w.due_at > clock_timestamp() + w.pause
      from agentmux.watches as w
      where w.id = tg_argv[n]::bigint and w.path is null and (watcher = '' or upper(w.to_tag collate "C") <> watcher);
      continue when found;
    end if;
    declare
      watch agentmux.watches;
      chosen jsonb[] := '{}';
      number bigint := 0;
    begin
      select w.* into watch from agentmux.watches as w where w.id = tg_argv[n]::bigint;
      continue when not found or (watcher <> '' and upper(watch.to_tag collate "C") = watcher);
      if many > 0 then
        chosen := array(select to_jsonb(c.*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true) limit 10);
        number := cardinality(chosen);
        if number = 10 then number := (select count(*) from changed as c where jsonb_path_match(to_jsonb(c.*), watch.path, '{}', true)); end if;
      elsif tg_op = 'UPDATE' then
        -- Both tables have the rows in the same order.
        select count(*), array_agg(jsonb_build_array(to_jsonb(d.before), to_jsonb(d.after)) order by d.place) filter (where d.place <= 10)
        into number, chosen
        from (
          select b.line as before, a.line as after, row_number() over (order by b.place) as place
          from (select (c.*)::record as line, row_number() over () as place from former as c) as b
          join (select (c.*)::record as line, row_number() over () as place from changed as c) as a on a.place = b.place
          where b.line operator(pg_catalog.*<>) a.line
            and (watch.hidden = '{}' or to_jsonb(b.line) - watch.hidden <> to_jsonb(a.line) - watch.hidden)
            and (watch.path is null or jsonb_path_match(to_jsonb(a.line), watch.path, '{}', true))
        ) as d;
      end if;
      continue when number = 0 and tg_op <> 'TRUNCATE';
      insert into agentmux.watch_changes (watch_id, kind, number, rows, maker, agent, due)
      values (watch.id, tg_op, number, chosen, coalesce(maker, 'the role ' || case when role = 'none' then session_user else role end), agent,
        watch.due_at <= clock_timestamp() or watch.due_at > clock_timestamp() + watch.pause);
    end;
  end loop;
  return null;
end $function$;

-- The table with this name, if the caller may watch it: humans (tables in public), the service role and the owner.
CREATE OR REPLACE FUNCTION agentmux.watch_target(p_table text)
 RETURNS regclass
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  target regclass := to_regclass(p_table);
  human boolean := coalesce((select kind = 'human' from agentmux.identity()), false);
  limited boolean := current_setting('role') in ('anon', 'authenticated');
begin
  perform public.mux_guard();
  if limited and not human then
    raise exception using errcode = '42501', message = 'only a human may watch tables';
  end if;
  if target is null or (limited and 'public'::regnamespace <> (select c.relnamespace from pg_catalog.pg_class as c where c.oid = target)) then
    raise exception using errcode = '42P01', message = format('there is no table %L', p_table);
  end if;
  return target;
end $function$;

-- Watches a table for a tag; a second call replaces the first. p_on: some of insert, update, delete and truncate; null: all. p_where:
-- a condition on the row, for an update on the row after it. p_columns: what messages show; null: what agents may read. p_window: the
-- least time between two messages; null: two seconds. Returns what the caller should know.
CREATE OR REPLACE FUNCTION public.watch_table(p_table text, p_to_tag text, p_on text[] DEFAULT NULL::text[], p_where text DEFAULT NULL::text, p_columns text[] DEFAULT NULL::text[], p_window interval DEFAULT NULL::interval)
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  target regclass := agentmux.watch_target(p_table);
  trusted boolean := current_setting('role') not in ('anon', 'authenticated');
  readable text[];
  kinds text[] := array(select distinct lower(k) from unnest(coalesce(p_on, '{insert,update,delete,truncate}')) as k);
  quiet interval := coalesce(p_window, interval '2 seconds');
  tested record;
  named text[];
  found record;
  remarks text[] := '{}';
begin
  if p_to_tag collate "C" !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' or p_to_tag is null then
    raise exception using errcode = '22023', message = format('%L is not a tag', p_to_tag),
      hint = 'A tag is a letter followed by up to 31 letters, digits, _ or -.';
  end if;
  if kinds = '{}' or not kinds <@ '{insert,update,delete,truncate}' then
    raise exception using errcode = '22023', message = format('%s cannot be watched for', coalesce(nullif(array_to_string(kinds, ', '), ''), 'nothing')),
      hint = 'Changes are insert, update, delete and truncate.';
  end if;
  if quiet < interval '0' or quiet > interval '1 hour' then
    raise exception using errcode = '22023', message = 'the window is between 0 seconds and 1 hour';
  end if;
  select c.relkind, c.relpersistence, agentmux.watched_name(n.nspname, c.relname) as name, n.nspname into found
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace where c.oid = target;
  if found.relkind not in ('r', 'p') or found.relpersistence = 't' then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target);
  end if;
  if found.nspname = 'agentmux' or target in ('public.messages'::regclass, 'public.channel_entries'::regclass, 'public.receipts'::regclass,
    'public.cursors'::regclass, 'public.agents'::regclass, 'public.agent_sessions'::regclass) then
    raise exception using errcode = '42809', message = format('%s cannot be watched', target),
      hint = 'Messages change this table, so each message would cause another one.';
  end if;
  if p_where is not null then
    select w.path, w.columns into tested from agentmux.watch_path(target, p_where) as w;
  else
    select null::jsonpath as path, '{}'::text[] as columns into tested;
  end if;
  named := coalesce(p_columns, '{}') || tested.columns;
  if exists (select from unnest(named) as c where not exists (select from pg_catalog.pg_attribute as a
    where a.attrelid = target and a.attname = c and a.attnum > 0 and not a.attisdropped)) then
    raise exception using errcode = '42703', message = format('%s has no column %I', target,
      (select c from unnest(named) as c where not exists (select from pg_catalog.pg_attribute as a
        where a.attrelid = target and a.attname = c and a.attnum > 0 and not a.attisdropped) limit 1));
  end if;
  readable := agentmux.readable_columns(target);
  if not trusted and not coalesce(named <@ readable, true) then
    raise exception using errcode = '42501', message = format('agents may not read all of these columns of %s', target),
      hint = 'The owner of the database may show them all the same: run this as its owner.';
  end if;
  insert into agentmux.watches as w (source, name, to_tag, kinds, condition, path, tested, columns, trusted, quiet, pause)
  values (target, found.name, p_to_tag, kinds, p_where, tested.path, tested.columns, p_columns, trusted, quiet, quiet)
  on conflict (source, upper(to_tag collate "C")) do update set to_tag = excluded.to_tag, name = excluded.name, kinds = excluded.kinds,
    condition = excluded.condition, path = excluded.path, tested = excluded.tested, columns = excluded.columns, trusted = excluded.trusted,
    quiet = excluded.quiet, pause = excluded.pause, due_at = excluded.due_at;
  update agentmux.watches as w set hidden = agentmux.hidden_columns(w)
  where w.source = target and upper(w.to_tag collate "C") = upper(p_to_tag collate "C");
  perform agentmux.sync_watch_triggers(target);
  if not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_to_tag collate "C") and a.revoked_at is null) then
    remarks := remarks || format('%s has not joined: messages wait until it does.', p_to_tag);
  end if;
  if p_columns is null and readable is not null then
    remarks := remarks || case when readable = '{}'
      then format('Agents may not read the rows of %s, so messages only count its changes.', found.name)
      else format('Agents may not read all columns of %s; messages show only those that they may read.', found.name) end;
  end if;
  return remarks;
end $function$;
grant execute on function public.watch_table to authenticated, service_role;

-- Stops watching a table for a tag; returns false if it was not watched.
CREATE OR REPLACE FUNCTION public.unwatch_table(p_table text, p_to_tag text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  target regclass := agentmux.watch_target(p_table);
  ended bigint;
begin
  delete from agentmux.watches as w where w.source = target and upper(w.to_tag collate "C") = upper(p_to_tag collate "C")
  returning w.id into ended;
  if ended is null then return false; end if;
  delete from agentmux.watch_changes as c where c.watch_id = ended;
  perform agentmux.sync_watch_triggers(target);
  return true;
end $function$;
grant execute on function public.unwatch_table to authenticated, service_role;

-- The watched tables, the tags that are told, and of what.
CREATE OR REPLACE FUNCTION public.watched_tables()
 RETURNS TABLE(table_name text, to_tag text, kinds text[], condition text, columns text[], quiet interval)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  return query
  select case when n.nspname = 'public' then c.relname::text else n.nspname || '.' || c.relname end, w.to_tag,
    array(select k from unnest('{insert,update,delete,truncate}'::text[]) as k where k = any (w.kinds)),
    w.condition, w.columns, w.quiet
  from agentmux.watches as w
  join pg_catalog.pg_class as c on c.oid = w.source
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  order by 1, 2;
end $function$;
grant execute on function public.watched_tables to authenticated, service_role;

-- ==== search ====

-- The words in the index: letters and digits. Punctuation separates words, so that a path, an address and a name_with_underscores
-- are found by their parts; PostgreSQL's own parser would keep each as one word.
CREATE OR REPLACE FUNCTION agentmux.words(p_text text)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN to_tsvector('simple'::regconfig, translate("left"(p_text, 100000), '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~'::text, repeat(' '::text, 32)));
grant execute on function agentmux.words to authenticated, service_role;

-- A query for several items, all of which must match; null without any. Each item is a phrase; a minus before it excludes, and a star
-- after it makes the last word a prefix.
CREATE OR REPLACE FUNCTION agentmux.words_query(p_words text[])
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select string_agg(
    case when item.word like '-%' then '!(' else '(' end || item.query::text || case when item.word like '%*' then ':*)' else ')' end,
    ' & ')::tsquery
  from (select word, phraseto_tsquery('simple', word) as query from unnest(p_words) as word) as item
  where numnode(item.query) > 0
$function$;

-- All messages that match, newest first, or the newest p_limit of them.
CREATE OR REPLACE FUNCTION public.search_messages(p_query text DEFAULT NULL::text, p_limit integer DEFAULT 50, p_words text[] DEFAULT '{}'::text[], p_from text[] DEFAULT '{}'::text[], p_to text[] DEFAULT '{}'::text[], p_tag text[] DEFAULT '{}'::text[], p_thread bigint[] DEFAULT '{}'::bigint[], p_id bigint[] DEFAULT '{}'::bigint[], p_after timestamp with time zone DEFAULT NULL::timestamp with time zone, p_before timestamp with time zone DEFAULT NULL::timestamp with time zone, p_is text[] DEFAULT '{}'::text[], p_has text[] DEFAULT '{}'::text[], p_before_id bigint DEFAULT NULL::bigint)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return query select m.* from public.messages as m
    where m.id = any ((select s.ids from agentmux.search(p_query, p_limit, p_words, p_from, p_to, p_tag, p_thread, p_id, p_after,
      p_before, p_is, p_has, p_before_id, null) as s)::bigint[])
    order by m.id desc;
end $function$;
grant execute on function public.search_messages to authenticated, service_role;

-- ==== agent_sql ====

-- The role of each agent that has run SQL; `tag` is in upper case.
create table agentmux.agent_roles (
  tag text collate "C" not null,
  role text not null,
  constraint agent_roles_pkey PRIMARY KEY (tag),
  constraint agent_roles_role_key UNIQUE (role)
);

-- Locked while a role is created, so that only one session does it at a time.
create table agentmux.agent_role_turn ();

-- Runs one statement and returns its rows. Each agent's role owns a copy, made below, which runs with its rights. PostgreSQL's own
-- parser tells what kind of statement it is: a query that returns rows can be opened as a cursor, and for any other plpgsql names
-- the command before it runs. For a statement that returns no rows, the result is one row of null.
CREATE OR REPLACE FUNCTION agentmux.run_statement(p_query text, p_parameters text[])
 RETURNS SETOF json
 LANGUAGE plpgsql
 SET search_path TO 'public'
AS $function$
declare
  found_row record;
  line json;
  size bigint := 0;
  number int := 0;
  said text;
  command text;
begin
  begin
    for found_row in execute p_query
      using p_parameters[1], p_parameters[2], p_parameters[3], p_parameters[4], p_parameters[5], p_parameters[6], p_parameters[7], p_parameters[8],
      p_parameters[9], p_parameters[10], p_parameters[11], p_parameters[12], p_parameters[13], p_parameters[14], p_parameters[15], p_parameters[16]
    loop
      line := row_to_json(found_row);
      size := size + 1 + octet_length(line::text);
      number := number + 1;
      if size > 16777216 or number > 100000 then
        raise exception using errcode = '54000', message = 'the result is larger than 16 MB or 100,000 rows',
          hint = 'Add a LIMIT.';
      end if;
      -- Numbers that JavaScript would round are sent as text.
      if line::text ~ '[0-9][0-9.]{15}' then
        select json_object_agg(j.key, case
          when json_typeof(j.value) = 'number' and j.value::text ~ '[0-9][0-9.]{15}' then to_json(j.value::text) else j.value end)
        into line from json_each(line) as j;
      end if;
      return next line;
    end loop;
    return;
  exception when invalid_cursor_definition then
    get stacked diagnostics said = message_text;
  end;
  if said = 'cannot open multi-query plan as cursor' then
    raise exception using errcode = '42601', message = 'only one statement can be run at a time', hint = 'Send each statement separately.';
  end if;
  command := substring(said from '^cannot open ([A-Z ]+) query as cursor$');
  if command is null then
    raise exception using errcode = '42501', message = 'cannot determine whether an agent may run this statement',
      hint = 'The server''s lc_messages must be English for statements that return no rows.', detail = said;
  end if;
  if command = 'SELECT INTO' then
    raise exception using errcode = '42501', message = 'an agent may not run SELECT INTO', hint = 'Use CREATE TABLE AS.';
  end if;
  if command <> all (array['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'CREATE TABLE', 'CREATE TABLE AS', 'CREATE INDEX',
    'CREATE SEQUENCE', 'ALTER TABLE', 'ALTER INDEX', 'ALTER SEQUENCE', 'DROP TABLE', 'DROP INDEX', 'DROP SEQUENCE',
    'TRUNCATE TABLE', 'COMMENT']) then
    raise exception using errcode = '42501', message = format('an agent may not run %s', command),
      hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
  end if;
  execute p_query
    using p_parameters[1], p_parameters[2], p_parameters[3], p_parameters[4], p_parameters[5], p_parameters[6], p_parameters[7], p_parameters[8],
    p_parameters[9], p_parameters[10], p_parameters[11], p_parameters[12], p_parameters[13], p_parameters[14], p_parameters[15], p_parameters[16];
  return next null;
end $function$;

-- Whether agentmux can run an agent's SQL as that role.
CREATE OR REPLACE FUNCTION agentmux.runs_sql(p_role text)
 RETURNS boolean
 LANGUAGE sql
 STABLE STRICT
 SET search_path TO ''
AS $function$
  select exists (
    select from pg_catalog.pg_proc as p
    join pg_catalog.pg_roles as r on r.oid = p.proowner and r.rolname = p_role
    where p.oid = to_regprocedure(format('agentmux.%I(text, text[])', p_role)) and p.prosecdef
  )
$function$;

-- Creates the role of an agent, if it is missing: roles are not part of a dump. This takes locks that all other agents need until
-- the transaction ends, so mux_make_role calls it in a separate transaction. An existing role that somebody else created, or that
-- has more rights, is not touched; the next name is tried.
CREATE OR REPLACE FUNCTION agentmux.make_agent_role(p_tag text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  folded text := upper(p_tag collate "C");
  known text;
  number int := 1;
  tries int := 0;
  name text;
  body text;
begin
  if exists (select from agentmux.agent_roles as r where r.tag = folded and agentmux.runs_sql(r.role)) then return; end if;
  -- First its own row: what holds that is not to be waited for in the turn of everyone.
  perform from agentmux.agent_roles as r where r.tag = folded for update;
  -- Two first statements at once; and two databases of one server, which share their roles.
  lock table agentmux.agent_role_turn in exclusive mode;
  known := (select r.role from agentmux.agent_roles as r where r.tag = folded);
  if agentmux.runs_sql(known) then return; end if;
  name := coalesce(known, 'agent_' || folded);
  loop
    begin
      if not exists (select from pg_catalog.pg_roles as r where r.rolname = name) then
        execute format('create role %I nologin', name);
      elsif exists (
        select from pg_catalog.pg_roles as r
        where r.rolname = name and (r.rolsuper or r.rolcanlogin or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication
          or exists (
            select from pg_catalog.pg_auth_members as m
            where m.member = r.oid and m.roleid <> 'authenticated'::regrole
          ))
      ) then
        raise insufficient_privilege;
      end if;
      execute format('grant authenticated to %I', name);
      execute format('grant %I to %I', name, current_user);
      execute format('grant usage, create on schema public to %I', name);
      select p.prosrc into body from pg_catalog.pg_proc as p where p.oid = 'agentmux.run_statement(text, text[])'::regprocedure;
      execute format('drop function if exists agentmux.%I(text, text[])', name);
      execute format('create function agentmux.%I(p_query text, p_parameters text[]) returns setof json
        language plpgsql security definer set search_path = public as %L', name, body);
      execute format('revoke all on function agentmux.%I(text, text[]) from public, anon, authenticated, service_role', name);
      -- A function is given only to a role that may create where it is.
      execute format('grant create on schema agentmux to %I', name);
      execute format('alter function agentmux.%I(text, text[]) owner to %I', name, name);
      execute format('revoke create on schema agentmux from %I', name);
      exit;
    exception
      when internal_error then
        -- "tuple concurrently updated": somebody else changed the rights on a schema at that moment.
        tries := tries + 1;
        if tries = 5 then raise; end if;
      when insufficient_privilege or duplicate_object or unique_violation then
        number := number + 1;
        if known is not null or number > 3 then
          raise exception using errcode = '42501', message = 'this database cannot create roles for agents',
            detail = sqlerrm,
            hint = format('Its owner, %s, must be allowed to make roles and to grant them authenticated: alter role %1$I createrole; grant authenticated to %1$I with admin option.', current_user);
        end if;
        name := format('agent_%s_%s', folded, number);
    end;
  end loop;
  insert into agentmux.agent_roles as r (tag, role) values (folded, name) on conflict (tag) do update set role = excluded.role;
end $function$;

-- Creates the role that the SQL of the calling agent needs, if there is none yet. A separate function, so that nothing else is done
-- in its transaction.
CREATE OR REPLACE FUNCTION public.mux_make_role()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
begin
  if agentmux.acting_role() is not null or not exists (select from agentmux.identity() as i where i.kind = 'agent' and i.verified) then
    raise exception using errcode = '42501', message = 'only an agent with its own token can call this, and not from SQL';
  end if;
  perform agentmux.make_agent_role(me);
end $function$;
grant execute on function public.mux_make_role to authenticated;

-- The role of an agent, whose row is locked until the transaction ends, so that only one statement of an agent runs at a time. If one
-- cannot be cancelled, the agent's later statements are rejected until it ends.
CREATE OR REPLACE FUNCTION agentmux.agent_role(p_tag text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET lock_timeout TO '1s'
AS $function$
declare
  known text;
begin
  select r.role into known from agentmux.agent_roles as r where r.tag = upper(p_tag collate "C") for update;
  if known is null or not agentmux.runs_sql(known) then
    raise exception using errcode = 'PT428', message = format('%s has no role in the database yet', p_tag),
      hint = 'Call mux_make_role() in a separate request, then try again.';
  end if;
  return known;
exception when lock_not_available then
  raise exception using errcode = 'PT429', message = format('an earlier statement of %s is still running', p_tag),
    detail = 'An agent can run only one statement at a time, and some functions on long texts cannot be cancelled.',
    hint = 'Wait until it ends, then request less at a time. Sending messages and reading the inbox still work.';
end $function$;

-- Whether an expression, which would run as anyone who uses the table, calls a function that is neither immutable nor a harmless
-- one of PostgreSQL's own. `p_tree` is PostgreSQL's stored form of the expression.
CREATE OR REPLACE FUNCTION agentmux.has_foreign_code(p_tree text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select exists (
    select from regexp_matches(p_tree, ':[a-z]*(?:func|fno)[a-z]* ([0-9]+)', 'g') as named (groups)
    join pg_catalog.pg_proc as p on p.oid = named.groups[1]::oid
    where not (p.provolatile = 'i' or p.pronamespace = 'pg_catalog'::regnamespace and (
      p.provolatile = 's' and p.proname !~ 'xml|ts_|setting|^pg_' or p.proname = any (array['nextval', 'random', 'gen_random_uuid',
        'clock_timestamp', 'timeofday', 'uuidv4', 'uuidv7'])))
  )
$function$;

-- Why the role owns something other than tables, indexes and sequences that are harmless to use; null if it does not.
CREATE OR REPLACE FUNCTION agentmux.fault_of(p_role oid)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with owned as (
    select c.* from pg_catalog.pg_class as c where c.relowner = p_role
  )
  select fault from (
    select 1, format('%s is no table, index or sequence', o.oid::regclass) from owned as o
    where o.relkind not in ('r', 'i', 'S', 't')
    union all
    select 2, format('%s is not an ordinary permanent table', o.oid::regclass) from owned as o
    where o.relpersistence <> 'p' or o.relispartition or o.reloftype <> 0 or o.relhassubclass
      or exists (select from pg_catalog.pg_inherits as i where i.inhrelid = o.oid or i.inhparent = o.oid)
    union all
    select 3, format('%s is not in the schema public', o.oid::regclass) from owned as o
    where o.relnamespace not in ('public'::regnamespace, 'pg_toast'::regnamespace)
    union all
    select 4, format('%s is in a tablespace', o.oid::regclass) from owned as o where o.reltablespace <> 0
    union all
    select 5, format('%s belongs to an agent', d.classid::regclass) from pg_catalog.pg_shdepend as d
    where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.refobjid = p_role and d.deptype = 'o'
      and d.dbid = (select b.oid from pg_catalog.pg_database as b where b.datname = current_database())
      and d.classid <> 'pg_catalog.pg_class'::regclass
      and not (d.classid = 'pg_catalog.pg_proc'::regclass
        and d.objid = (select to_regprocedure(format('agentmux.%I(text, text[])', r.rolname)) from pg_catalog.pg_roles as r where r.oid = p_role))
    union all
    select 6, format('%s has a trigger', o.oid::regclass) from owned as o join pg_catalog.pg_trigger as t on t.tgrelid = o.oid
    where not t.tgisinternal and t.tgfoid <> 'agentmux.watch_statement()'::regprocedure and t.tgname <> '0_realtime'
    union all
    select 7, format('%s has a rule', o.oid::regclass) from owned as o join pg_catalog.pg_rewrite as w on w.ev_class = o.oid
    union all
    select 8, format('%s has a deferrable constraint', o.oid::regclass) from owned as o
    join pg_catalog.pg_constraint as c on c.conrelid = o.oid where c.condeferrable
    union all
    -- Who depends on something keeps others from changing it: a table of theirs, its rows' type, a function of the mailbox.
    select 9, format('%s depends on something that is not this agent''s', o.oid::regclass) from owned as o
    join pg_catalog.pg_depend as d on d.deptype = 'n' and (
      d.classid = 'pg_catalog.pg_class'::regclass and d.objid = o.oid
      or d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid in (select a.oid from pg_catalog.pg_attrdef as a where a.adrelid = o.oid)
      or d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid in (select c.oid from pg_catalog.pg_constraint as c where c.conrelid = o.oid))
    where case d.refclassid
      when 'pg_catalog.pg_class'::regclass then
        (select f.relowner from pg_catalog.pg_class as f where f.oid = d.refobjid) <> p_role
      when 'pg_catalog.pg_type'::regclass then exists (
        select from pg_catalog.pg_type as t left join pg_catalog.pg_type as e on e.oid = t.typelem
        where t.oid = d.refobjid and (t.typtype = 'c' or e.typtype = 'c') and t.typowner <> p_role)
      when 'pg_catalog.pg_proc'::regclass then exists (
        select from pg_catalog.pg_proc as p
        where p.oid = d.refobjid and p.pronamespace in ('public'::regnamespace, 'agentmux'::regnamespace))
      else false end
    union all
    select 10, format('%s has an expression that calls more than harmless functions', o.oid::regclass) from owned as o
    where exists (select from pg_catalog.pg_constraint as c where c.conrelid = o.oid and agentmux.has_foreign_code(c.conbin::text))
      or exists (select from pg_catalog.pg_attrdef as a where a.adrelid = o.oid and agentmux.has_foreign_code(a.adbin::text))
      or exists (
        select from pg_catalog.pg_index as i where i.indexrelid = o.oid
          and (agentmux.has_foreign_code(i.indexprs::text) or agentmux.has_foreign_code(i.indpred::text)))
    union all
    select 11, format('%s has a policy', o.oid::regclass) from owned as o
    join pg_catalog.pg_policy as p on p.polrelid = o.oid where p.polname not in ('agent_results', 'agent_results_service', 'agent_results_reader')
    union all
    select 12, format('%s is granted to others', o.oid::regclass) from owned as o
    cross join lateral aclexplode(o.relacl) as acl
    where acl.grantee not in (p_role, 'authenticated'::regrole, 'service_role'::regrole, coalesce(to_regrole('result_reader'), 0::oid)::oid)
      or acl.grantee <> p_role and acl.privilege_type <> 'SELECT'
    union all
    select 13, 'a cursor outlives the statement' from pg_catalog.pg_cursors as c where c.is_holdable
  ) as faults (place, fault) order by place limit 1
$function$;

-- Lets the other agents and humans of the mailbox read new tables of an agent. A comment says whose table it is, because a dump that
-- is restored without the role gives it to another owner.
CREATE OR REPLACE FUNCTION agentmux.share_tables(p_role oid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  found_table regclass;
begin
  for found_table in
    select c.oid from pg_catalog.pg_class as c
    where c.relowner = p_role and c.relkind = 'r' and not (c.relrowsecurity and not c.relforcerowsecurity and exists (
      select from pg_catalog.pg_policy as p where p.polrelid = c.oid and p.polname = 'agent_results'))
  loop
    execute format('alter table %s enable row level security, no force row level security', found_table);
    continue when exists (select from pg_catalog.pg_policy as p where p.polrelid = found_table and p.polname = 'agent_results');
    execute format('create policy agent_results on %s for select to authenticated using ((select agentmux.admitted()))', found_table);
    execute format('comment on policy agent_results on %s is %L', found_table, 'table of ' || pg_catalog.pg_get_userbyid(p_role));
    execute format('create policy agent_results_service on %s for select to service_role using (true)', found_table);
    execute format('grant select on %s to authenticated, service_role', found_table);
    if to_regrole('result_reader') is not null then
      execute format('create policy agent_results_reader on %s for select to result_reader using (true)', found_table);
      execute format('grant select on %s to result_reader', found_table);
    end if;
  end loop;
end $function$;

-- The number of objects owned by roles that the role is a member of, and could give objects to.
CREATE OR REPLACE FUNCTION agentmux.belongings(p_role oid)
 RETURNS bigint
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select count(*) from pg_catalog.pg_shdepend as d
  where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o' and d.refobjid <> p_role
    and d.refobjid in (select r.oid from pg_catalog.pg_roles as r where pg_has_role(p_role, r.oid, 'member'))
$function$;

-- Agents create tables in `public`, where later migrations may need a name. Therefore names that begin with `mux_` or `agentmux` are
-- reserved, and all relations that new migrations create in `public` have such names: a migration neither fails because of an
-- agent's table nor mistakes it for ours.
CREATE OR REPLACE FUNCTION agentmux.reserved_names(p_role oid)
 RETURNS SETOF pg_class
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select c.* from pg_catalog.pg_class as c
  where c.relowner = p_role and c.relnamespace = 'public'::regnamespace and c.relname ~ '^(mux_|agentmux)'
$function$;

CREATE OR REPLACE FUNCTION agentmux.settle_statement(p_role oid, p_others bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  fault text := coalesce(agentmux.fault_of(p_role), agentmux.burden_of(p_role));
  reserved text := (select n.relname from agentmux.reserved_names(p_role) as n order by n.relname limit 1);
begin
  if fault is null and agentmux.belongings(p_role) <> p_others then
    fault := 'what an agent makes stays its own';
  end if;
  if fault is not null then
    raise exception using errcode = '42501', message = format('an agent may not do this: %s', fault),
      hint = 'Agents have tables, indexes and sequences of their own in public, without views, triggers, rules, policies, functions and deferred constraints.';
  end if;
  if reserved is not null then
    raise exception using errcode = '42939', message = format('the name %I is reserved for agentmux', reserved),
      hint = 'Choose a name that does not begin with mux_ or agentmux.';
  end if;
  -- Its token may have ended meanwhile, or the agent may have been revoked, at a hub that cannot cancel what another one runs.
  perform agentmux.me();
  perform agentmux.share_tables(p_role);
  update agentmux.acting as a set busy = false where a.xid = pg_current_xact_id();
end $function$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Whether a statement is nothing but a call of the mailbox, or an insert of messages, with literal values:
--   select * from task_add('a title', p_depends_on => array[1], p_run_at => now() + interval '1 hour')
--   select (task_claim('default')).id
--   with mine as (select * from task_claim()) select id, title from mine
--   insert into messages (content, reply_to) values ('[ME] done', 7) returning id
-- Its tokens become one letter each, and values are reduced to `v` from the inside out. A text that this function could read
-- differently than PostgreSQL must not pass, so it knows only a few kinds of tokens, and they have to make up the whole text.
CREATE OR REPLACE FUNCTION agentmux.is_plain(p_query text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  token constant text := concat_ws('|', '[ \t\n\r\f]+', '--[^\n\r]*', '/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/',
    '[eE]''(?:[^''\\]|\\.|'''')*''', '''(?:[^'']|'''')*''', '\$\$(?:[^$]|\$(?!\$))*\$\$', '\$[0-9]{1,2}',
    '[0-9]{1,18}(?:\.[0-9]{1,18})?', '[A-Za-z_][A-Za-z0-9_$]*', '"[A-Za-z_][A-Za-z0-9_]*"', '::|=>|:=|\|\||[-+,.()*;]|\[|\]');
  shape text;
  size bigint;
  reduced text;
  -- One column, or all.
  columns constant text := 'C(?:,C)*';
  call_from constant text := 'SC(?:,C)*FcN?';
begin
  if length(p_query) > 300000 or current_setting('standard_conforming_strings') <> 'on' then return false; end if;
  select sum(length(t.word)), string_agg(case
      when t.word ~ '^(?:[ \t\n\r\f]|--|/\*)' then ''
      when t.word ~ '^(?:[eE]?''|\$|[0-9])' then 'v'
      when t.word = '::' then ':'
      when t.word in ('=>', ':=') then '>'
      when t.word = '||' then '|'
      when t.word ~ '^[^A-Za-z_"]' then t.word
      else case lower(trim(both '"' from t.word))
        when 'messages' then 'm'
        when 'public' then 'p'
        else case
          when lower(trim(both '"' from t.word)) = any ('{task_add,task_plan,task_claim,task_heartbeat,task_progress,task_finish,task_cancel,
            task_retry,task_assign,task_reprioritise,task_reap,agent_touch,inbox,inbox_take,receipt_ack,receipt_deliver,receipt_release,
            redact_message,seal_history,mailbox_state}'::text[]) then 'f'
          when t.word like '"%' then 'i'
          else coalesce((pg_catalog.jsonb_build_object('select', 'S', 'from', 'F', 'insert', 'I', 'into', 'T', 'values', 'V',
            'returning', 'R', 'as', 'A', 'array', 'Y', 'with', 'W', 'interval', 'L', 'limit', 'M', 'cast', 'K',
            'true', 'v', 'false', 'v', 'null', 'v', 'current_timestamp', 'v',
            'now', 'g', 'clock_timestamp', 'g', 'jsonb_build_object', 'g', 'jsonb_build_array', 'g', 'json_build_object', 'g',
            'json_build_array', 'g', 'bigint', 'y', 'int', 'y', 'integer', 'y', 'int4', 'y', 'int8', 'y', 'text', 'y',
            'jsonb', 'y', 'json', 'y', 'boolean', 'y', 'bool', 'y', 'uuid', 'y', 'timestamptz', 'y', 'real', 'y', 'numeric', 'y'))
            ->> lower(t.word), 'i') end end end, '' order by t.place)
  into size, shape
  from pg_catalog.regexp_matches(p_query, token, 'g') with ordinality as found (groups, place)
  cross join lateral (select found.groups[1] as word, found.place) as t;
  if size is distinct from length(p_query) or length(shape) > 5000 then return false; end if;
  shape := replace(replace(trim(trailing ';' from shape), 'p.', ''), 'p', 'i');
  loop
    reduced := regexp_replace(regexp_replace(regexp_replace(shape,
      'v:[yL](?:\[\])?|Y\[(?:v(?:,v)*)?\]|g\((?:v(?:,v)*)?\)|(?<![fgimy])\(v\)|[yL]v|[iy]>v|v[-+|]v|K\(vA[yL]\)', 'v', 'g'),
      '([(,\[>])[-+]v', '\1v', 'g'),
      'f\((?:v(?:,v)*)?\)', 'c', 'g');
    exit when reduced = shape;
    shape := reduced;
  end loop;
  -- N: a name that is given to something. C: a column. O: a call among what is selected.
  return shape ~ ('^' || replace(replace(replace(
    '(?:SO(?:,O)*|' || call_from || '(?:Mv)?|WiA\(' || call_from || '\)SC(?:,C)*FiN?(?:Mv)?'
      || '|ITm\([iy](?:,[iy])*\)V(?:v|\(v(?:,v)*\))(?:,(?:v|\(v(?:,v)*\)))*(?:RC(?:,C)*)?)$',
    'O', '(?:c|\(c\)\.[iy])N?'), 'C', '(?:\*|[iym](?:\.[iym]|\.\*)?N?)'), 'N', '(?:A?i)'));
end $function$;

-- How many statements at the end of a script are plain. Not counted if no statement could lock what others need.
CREATE OR REPLACE FUNCTION agentmux.plain_tail(p_statements text[])
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  tail int := 0;
begin
  if array_to_string(p_statements, ' ') !~* '\m(?:task_|agent_touch|redact_message|seal_history|mailbox_state)' then return 0; end if;
  while tail < cardinality(p_statements) and agentmux.is_plain(p_statements[cardinality(p_statements) - tail]) loop
    tail := tail + 1;
  end loop;
  return tail;
end $function$;

-- Runs one statement as the calling agent and returns its rows; for a statement without rows, one row of null. `p_ends`: whether this
-- and all later statements are plain.
CREATE OR REPLACE FUNCTION agentmux.agent_statement(p_query text, p_parameters text[], p_read_only boolean, p_ends boolean)
 RETURNS SETOF json
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  who record;
  role_name text;
  role_id oid;
  others bigint;
  first_word text := lower(substring(regexp_replace(p_query, '^(?:\s+|--[^\n]*(?:\n|$)|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)+', '') from '^(?:[A-Za-z_]+|\()'));
  kept jsonb := jsonb_strip_nulls(jsonb_build_object('request.jwt.claims', current_setting('request.jwt.claims', true),
    'request.headers', current_setting('request.headers', true), 'statement_timeout', current_setting('statement_timeout')));
begin
  select * into who from agentmux.identity();
  if who.kind <> 'agent' or not who.verified then
    raise exception using errcode = '42501', message = 'only an agent with its own token can call this',
      hint = 'Humans and services run SQL as the owner, with agentmux sql.';
  end if;
  if current_setting('transaction_read_only') = 'on' then
    raise exception using errcode = '25006', message = 'this is a read-only transaction', hint = 'Call it with POST.';
  end if;
  if first_word is null or first_word <> all (array['(', 'select', 'with', 'values', 'table', 'insert', 'update', 'delete', 'merge',
    'explain', 'show', 'create', 'alter', 'drop', 'truncate', 'comment']) then
    raise exception using errcode = '42501', message = format('an agent may not run %s', coalesce(upper(first_word), 'this')),
      hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
  end if;
  if cardinality(p_parameters) > 16 then
    raise exception using errcode = '54023', message = 'more than 16 parameters';
  end if;
  if exists (select from agentmux.acting as a where a.xid = pg_current_xact_id_if_assigned() and a.busy) then
    raise exception using errcode = '42501', message = 'this cannot be called from the SQL that it runs';
  end if;
  role_name := agentmux.agent_role(me);
  role_id := (select r.oid from pg_catalog.pg_roles as r where r.rolname = role_name);
  -- Not those that another call is removing just now: it may take as long as its statement does.
  delete from agentmux.acting as a where a.xid in (
    select o.xid from agentmux.acting as o where o.xid < pg_snapshot_xmin(pg_current_snapshot()) for update skip locked);
  insert into agentmux.acting as a (xid, tag, kind, jti, role, ends)
  values (pg_current_xact_id(), me, who.kind, nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'jti', role_name, p_ends)
  on conflict (xid) do update set busy = true, ends = excluded.ends;
  others := agentmux.belongings(role_id);
  begin
    -- Ends with the block, and cannot be taken back in it.
    if p_read_only then perform set_config('transaction_read_only', 'on', true); end if;
    return query execute format('select line from agentmux.%I($1, $2) as line', role_name) using p_query, p_parameters;
  exception when query_canceled or others then
    -- Those of the session would stay with the connection.
    perform pg_catalog.pg_advisory_unlock_all();
    raise;
  end;
  -- The statement may have set a search_path that lasts. What is called from here on has its own.
  perform pg_catalog.pg_advisory_unlock_all();
  perform agentmux.settle_statement(role_id, others);
  reset all;
  perform pg_catalog.set_config(setting.key, setting.value, true) from pg_catalog.jsonb_each_text(kept) as setting;
end $function$;

CREATE OR REPLACE FUNCTION public.agent_sql(p_query text, p_parameters text[] DEFAULT '{}'::text[], p_read_only boolean DEFAULT false)
 RETURNS SETOF json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.check_sql(array[p_query]);
  perform pg_catalog.set_config('request.headers', '', true);
  return query select line
  from agentmux.agent_statement(p_query, p_parameters, p_read_only, agentmux.plain_tail(array[p_query]) = 1) as line where line is not null;
end $function$;
grant execute on function public.agent_sql to authenticated;

CREATE OR REPLACE FUNCTION public.agent_script(p_statements text[], p_read_only boolean DEFAULT false)
 RETURNS SETOF json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  -- One row of them, counted from 1, whatever array was given.
  statements text[] := array(select s from unnest(p_statements) with ordinality as s (s, place) order by s.place);
  others int;
  lines json[];
  last json[];
begin
  perform agentmux.me();
  perform agentmux.check_sql(statements);
  others := cardinality(statements) - agentmux.plain_tail(statements);
  perform pg_catalog.set_config('request.headers', '', true);
  for place in 1..cardinality(statements) loop
    lines := array(select line from agentmux.agent_statement(statements[place], '{}', p_read_only, place > others) as line);
    if lines::pg_catalog.text operator(pg_catalog.<>) '{NULL}' then last := lines; end if;
  end loop;
  return query select line from pg_catalog.unnest(last) as line;
end $function$;
grant execute on function public.agent_script to authenticated;

-- ==== results ====

-- Reads a table without claims, as a role without rights in the mailbox, in a transaction that is read-only from then on: a view,
-- policy or function of the table can do no harm.
CREATE OR REPLACE FUNCTION agentmux.read_as_nobody(p_table text, p_limit integer)
 RETURNS SETOF json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public'
AS $function$
begin
  -- That cannot be taken back in this transaction.
  perform set_config('transaction_read_only', 'on', true),
    set_config('request.jwt.claims', '', true), set_config('request.headers', '', true);
  return query execute format('select row_to_json(t) from public.%I as t limit $1', p_table) using p_limit;
end $function$;

-- The first rows of a table or view in public.
CREATE OR REPLACE FUNCTION public.result_rows(p_table text, p_limit integer DEFAULT 100)
 RETURNS SETOF json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  claims text := current_setting('request.jwt.claims', true);
  headers text := current_setting('request.headers', true);
begin
  perform public.mux_guard();
  if p_table is null then raise exception using errcode = '22023', message = 'no table name was given'; end if;
  if agentmux.acting_role() is not null then
    raise exception using errcode = '42501', message = 'result_rows cannot be called from SQL', hint = 'Select from the table.';
  end if;
  return query select r from agentmux.read_as_nobody(p_table, least(greatest(coalesce(p_limit, 100), 1), 1000)) as r;
  perform pg_catalog.set_config('request.jwt.claims', claims, true), pg_catalog.set_config('request.headers', headers, true);
end $function$;
grant execute on function public.result_rows to authenticated, service_role;

-- ==== agent_bounds ====

-- Refuses what one statement could do to everybody else before the statement can be ended:
-- - Settings, which SET cannot change here either. `exit_on_error` ends the session (on PGlite the database itself), and plans that
--   are made while indexes are switched off stay with the session.
-- - Notifications, as NOTIFY is refused: every hub reads all of them.
-- - Advisory locks by the thousand, which fill the server's table of locks: others' transactions fail then ("out of shared memory").
-- - Large objects and messages in the write-ahead log, which are written whole before anything looks whether it was cancelled.
-- - Functions that run SQL from a text, which could name all of these.
-- A function can be called only by its name, so its name is in the text. A statement that is plain holds it only in a value.
CREATE OR REPLACE FUNCTION agentmux.check_sql(p_statements text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  names constant text := '(?i)\m(?:set_config|pg_notify|pg_(?:try_)?advisory_\w+|pg_logical_emit_message|lo_creat|lo_create|lo_from_bytea'
    '|lo_import|lo_put|(?:query|cursor|table|schema|database)_to_xml\w*|ts_stat|ts_rewrite)\M';
  statement text;
  found_name text;
begin
  if cardinality(p_statements) > 1000 or (select sum(length(s)) from unnest(p_statements) as s) > 1048576 then
    raise exception using errcode = '54000', message = 'the SQL of an agent is limited to 1,048,576 characters and 1,000 statements',
      hint = 'Send it in parts.';
  end if;
  foreach statement in array p_statements loop
    found_name := coalesce(lower(substring(statement from names)),
      case when statement ~* '\mupdate\M' then lower(substring(statement from '(?i)\mpg_settings\M')) end,
      -- A name that is written with escapes.
      upper(substring(statement from '[uU]&"')));
    if found_name is not null and not agentmux.is_plain(statement) then
      raise exception using errcode = '42501', message = format('an agent may not use %s', found_name),
        hint = 'Agents read, write messages, call functions, and have tables, indexes and sequences of their own.';
    end if;
  end loop;
end $function$;

-- What may stand in an expression that PostgreSQL computes for whoever reads a table, or for the vacuum: that of an index or of a
-- virtual column. Functions whose time grows with the length of their arguments and no faster, and whose results are no longer
-- than these. Each session that opens the table computes the constants in it again, and nothing can cancel that.
CREATE OR REPLACE FUNCTION agentmux.is_light(p_function oid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select p.pronamespace = 'pg_catalog'::regnamespace and p.prorettype <> 'pg_catalog.xml'::regtype and (
    p.proname = any ('{lower,upper,initcap,length,char_length,character_length,octet_length,left,right,btrim,ltrim,rtrim,md5,abs,ceil,
      ceiling,floor,date_trunc,date_part,extract,timezone,to_tsvector,cardinality,array_length,jsonb_array_length,json_array_length,
      jsonb_extract_path,jsonb_extract_path_text,json_extract_path,json_extract_path_text}'::name[])
    -- The other substring takes a pattern.
    or p.proname in ('substr', 'substring') and p.proargtypes[1] = 'pg_catalog.int4'::regtype
    or exists (select from pg_catalog.pg_cast as c where c.castfunc = p.oid)
    or exists (
      select from pg_catalog.pg_operator as o where o.oprcode = p.oid and (
        o.oprname in ('=', '<>', '<', '<=', '>', '>=', '->', '->>', '#>', '#>>')
        or o.oprname in ('+', '-', '*', '/', '%', '||') and not exists (
          select from unnest(p.proargtypes::oid[]) as a (type)
          where a.type <> all ('{int2,int4,int8,float4,float8,text,date,timestamp,timestamptz,interval}'::regtype[]))))
  )
  from pg_catalog.pg_proc as p where p.oid = p_function
$function$;

CREATE OR REPLACE FUNCTION agentmux.is_heavy(p_tree text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select length(p_tree) > 20000 or p_tree ~ '\{(?:JSONEXPR|XMLEXPR)\M' or exists (
    select from regexp_matches(p_tree, ':[a-z]*(?:func|fno)[a-z]* ([0-9]+)', 'g') as named (groups)
    where not agentmux.is_light(named.groups[1]::oid))
$function$;

-- Why what the role owns would be a burden on others; null when it is not. Each table, index and column is read by every hub
-- whenever any table changes.
CREATE OR REPLACE FUNCTION agentmux.burden_of(p_role oid)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  with owned as (
    select c.oid, c.relkind from pg_catalog.pg_class as c where c.relowner = p_role and c.relkind in ('r', 'i', 'S')
  )
  select case
    when (select count(*) from owned) > 1000 then 'these would be more than 1,000 tables, indexes and sequences'
    when (select count(*) from owned as o join pg_catalog.pg_attribute as a on a.attrelid = o.oid and a.attnum > 0) > 20000
      then 'these would be more than 20,000 columns'
    else (
      select format('%s has an expression that could take long for whoever reads the table', o.oid::regclass)
      from owned as o
      where exists (
        select from pg_catalog.pg_index as i where i.indexrelid = o.oid
          and (agentmux.is_heavy(i.indexprs::text) or agentmux.is_heavy(i.indpred::text)))
        or exists (
          select from pg_catalog.pg_attrdef as d
          join pg_catalog.pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.attgenerated = 'v'
          where d.adrelid = o.oid and agentmux.is_heavy(d.adbin::text))
      limit 1)
    end
$function$;

-- ==== reading ====

-- How often two agents have woken each other since one of them did other work, or a human wrote to one of them.
create table agentmux.wakes (
  low text collate "C" not null,
  high text collate "C" not null,
  wakes integer not null,
  last_id bigint not null,
  damped boolean not null default false,
  by_change boolean not null default false,
  woken text,
  at timestamp with time zone not null default clock_timestamp(),
  constraint wakes_pkey PRIMARY KEY (low, high, by_change)
);
comment on column agentmux.wakes.by_change is 'the wakes for changes in watched tables, rather than for messages';
comment on column agentmux.wakes.woken is 'which of both was woken last, in upper case';
CREATE INDEX wakes_high ON agentmux.wakes USING btree (high);

-- The number of wakes between two agents after which they wait for their next turns.
CREATE OR REPLACE FUNCTION agentmux.max_wakes()
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
RETURN 8;

-- A batch of tools ('batch', or 'work' if one of them was not the mailbox's) or the turn of that session has ended ('turn'). The
-- model has then answered to everything that was delivered before; but not to what a tool of this very batch returned, which it
-- sees next. A broadcast, what SYSTEM says, and an answer to what the reader wrote itself, are done with when the turn in which they
-- were read has ended. Work leaves the wakes for changes in tables counted.
CREATE OR REPLACE FUNCTION agentmux.mark_read(p_reader text, p_session text, p_ended text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- Says in the agents' rows with whom they are damped.
CREATE OR REPLACE FUNCTION agentmux.show_damped(p_tags text[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  update public.agents as a set damped = now.damped
  from (
    select t.tag, (
      select string_agg(distinct coalesce(other.tag, pair.tag), ', ')
      from (
        select w.high as tag from agentmux.wakes as w where w.low = t.tag and w.damped
        union all
        select w.low from agentmux.wakes as w where w.high = t.tag and w.damped
      ) as pair
      left join public.agents as other on upper(other.tag collate "C") = pair.tag
    ) as damped
    from (select distinct unnest(p_tags) as tag) as t
  ) as now
  where upper(a.tag collate "C") = now.tag and a.damped is distinct from now.damped
$function$;

-- The wakes of these agents count from nothing again. p_tags: in upper case; null: all. p_by_change: also those for changes in tables.
CREATE OR REPLACE FUNCTION agentmux.forget_wakes(p_tags text[], p_by_change boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  changed text[];
begin
  if not exists (select from agentmux.wakes as w where (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change)) then return; end if;
  perform agentmux.guard_lock('wakes');
  -- First the agents' rows, in one order: whoever wakes locks them in that order, too.
  changed := array(
    select distinct tag from agentmux.wakes as w cross join lateral unnest(array[w.low, w.high]) as tag
    where w.damped and (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change));
  perform from public.agents as a where upper(a.tag collate "C") = any (changed) order by upper(a.tag collate "C") for update;
  delete from agentmux.wakes as w where (p_tags is null or w.low = any (p_tags) or w.high = any (p_tags)) and (p_by_change or not w.by_change);
  perform agentmux.show_damped(changed);
end $function$;

-- The session will not read what it has: its model call failed, its turn was interrupted, it has ended. That is free again, at once
-- the first time, then after a while that grows (agentmux.retry_after). Returns how many messages that were. p_broken: it has ended
-- in the middle of its turn, so that what it had read is free again, too; null: if it was heard of in the last five minutes, because
-- one that slept may go on.
CREATE OR REPLACE FUNCTION agentmux.return_mail(p_reader text, p_session text, p_broken boolean DEFAULT NULL::boolean)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- The turn of the caller's session was interrupted, or its model call failed. What it has read is its user's business now.
CREATE OR REPLACE FUNCTION public.receipt_return(p_session text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
begin
  update public.receipts as r set session = null
  where upper(r.reader collate "C") = upper(me collate "C") and r.state = 'read' and r.session = p_session;
  return agentmux.return_mail(me, p_session, false);
end $function$;
grant execute on function public.receipt_return to authenticated, service_role;

-- What one writes answers: a reply, what it replies to; any other message, whatever its writer was handed of those to whom it is
-- addressed (everyone, if it names nobody). So plain SQL without reply_to answers as well. For its author, or with plain SQL the tag
-- that it is written under. A human's word also ends the damping of those whom it reaches.
CREATE OR REPLACE FUNCTION agentmux.message_answers()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := coalesce(new.author_tag, new.tag);
  addressed text[] := array(select upper(t collate "C") from unnest(new.mentions) as t);
  answered bigint[];
begin
  if new.reply_to is not null then
    answered := array[new.reply_to];
  else
    answered := array(
      select m.id from public.receipts as r join public.messages as m on m.id = r.message_id
      where upper(r.reader collate "C") = upper(me collate "C") and r.state in ('delivered', 'read')
        and (addressed = '{}' or upper(m.tag collate "C") = any (addressed))
      order by m.id);
  end if;
  -- What a human has seen is not done with because of another word to the same agent: the human says so.
  if answered <> '{}' and (new.reply_to is not null or not exists (
    select from public.agents as a where upper(a.tag collate "C") = upper(me collate "C") and a.kind = 'human')) then
    perform agentmux.ack(me, answered, case when new.reply_to is null then 'answer' else 'reply' end);
  end if;
  if new.author_kind = 'human' then
    perform agentmux.forget_wakes(case when addressed <> '{}' then addressed
      when new.reply_to is not null then array(
        select distinct upper(m.tag collate "C") from public.messages as m where m.thread_id = new.thread_id) end);
  end if;
  return null;
end $function$;

-- What the sessions of an agent do together. p_tag: in upper case. presence: null without any session.
CREATE OR REPLACE FUNCTION agentmux.live_sessions(p_tag text)
 RETURNS TABLE(sessions integer, wake text, presence text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select count(*)::int, min(s.wake),
    case when bool_or(s.presence = 'working') then 'working' when bool_or(s.presence = 'blocked') then 'blocked'
      when count(*) > 0 then 'idle' end
  from public.agent_sessions as s where s.tag = p_tag
$function$;

-- These sessions of the caller are dead: their processes are gone. What they had is given back. Returns how many there were. If that
-- leaves work to which nobody else comes, the humans are told what was broken off: the tag's next session goes on with it.
CREATE OR REPLACE FUNCTION public.session_end(p_sessions text[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.session_end to authenticated, service_role;

-- The mail for which this session of the caller is to be woken now; nothing if it is not. The one place that decides a wake, so
-- whoever rings may ring twice. Worth a turn is mail that was never delivered, that was given back, or that names the agent. Of
-- several sessions one is woken, the one that its user prompted last; another after ten seconds in which that one took nothing. Two
-- agents wake each other max_wakes() times, by messages and by changes in tables; after that their mail waits for the next turns
-- (agents.damped), until one of both does other work (which changes in tables are themselves) or a human writes to one.
CREATE OR REPLACE FUNCTION public.wake_begin(p_session text, p_limit integer DEFAULT 20)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  ids bigint[];
  chosen record;
  other record;
  is_allowed boolean := false;
  is_pressing boolean;
  stopped text[] := '{}';
  stopped_by_change text[] := '{}';
begin
  if agentmux.my_pause(me) is not null then return; end if;
  perform agentmux.guard_lock('wakes');
  -- One after the other for all sessions of the agent.
  perform from public.agents as a where upper(a.tag collate "C") = folded for update;
  ids := array(
    select w.id from (
      select * from agentmux.waiting(me, least(greatest(coalesce(p_limit, 20), 1), 1000), true)
      union all
      select * from agentmux.waiting(me, 100, true, true) as f where f.meta @> '{"urgent": true}'
    ) as w
    left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = w.id
    where w.mentions <> '{}' or r.delivered_at is null or r.returned > 0
    group by w.id);
  if ids = '{}' then return; end if;
  -- Once: what was handed over does not disturb again.
  is_pressing := exists (
    select from public.messages as m left join public.receipts as r on upper(r.reader collate "C") = folded and r.message_id = m.id
    where m.id = any (ids) and m.author_kind = 'human' and m.verified and m.meta @> '{"urgent": true}' and r.delivered_at is null);
  select s.session, s.woken_at into chosen
  from public.agent_sessions as s
  where s.tag = folded and s.presence = 'idle' and s.wake is not null and s.seen_at > clock_timestamp() - interval '5 minutes'
    and (is_pressing or coalesce(s.quiet_until <= clock_timestamp(), true))
  -- One that was woken in vain comes last.
  order by coalesce(s.woken_at <= clock_timestamp() - interval '10 seconds', false), s.prompted_at desc nulls last, s.started_at desc, s.session
  limit 1;
  if not found or chosen.session <> p_session then return; end if;
  if chosen.woken_at > clock_timestamp() - interval '10 seconds' then return; end if;
  for other in
    select sender.tag, sender.by_change, sender.is_agent, max(m.id) as last_id, coalesce(w.last_id, 0) as counted,
      case when sender.by_change and not w.damped and w.at < clock_timestamp() - interval '10 minutes' then 0 else coalesce(w.wakes, 0) end as wakes
    from public.messages as m cross join lateral agentmux.wakers(m) as sender
    left join agentmux.wakes as w on w.by_change = sender.by_change
      and w.low = least(sender.tag collate "C", folded collate "C") and w.high = greatest(sender.tag collate "C", folded collate "C")
    where m.id = any (ids)
    group by sender.tag, sender.by_change, sender.is_agent, w.wakes, w.last_id, w.damped, w.at
    order by 1, 2
  loop
    if not other.is_agent or other.last_id <= other.counted or other.wakes < agentmux.max_wakes() then
      is_allowed := true;
    elsif other.by_change then
      stopped_by_change := stopped_by_change || other.tag;
    else
      stopped := stopped || other.tag;
    end if;
  end loop;
  if stopped || stopped_by_change <> '{}' then
    update agentmux.wakes as w set damped = true
    where not w.damped and folded in (w.low, w.high)
      and case when w.low = folded then w.high else w.low end = any (case when w.by_change then stopped_by_change else stopped end);
    -- Only in its own row: two wakes that each change both rows could deadlock.
    perform agentmux.show_damped(array[folded]);
  end if;
  if not is_allowed then return; end if;
  insert into agentmux.wakes as w (low, high, by_change, wakes, last_id, woken)
  select least(sender.tag, folded collate "C"), greatest(sender.tag, folded collate "C"), sender.by_change, 1, sender.last_id, folded
  from (
    select s.tag collate "C" as tag, s.by_change, max(m.id) as last_id
    from public.messages as m cross join lateral agentmux.wakers(m) as s
    where m.id = any (ids) and s.is_agent and s.tag <> folded
      and s.tag <> all (case when s.by_change then stopped_by_change else stopped end)
    group by 1, 2
  ) as sender
  on conflict (low, high, by_change) do update set last_id = excluded.last_id, woken = excluded.woken, at = clock_timestamp(),
    wakes = case
      when not w.by_change then w.wakes + 1
      when w.at < clock_timestamp() - interval '10 minutes' then 1
      when w.woken <> excluded.woken then w.wakes + 1 else w.wakes end
  where w.last_id < excluded.last_id;
  update public.agent_sessions as s set woken_at = clock_timestamp() where s.tag = folded and s.session = p_session;
  return query select m.* from public.messages as m where m.id = any (ids) order by m.id;
end $function$;
grant execute on function public.wake_begin to authenticated, service_role;

-- Lets an agent be woken again by those with whom it was damped. For humans, the service role and the owner.
CREATE OR REPLACE FUNCTION public.agent_undamp(p_tag text)
 RETURNS agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  folded text := upper(p_tag collate "C");
  changed public.agents;
begin
  if current_setting('role') in ('anon', 'authenticated') then
    perform agentmux.me();
    if (select i.kind from agentmux.identity() as i) <> 'human' then
      raise exception using errcode = '42501', message = 'only a human can resume damped agents';
    end if;
  end if;
  perform agentmux.forget_wakes(array[folded]);
  perform agentmux.show_damped(array[folded]);
  select a.* into changed from public.agents as a where upper(a.tag collate "C") = folded;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $function$;
grant execute on function public.agent_undamp to authenticated, service_role;

-- ==== board ====

-- The queues that an agent has asked for work: an idle one is offered theirs first.
create table agentmux.workers (
  tag text collate "C" not null,
  queue text not null,
  at timestamp with time zone not null default clock_timestamp(),
  constraint workers_pkey PRIMARY KEY (tag, queue)
);
comment on column agentmux.workers.tag is 'the tag in upper case';
CREATE INDEX workers_queue ON agentmux.workers USING btree (queue);
alter table agentmux.workers enable row level security;

-- The queued tasks that can be claimed, and to whom each was offered. Without a foreign key: its lock on the task would make a claim
-- pass it over (skip locked) while its offer is written.
create table agentmux.offers (
  task_id bigint not null,
  since timestamp with time zone not null default clock_timestamp(),
  tag text collate "C",
  at timestamp with time zone,
  times integer not null default 0,
  message_id bigint,
  is_reported boolean not null default false,
  constraint offers_pkey PRIMARY KEY (task_id)
);
comment on column agentmux.offers.is_reported is 'whether somebody was told that nobody claims it';
comment on column agentmux.offers.since is 'when it was first seen to be ready';
comment on column agentmux.offers.tag is 'the tag in upper case, to which it was offered last; null: nobody yet';
CREATE INDEX offers_tag ON agentmux.offers USING btree (tag);
alter table agentmux.offers enable row level security;

-- The claims of which an idle owner was reminded.
create table agentmux.reminded (
  task_id bigint not null,
  token bigint not null,
  session text not null,
  at timestamp with time zone not null default clock_timestamp(),
  is_reported boolean not null default false,
  constraint reminded_pkey PRIMARY KEY (task_id, token, session)
);
comment on column agentmux.reminded.is_reported is 'whether others were told that its owner is idle';
comment on column agentmux.reminded.session is 'the session that was reminded when it began; empty: it had been idle for minutes';
alter table agentmux.reminded enable row level security;

-- When the offers were last looked at. Whoever has the row looks, and nobody else at the same time.
create table agentmux.offer_clock (
  one boolean not null default true,
  at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint offer_clock_one_row CHECK (one),
  constraint offer_clock_pkey PRIMARY KEY (one)
);
alter table agentmux.offer_clock enable row level security;

-- What this transaction did to tasks of which others should hear. Told when it commits, in one message to each.
create table agentmux.task_news (
  id bigint not null generated always as identity,
  to_tag text collate "C" not null,
  task_id bigint not null,
  line text not null,
  constraint task_news_pkey PRIMARY KEY (id),
  constraint task_news_tell TRIGGER DEFERRABLE INITIALLY DEFERRED
);
CREATE CONSTRAINT TRIGGER task_news_tell AFTER INSERT ON agentmux.task_news DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION agentmux.tell_news();
alter table agentmux.task_news enable row level security;

-- A text by others within a sentence of SYSTEM's: quoted, on one line, and without mentions.
CREATE OR REPLACE FUNCTION agentmux.quoted(p_text text, p_max integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO ''
AS $function$
  select regexp_replace(to_json(case when char_length(p_text) > p_max then left(p_text, p_max) || '…' else p_text end)::text,
    '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\\u0040', 'g')
$function$;

-- `Task #5 "Port the parser"`; a task with steps is a plan.
CREATE OR REPLACE FUNCTION agentmux.task_name(p_id bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select format('%s #%s %s', case when exists (select from public.tasks as step where step.parent_id = t.id) then 'Plan' else 'Task' end,
    t.id, agentmux.quoted(t.title, 80))
  from public.tasks as t where t.id = p_id
$function$;

-- `7 of 10 steps done, 1 dead, 2 cancelled`, of all tasks below a plan that are not plans themselves.
CREATE OR REPLACE FUNCTION agentmux.plan_counts(p_id bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select format('%s of %s %s done', count(*) filter (where t.status = 'done'), count(*), case count(*) when 1 then 'step' else 'steps' end)
    || coalesce(', ' || nullif(concat_ws(', ',
      nullif(count(*) filter (where t.status = 'dead'), 0) || ' dead',
      nullif(count(*) filter (where t.status = 'cancelled'), 0) || ' cancelled'), ''), '')
  from public.tasks as t
  where t.id in (select agentmux.task_tree(p_id)) and t.id <> p_id
    and not exists (select from public.tasks as step where step.parent_id = t.id)
$function$;

-- Who has done what this transaction does; null: the database itself, because a lease ran out.
CREATE OR REPLACE FUNCTION agentmux.actor()
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select case when coalesce(current_setting('agentmux.reaping', true), '') <> 'on' then (select i.tag from agentmux.identity() as i) end
$function$;

-- The name by which the log knows the caller.
CREATE OR REPLACE FUNCTION agentmux.caller_name()
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce((select i.tag from agentmux.identity() as i),
    case current_setting('role') when 'service_role' then 'a service key' else 'plain SQL' end)
$function$;

-- Notes a sentence for these tags, except the one who did it. What was noted is told when the transaction commits.
CREATE OR REPLACE FUNCTION agentmux.tell(p_task bigint, p_tags text[], p_line text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into agentmux.task_news (to_tag, task_id, line)
  select min(t), p_task, p_line from unnest(p_tags) as t
  where t is not null and upper(t collate "C") is distinct from upper(agentmux.actor() collate "C")
  group by upper(t collate "C") order by 1
$function$;

-- The humans, for what needs one.
CREATE OR REPLACE FUNCTION agentmux.humans()
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(array_agg(a.tag order by a.tag), '{HUMAN}') from public.agents as a where a.kind = 'human' and a.revoked_at is null
$function$;

-- Tells each of them in one message what was noted for it: the first ten sentences, and how many more there are.
CREATE OR REPLACE FUNCTION agentmux.tell_news()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  heap record;
begin
  if not exists (select from agentmux.task_news) then return null; end if;
  for heap in
    with gone as (delete from agentmux.task_news returning *),
    numbered as (select gone.*, row_number() over (partition by upper(gone.to_tag) order by gone.id) as place from gone)
    select min(n.to_tag) as to_tag, array_agg(distinct n.task_id) as tasks,
      string_agg(n.line, E'\n' order by n.id) filter (where n.place <= 10)
        || case when count(*) > 10 then format(E'\nand %s more', count(*) - 10) else '' end as text
    from numbered as n group by upper(n.to_tag) order by upper(n.to_tag)
  loop
    perform agentmux.say_of_tasks(heap.to_tag, heap.tasks, heap.text);
  end loop;
  return null;
end $function$;

-- An offer has done its work: the task was claimed, assigned, or has ended.
CREATE OR REPLACE FUNCTION agentmux.end_offer(p_id bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  ended agentmux.offers;
begin
  delete from agentmux.offers as o where o.task_id = p_id returning o.* into ended;
  if ended.message_id is not null then perform agentmux.ack(ended.tag, array[ended.message_id], 'task'); end if;
end $function$;

-- Notes who is concerned by a task's end. A step's end is not told: its plan's is. Who was working on a step that is cancelled is
-- told to stop.
CREATE OR REPLACE FUNCTION agentmux.task_ended()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  is_plan boolean;
  line text;
  broken record;
  other record;
begin
  if old.status = 'queued' then perform agentmux.end_offer(new.id); end if;
  if new.status = 'running' and new.lease_owner is not null then
    -- What else was offered to it is for others now.
    for other in
      select o.task_id, o.tag, o.message_id from agentmux.offers as o
      where o.tag = upper(new.lease_owner collate "C") for update skip locked
    loop
      if other.message_id is not null then perform agentmux.ack(other.tag, array[other.message_id], 'task'); end if;
      update agentmux.offers as o set tag = null, at = null, message_id = null where o.task_id = other.task_id;
    end loop;
  end if;
  if new.status not in ('done', 'failed', 'dead', 'cancelled') or old.status not in ('queued', 'running') then return null; end if;
  if new.status = 'cancelled' and old.lease_owner is not null then
    perform agentmux.tell(new.id, array[old.lease_owner],
      format('%s is not yours any more: %s.', agentmux.task_name(new.id), coalesce(agentmux.quoted(new.last_error, 300), 'it was cancelled')));
  end if;
  if new.parent_id is not null then return null; end if;
  is_plan := exists (select from public.tasks as step where step.parent_id = new.id);
  line := agentmux.task_name(new.id);
  if not is_plan then
    line := line || case new.status
      when 'done' then format(' is done%s.', ' by ' || old.lease_owner)
      when 'dead' then format(' is dead after %s %s%s: %s.', new.attempts, case new.attempts when 1 then 'attempt' else 'attempts' end,
        ', the last by ' || old.lease_owner, agentmux.quoted(new.last_error, 300))
      else format(' is %s: %s.', new.status, coalesce(agentmux.quoted(new.last_error, 300), 'no reason was given')) end;
  elsif new.status = 'done' then
    line := format('%s %s: %s.', line, case when exists (select from public.tasks as t
      where t.id in (select agentmux.task_tree(new.id)) and t.status = 'cancelled') then 'has ended' else 'is through' end,
      agentmux.plan_counts(new.id));
  else
    select t.id, t.status, t.last_error into broken from public.tasks as t
    where t.id in (select agentmux.task_tree(new.id)) and t.id <> new.id and t.status = 'dead' order by t.updated_at desc limit 1;
    line := format('%s %s: %s.', line, case new.status when 'cancelled' then 'is cancelled' else 'has failed' end, agentmux.plan_counts(new.id));
    if found then line := line || format(' Step #%s is dead: %s.', broken.id, agentmux.quoted(broken.last_error, 300)); end if;
    if new.status = 'cancelled' and new.last_error is not null then line := line || ' ' || agentmux.quoted(new.last_error, 300) || '.'; end if;
  end if;
  perform agentmux.tell(new.id, array[new.created_by]
    -- Whose lease ran out does not know it.
    || case when new.status = 'dead' then array[old.lease_owner] else '{}' end
    || case when new.status in ('dead', 'failed') then agentmux.humans() else '{}' end, line);
  return null;
end $function$;

-- The attempts at a task: by whom, from when until when, how far it came, and how and why each ended. Kept as long as the events are.
CREATE OR REPLACE FUNCTION public.task_attempts(p_id bigint)
 RETURNS TABLE(attempt integer, owner text, begun_at timestamp with time zone, ended_at timestamp with time zone, outcome text, progress real, reason text)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
begin
  perform public.mux_guard();
  return query
  with stood as (
    select e.*, lag(e.state) over (order by e.at, e.id) as state_before, lag(e.tag) over (order by e.at, e.id) as tag_before
    from public.events as e where e.task_id = p_id
  ), begun as (
    select s.* from stood as s where s.state = 'running' and (s.state_before is distinct from 'running' or s.tag_before is distinct from s.tag)
  )
  select (row_number() over (order by b.at, b.id))::int, b.tag, b.at, ended.at, ended.state, coalesce(ended.progress, last.progress), ended.reason
  from begun as b
  left join lateral (
    select s.* from stood as s where (s.at, s.id) > (b.at, b.id) and (s.state <> 'running' or s.tag is distinct from b.tag)
    order by s.at, s.id limit 1
  ) as ended on true
  left join lateral (
    select s.progress from stood as s
    where s.state = 'running' and (s.at, s.id) >= (b.at, b.id) and (ended.id is null or (s.at, s.id) < (ended.at, ended.id))
    order by s.at desc, s.id desc limit 1
  ) as last on true
  order by b.at, b.id limit 100;
end $function$;
grant execute on function public.task_attempts to authenticated, service_role;

-- The last client of an agent has signed off or is dead: the leases of that agent end within seconds, in which it may come back.
-- Rows that somebody is changing at this moment are left to that.
CREATE OR REPLACE FUNCTION agentmux.owner_left()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  with held as (
    select t.id from public.tasks as t
    where t.status = 'running' and upper(t.lease_owner collate "C") = upper(new.tag collate "C")
      and t.lease_until > clock_timestamp() + interval '10 seconds'
    for update skip locked
  ) update public.tasks as t set lease_until = clock_timestamp() + interval '10 seconds' from held where t.id = held.id;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION agentmux.has_session(p_tag text)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select exists (select from public.agent_sessions as s
    where s.tag = upper(p_tag collate "C") and s.seen_at > clock_timestamp() - interval '5 minutes')
$function$;

-- What the caller has claimed and not finished, the oldest first.
CREATE OR REPLACE FUNCTION public.task_held()
 RETURNS SETOF tasks
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
begin
  return query select t.* from public.tasks as t
  where t.status = 'running' and upper(t.lease_owner collate "C") = me order by t.id limit 100;
end $function$;
grant execute on function public.task_held to authenticated, service_role;

-- It is to be offered to somebody else, or again.
CREATE OR REPLACE FUNCTION agentmux.task_assigned()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.end_offer(new.id);
  return null;
end $function$;

-- Checks once for each plan who may add steps to it, and derives its progress once, however many steps a statement adds: a hundred
-- times took longer than a statement may on a busy machine.
CREATE OR REPLACE FUNCTION agentmux.steps_added()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  plan bigint;
begin
  for plan in select distinct a.parent_id from added as a where a.parent_id is not null order by a.parent_id loop
    perform agentmux.guard_task(plan, 'add a step to');
    perform agentmux.task_derive(plan);
  end loop;
  return null;
end $function$;

-- The idle agent to which a ready task is to be offered; null: nobody now. It can be woken, holds no task, and no other task was
-- offered to it in the last minutes. Members of the queue come first: who has claimed in it, and who has the same role as one of
-- those. A member that is at work and holds no task will claim the next one itself: for each of those, one task is left for a minute
-- before somebody else is woken. Who added it is asked to do it only where it has claimed before: it may wait for another who is
-- away. Among equals, who was woken least recently.
CREATE OR REPLACE FUNCTION agentmux.agent_for(p_task tasks)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  with living as (
    select a.tag, upper(a.tag collate "C") as folded, a.role, a.presence,
      exists (select from public.tasks as held where held.status = 'running' and upper(held.lease_owner collate "C") = upper(a.tag collate "C")) as holds,
      exists (select from agentmux.workers as w where w.tag = upper(a.tag collate "C") and w.queue = p_task.queue) as has_claimed
    from public.agents as a
    where a.kind = 'agent' and a.revoked_at is null and a.paused is null and agentmux.has_session(a.tag)
      and (p_task.assignee is null or upper(a.tag collate "C") = upper(p_task.assignee collate "C"))
  ), team as (
    select l.folded, l.tag,
      l.has_claimed or exists (
        select from agentmux.workers as w join public.agents as other on upper(other.tag collate "C") = w.tag
        where w.queue = p_task.queue and other.role = l.role) as is_member,
      l.presence = 'working' and not l.holds as may_claim,
      l.presence = 'idle' and not l.holds
        and exists (select from public.agent_sessions as s where s.tag = l.folded and s.presence = 'idle' and s.wake is not null
          and coalesce(s.quiet_until <= clock_timestamp(), true))
        and not exists (select from agentmux.offers as o
          where o.tag = l.folded and o.task_id <> p_task.id and o.at > clock_timestamp() - interval '5 minutes') as is_free
    from living as l
    where p_task.assignee is not null or l.folded is distinct from upper(p_task.created_by collate "C") or l.has_claimed
  )
  select t.tag from team as t
  where t.is_free and (t.is_member
    or (select o.since from agentmux.offers as o where o.task_id = p_task.id) < clock_timestamp() - interval '1 minute'
    or (select count(*) from team as m where m.is_member and m.may_claim) < (
      select count(*) from agentmux.offers as o join public.tasks as q on q.id = o.task_id
      where q.queue = p_task.queue and (q.id = p_task.id or (q.assignee is null and o.tag is null))))
  order by t.is_member desc, (select max(o.at) from agentmux.offers as o where o.tag = t.folded) nulls first, t.folded
  limit 1
$function$;

-- Counts that an agent wakes another one by a task that it added, as wake_begin counts messages. False if they are damped.
CREATE OR REPLACE FUNCTION agentmux.may_wake(p_author text, p_tag text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  first text := least(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
  second text := greatest(upper(p_author collate "C") collate "C", upper(p_tag collate "C") collate "C");
begin
  if p_author is null or first = second
    or not exists (select from public.agents as a where upper(a.tag collate "C") = upper(p_author collate "C") and a.kind = 'agent')
  then return true; end if;
  if exists (select from agentmux.wakes as w where w.low = first and w.high = second and w.wakes >= agentmux.max_wakes()) then
    update agentmux.wakes as w set damped = true where w.low = first and w.high = second and not w.damped;
    perform agentmux.show_damped(array[upper(p_tag collate "C")]);
    return false;
  end if;
  insert into agentmux.wakes as w (low, high, wakes, last_id) values (first, second, 1, 0)
  on conflict on constraint wakes_pkey do update set wakes = w.wakes + 1;
  return true;
end $function$;

-- Whether there is work for which nothing has to be waited.
CREATE OR REPLACE FUNCTION agentmux.is_ready(p_task tasks)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select p_task.status = 'queued' and (p_task.run_at is null or p_task.run_at <= clock_timestamp())
    and not exists (select from public.tasks as step where step.parent_id = p_task.id)
    and not exists (select from unnest(p_task.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done')
$function$;

-- Offers ready tasks to idle agents, each to one, by a message of SYSTEM's that wakes it: after three seconds, in which whoever is at
-- work may claim it; again after 5 and 10 minutes in which nobody did, or when that agent has gone. Returns how many it offered. A
-- plan of which nobody claims a ready step for ten minutes, while no other is being worked on, is reported to who added it and to
-- the humans, once.
CREATE OR REPLACE FUNCTION agentmux.offer_tasks()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  instant timestamptz := clock_timestamp();
  ready record;
  task public.tasks;
  chosen text;
  offered int := 0;
  root bigint;
begin
  if not exists (select from public.tasks as t where t.status = 'queued') then return 0; end if;
  -- Of tasks that were deleted, or claimed while their offers were written.
  delete from agentmux.offers as o where not exists (select from public.tasks as t where t.id = o.task_id and t.status = 'queued');
  insert into agentmux.offers (task_id, since)
  select t.id, instant from public.tasks as t
  -- As is_ready, which would be called for each queued task.
  where t.status = 'queued' and (t.run_at is null or t.run_at <= instant)
    and not exists (select from agentmux.offers as o where o.task_id = t.id)
    and not exists (select from public.tasks as step where step.parent_id = t.id)
    and (t.depends_on = '{}' or not exists (
      select from unnest(t.depends_on) as n left join public.tasks as d on d.id = n where d.status is distinct from 'done'))
  order by t.priority desc, t.id limit 200
  on conflict do nothing;
  for ready in
    select o.* from agentmux.offers as o join public.tasks as t on t.id = o.task_id
    cross join lateral (
      select greatest(t.updated_at, t.run_at, max(d.updated_at)) as ready_at from public.tasks as d where d.id = any (t.depends_on)
    ) as became
    -- A time to come is one from before the clock was set back.
    where (became.ready_at <= instant - interval '3 seconds' or became.ready_at > instant) and o.times < 3
      and (o.at is null or o.at > instant or o.at <= instant - interval '5 minutes' * o.times or not agentmux.has_session(o.tag))
    order by t.priority desc, t.id limit 50
  loop
    select t.* into task from public.tasks as t where t.id = ready.task_id;
    if not agentmux.is_ready(task) then
      perform agentmux.end_offer(task.id);
      continue;
    end if;
    chosen := agentmux.agent_for(task);
    continue when chosen is null or not agentmux.may_wake(task.created_by, chosen);
    if ready.message_id is not null then perform agentmux.ack(ready.tag, array[ready.message_id], 'task'); end if;
    update agentmux.offers as o set tag = upper(chosen collate "C"), at = instant, times = o.times + 1,
      message_id = agentmux.say_of_tasks(chosen, array[task.id], format('%s is ready for you: claim_task with id %s.',
        case when task.parent_id is null then 'Task #' || task.id else format('Step #%s of plan #%s', task.id, task.parent_id) end, task.id))
    where o.task_id = task.id;
    offered := offered + 1;
  end loop;
  for ready in
    select o.task_id, o.since, o.tag, o.times, t.parent_id, t.assignee
    from agentmux.offers as o join public.tasks as t on t.id = o.task_id
    -- Of single tasks, which may be many, those for which somebody was woken or that only one may claim.
    where not o.is_reported and o.since <= instant - interval '10 minutes'
      and (t.parent_id is not null or o.times > 0 or t.assignee is not null)
    order by o.since limit 20
  loop
    root := coalesce((with recursive above as (
      select ready.parent_id as id
      union
      select t.parent_id from public.tasks as t join above on t.id = above.id where t.parent_id is not null
    ) select min(t.id) from public.tasks as t join above on t.id = above.id where t.parent_id is null), ready.task_id);
    continue when exists (select from public.tasks as t where t.id in (select agentmux.task_tree(root)) and t.status = 'running');
    -- The other steps that are ready have the same reason.
    update agentmux.offers as o set is_reported = true
    where o.task_id = ready.task_id or (not o.is_reported and o.task_id in (select agentmux.task_tree(root)));
    perform agentmux.tell(root, (select t.created_by from public.tasks as t where t.id = root) || agentmux.humans(),
      format('%s has been ready since %s, and %s.',
        case when root = ready.task_id then agentmux.task_name(root)
          else format('%s is stalled: step #%s', agentmux.task_name(root), ready.task_id) end,
        to_char(ready.since at time zone 'UTC', 'HH24:MI "UTC"'),
        case when ready.times > 0 then format('%s, which was woken for it, has not claimed it',
            (select min(a.tag) from public.agents as a where upper(a.tag collate "C") = ready.tag))
          when ready.assignee is not null then format('%s, whom it is for, cannot be woken', ready.assignee)
          else 'no idle agent could be woken for it' end));
  end loop;
  return offered;
end $function$;

-- Wakes an idle agent that holds a task of which nothing is heard: once when it has come back, because what a client says to its model
-- when it starts is read with the first prompt; and once when it has been idle for five minutes, because it may have ended its turn too
-- early. If nothing is heard for another five minutes, who added the task and the humans are told.
CREATE OR REPLACE FUNCTION agentmux.remind_owners()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  instant timestamptz := clock_timestamp();
  back record;
begin
  delete from agentmux.reminded as r
  where not exists (select from public.tasks as t where t.id = r.task_id and t.lease_token = r.token and t.status = 'running');
  for back in
    with idle as (
      select a.tag, s.session, s.started_at, t.id, t.lease_token, t.updated_at,
        greatest((select max(e.at) from public.events as e where e.kind = 'presence' and e.tag = a.tag),
          (select max(e.at) from public.events as e where e.task_id = t.id)) as heard_at
      from public.agent_sessions as s
      join public.agents as a on upper(a.tag collate "C") = s.tag and a.paused is null
      join public.tasks as t on t.status = 'running' and upper(t.lease_owner collate "C") = s.tag
      where s.presence = 'idle' and s.wake is not null and coalesce(s.quiet_until <= instant, true)
        and not exists (select from public.agent_sessions as o where o.tag = s.tag and o.presence <> 'idle')
    ), due as (
      select i.tag, i.id, i.lease_token, i.session from idle as i
      where i.updated_at < i.started_at and i.started_at < instant - interval '3 seconds'
      union
      select i.tag, i.id, i.lease_token, '' from idle as i where i.heard_at < instant - interval '5 minutes'
    ), noted as (
      insert into agentmux.reminded (task_id, token, session) select d.id, d.lease_token, d.session from due as d
      on conflict do nothing returning *
    )
    select d.tag, array_agg(distinct d.id) as tasks
    from due as d join noted as n on n.task_id = d.id and n.session = d.session group by d.tag
  loop
    perform agentmux.say_of_tasks(back.tag, back.tasks,
      format('You hold #%s: go on with it, or finish_task.', array_to_string(back.tasks, ', #')));
  end loop;
  for back in
    update agentmux.reminded as r set is_reported = true
    from public.tasks as t join public.agents as a on upper(a.tag collate "C") = upper(t.lease_owner collate "C")
    where t.id = r.task_id and r.session = '' and not r.is_reported and r.at < instant - interval '5 minutes' and a.presence = 'idle' and a.paused is null
      and not exists (select from public.events as e where e.task_id = t.id and e.at > r.at)
    returning t.id, t.created_by, a.tag
  loop
    perform agentmux.tell(back.id, array[back.created_by] || agentmux.humans(),
      format('%s stands still: %s holds it, was reminded of it, and is idle.', agentmux.task_name(back.id), back.tag));
  end loop;
end $function$;

-- Looks after the tasks: ends leases, and offers what is ready, at most every two seconds. Returns how many leases ended. A hub calls
-- it every few seconds; without one, the agents' servers do (task_reap).
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

-- ==== watch ====

create table agentmux.watches (
  id bigint not null generated always as identity,
  source regclass not null,
  name text not null,
  to_tag text not null,
  kinds text[] not null,
  condition text,
  path jsonpath,
  tested text[] not null,
  columns text[],
  hidden text[] not null default '{}'::text[],
  trusted boolean not null,
  quiet interval not null,
  pause interval not null,
  due_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint watches_pkey PRIMARY KEY (id)
);
comment on column agentmux.watches.columns is 'what messages show; null: whatever agents may read at that moment';
comment on column agentmux.watches.due_at is 'when the next message may be sent';
comment on column agentmux.watches.hidden is 'columns whose change alone is none; as of the last message, what else is left out is decided later';
comment on column agentmux.watches.name is 'the name that the tag knows it by, to notice that it was renamed';
comment on column agentmux.watches.path is 'the condition, as what is tested on a row';
comment on column agentmux.watches.pause is 'the present one, which grows while there is no end of changes';
comment on column agentmux.watches.quiet is 'the window that was asked for: the least time between two messages';
comment on column agentmux.watches.tested is 'the columns that the condition names';
comment on column agentmux.watches.trusted is 'set up by somebody who may read all columns, and may show them to the tag';
CREATE UNIQUE INDEX watches_once ON agentmux.watches USING btree (source, upper((to_tag COLLATE "C")));

-- The changes that were not told yet. What of their rows is shown is decided when they are. No foreign key: its lock would make
-- writers wait for whoever sends the message.
create table agentmux.watch_changes (
  watch_id bigint not null,
  id bigint not null generated always as identity,
  kind text not null,
  number bigint not null,
  rows jsonb[] not null,
  maker text not null,
  agent text,
  at timestamp with time zone not null default clock_timestamp(),
  due boolean not null,
  constraint watch_changes_flush TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint watch_changes_pkey PRIMARY KEY (watch_id, id)
);
comment on column agentmux.watch_changes.agent is 'the tag of the agent that made it, in upper case; null: it was no agent';
comment on column agentmux.watch_changes.due is 'whether a message could be sent when it was made';
comment on column agentmux.watch_changes.rows is 'the first ten rows; of an update, the one before and the one after it in an array';
CREATE CONSTRAINT TRIGGER watch_changes_flush AFTER INSERT ON agentmux.watch_changes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.due) EXECUTE FUNCTION agentmux.watch_changed();

-- The columns of a table that every agent may read in every row; null: all. Of a table with row level security none, unless a policy
-- shows all agents everything: whether a policy lets somebody read a row cannot be asked on their behalf.
CREATE OR REPLACE FUNCTION agentmux.readable_columns(p_table oid)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  found record;
begin
  select c.relrowsecurity, has_schema_privilege('authenticated', c.relnamespace, 'usage') as is_reachable into found
  from pg_catalog.pg_class as c where c.oid = p_table;
  if found.is_reachable is not true then return '{}'; end if;
  if found.relrowsecurity and (
    select bool_or(p.polpermissive and pg_get_expr(p.polqual, p.polrelid) ~ '^(true|\( SELECT agentmux\.admitted\(\) AS \w+\))$')
      and bool_and(p.polpermissive)
    from pg_catalog.pg_policy as p
    where p.polrelid = p_table and p.polcmd in ('r', '*') and p.polroles && array[0::oid, 'authenticated'::regrole::oid]
  ) is not true then return '{}'; end if;
  if has_table_privilege('authenticated', p_table, 'select') then return null; end if;
  return array(
    select a.attname::text from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped
      and has_column_privilege('authenticated', p_table, a.attnum, 'select')
    order by a.attnum);
end $function$;

-- The columns of a table that are not among these.
CREATE OR REPLACE FUNCTION agentmux.other_columns(p_table oid, p_columns text[])
 RETURNS text[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce(array_agg(a.attname::text), '{}') from pg_catalog.pg_attribute as a
  where p_columns is not null and a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and a.attname <> all (p_columns)
$function$;

-- Translates a condition on a row into a path over its JSON, and lists the columns that it names. Such a path can neither call
-- functions nor read anything but the row. Its tokens are translated one by one; PostgreSQL checks their order.
CREATE OR REPLACE FUNCTION agentmux.watch_path(p_table regclass, p_where text, OUT path jsonpath, OUT columns text[])
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  token constant text := '\s+|''(?:[^'']|'''')*''|"(?:[^"]|"")+"|-?[0-9]{1,18}(?:\.[0-9]{1,18})?|<=|>=|<>|!=|[=<>(),]|[A-Za-z_][A-Za-z0-9_]*';
  words text[] := array(select t.groups[1] from regexp_matches(p_where, token, 'g') as t (groups));
  word text;
  folded text;
  shape text := '';
  name text;
  category "char";
  subject text;
  listing boolean := false;
begin
  columns := '{}';
  if length(p_where) > 2000 or array_to_string(words, '') <> p_where then
    raise exception using errcode = '42601', message = format('the condition %L cannot be read', left(p_where, 200));
  end if;
  foreach word in array words loop
    folded := lower(word);
    if word ~ '^\s' then
      continue;
    elsif word ~ '^''' or word ~ '^-?[0-9]' or folded in ('true', 'false') then
      -- Compared with the column before it, as what that column holds.
      name := case when word ~ '^''' then replace(substr(word, 2, length(word) - 2), '''''', '''') else folded end;
      name := case
        when category = 'N' or category is null and word !~ '^''' then name::numeric::text
        when category = 'B' then name::boolean::text
        else to_json(name)::text end;
      shape := shape || case when listing then format('%s == %s', subject, name) else name end;
    elsif listing and word = ',' then
      shape := shape || ' || ';
    elsif listing and word not in ('(', ')') then
      raise exception using errcode = '42601', message = format('the condition %L cannot be read at %s', p_where, word);
    elsif folded in ('and', 'or', 'not') then
      shape := shape || case folded when 'and' then ' && ' when 'or' then ' || ' else '!' end;
      category := null;
    elsif folded in ('is', 'null') then
      shape := shape || case folded when 'is' then ' == ' else 'null' end;
      -- `is not null`
      shape := replace(shape, ' == !null', ' != null');
    elsif folded = 'in' then
      -- What stands before it is repeated for each value.
      if subject is null or not shape like '%' || subject then
        raise exception using errcode = '42601', message = format('the condition %L cannot be read at %s', p_where, word);
      end if;
      shape := left(shape, length(shape) - length(subject));
      listing := true;
    elsif word in ('=', '<>', '!=', '<', '<=', '>', '>=', '(', ')') then
      shape := shape || case word when '=' then ' == ' when '<>' then ' != ' else word end;
      listing := listing and word <> ')';
    else
      name := case when word ~ '^"' then replace(substr(word, 2, length(word) - 2), '""', '"') else folded end;
      select t.typcategory into category
      from pg_catalog.pg_attribute as a join pg_catalog.pg_type as t on t.oid = a.atttypid
      where a.attrelid = p_table and a.attname = name and a.attnum > 0 and not a.attisdropped;
      if not found then
        raise exception using errcode = '42703', message = format('%s has no column %I', p_table, name);
      end if;
      columns := columns || name;
      subject := '$.' || to_json(name)::text;
      shape := shape || subject;
    end if;
  end loop;
  if shape !~ '[=<>]' then
    raise exception using errcode = '42601', message = format('the condition %L compares nothing', p_where);
  end if;
  path := shape::jsonpath;
exception
  when syntax_error or invalid_text_representation or numeric_value_out_of_range then
    raise exception using errcode = '42601', message = sqlerrm,
      hint = 'Compare columns with values: "state = ''open'' and (total > 100 or urgent = true)". Also: <> < <= >= in (...), is null, is not null, and not (...).';
end $function$;

-- A row as a line of a message, without some columns. It cannot mention anybody.
CREATE OR REPLACE FUNCTION agentmux.watch_line(p_kind text, p_row jsonb, p_hidden text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  line text := case when p_kind = 'UPDATE' then (p_row -> 1) - p_hidden else p_row - p_hidden end::text;
begin
  if p_kind = 'UPDATE' then
    line := line || ' was ' || coalesce((select jsonb_object_agg(b.key, b.value) from jsonb_each((p_row -> 0) - p_hidden) as b
      where b.value is distinct from p_row -> 1 -> b.key), '{}')::text;
  end if;
  if length(line) > 16000 then line := left(line, 16000) || '…'; end if;
  return regexp_replace(line, '(^|[^A-Za-z0-9_@-])@(?=[A-Za-z])', '\1\u0040', 'g');
end $function$;

-- Whether a message may be sent now. A time that is further ahead than a pause was set while the clock was ahead.
CREATE OR REPLACE FUNCTION agentmux.is_due(w agentmux.watches)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select w.due_at <= clock_timestamp() or w.due_at > clock_timestamp() + w.pause
$function$;

-- Whether nothing has changed for a while since the last message, so that a longer pause makes no sense any more.
CREATE OR REPLACE FUNCTION agentmux.is_quiet(w agentmux.watches)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select w.due_at - w.pause + w.quiet <= clock_timestamp()
    and not exists (select from agentmux.watch_changes as c where c.watch_id = w.id and c.at > clock_timestamp() - w.quiet)
$function$;

-- The columns that messages of a watch show, as rights are now; null: all.
CREATE OR REPLACE FUNCTION agentmux.shown_columns(w agentmux.watches)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  readable text[];
begin
  if w.columns is not null and w.trusted then return w.columns; end if;
  readable := agentmux.readable_columns(w.source);
  if readable is null then return w.columns; end if;
  return case when w.columns is null then readable else array(select c from unnest(w.columns) as c where c = any (readable)) end;
end $function$;

-- The columns whose change alone is none. If nothing is shown, every change is one.
CREATE OR REPLACE FUNCTION agentmux.hidden_columns(w agentmux.watches)
 RETURNS text[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select agentmux.other_columns(w.source, nullif(agentmux.shown_columns(w), '{}'))
$function$;

-- Sends a message from SYSTEM. It asks nothing: mark_read acks it.
CREATE OR REPLACE FUNCTION agentmux.say(p_content text, p_meta jsonb DEFAULT '{}'::jsonb)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  before text := coalesce(current_setting('agentmux.author', true), '');
  said bigint;
begin
  perform set_config('agentmux.author', 'system', true);
  insert into public.messages (content, meta) values ('[SYSTEM] ' || p_content, p_meta) returning id into said;
  perform set_config('agentmux.author', before, true);
  return said;
end $function$;

-- The text about some changes of a table: how many of each kind, by whom, and the first ten rows.
CREATE OR REPLACE FUNCTION agentmux.watch_text(w agentmux.watches, p_changes agentmux.watch_changes[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  columns text[] := agentmux.shown_columns(w);
  hidden text[] := agentmux.other_columns(w.source, columns);
  kinds text[];
  summary text;
  total bigint;
  makers text[];
  lines text[];
  room int;
  rest bigint;
begin
  select array_agg(k.kind), sum(k.number), string_agg(case
      when k.kind = 'TRUNCATE' or k.number = 1 then k.kind else format('%s %s rows', k.kind, k.number) end, ', ' order by k.first)
  into kinds, total, summary
  from (select c.kind, sum(c.number) as number, min(c.id) as first from unnest(p_changes) as c group by c.kind) as k;
  -- A role may have any name.
  makers := array(select regexp_replace(c.maker, '[^[:alnum:]_.$() -]', '?', 'g') from unnest(p_changes) as c group by c.maker order by min(c.id));
  lines := array(
    select case when cardinality(kinds) > 1 then f.kind || ' ' else '' end || agentmux.watch_line(f.kind, f.line, hidden)
    from (
      select c.kind, c.id, l.place, l.line from unnest(p_changes) as c cross join lateral unnest(c.rows) with ordinality as l (line, place)
      where columns is distinct from '{}'
      order by c.id, l.place limit 10
    ) as f order by f.id, f.place);
  room := 16000 / greatest(cardinality(lines), 1);
  lines := array(select case when length(line) > room then left(line, room) || '…' else line end from unnest(lines) as line);
  rest := total - cardinality(lines);
  return format('%s %s by %s%s%s @%s%s%s', w.name, summary, array_to_string(makers[:5], ', '),
    case when cardinality(makers) > 5 then format(' and %s more', cardinality(makers) - 5) end,
    case when total = 1 and cardinality(kinds) = 1 then ' ' || lines[1] end,
    w.to_tag,
    case when (total > 1 or cardinality(kinds) > 1) and lines <> '{}' then E'\n' || array_to_string(lines, E'\n') end,
    case when rest > 0 and lines <> '{}' then format(E'\nand %s more: `select * from %s` shows what is there now', rest, w.name)
      when rest > 0 and not exists (select from pg_catalog.pg_class as c where c.oid = w.source)
        then E'\n(not shown, because its rights are gone with it)'
      when rest > 0 then format(E'\n(not shown, because agents may not read all of %s)', w.name) end);
end $function$;

-- Sends the changes of one watch that were not told yet, if there are any and it is due. While changes keep coming, each window is
-- four times as long as the one before it, up to sixteen times what was asked for; it ends early when they stop.
CREATE OR REPLACE FUNCTION agentmux.watch_flush(p_watch bigint, p_always boolean DEFAULT false)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  watch agentmux.watches;
  changes agentmux.watch_changes[];
begin
  -- Whoever has it locked is sending just now.
  select w.* into watch from agentmux.watches as w
  where w.id = p_watch and (p_always or agentmux.is_due(w) or agentmux.is_quiet(w)) for no key update skip locked;
  if not found then return; end if;
  with told as (
    delete from agentmux.watch_changes as c where c.watch_id = p_watch returning c.*
  )
  select array_agg(told::agentmux.watch_changes order by told.id) into changes from told;
  if changes is null then return; end if;
  -- That rows were chosen by a column says something about it.
  if not watch.trusted and not coalesce(watch.tested <@ agentmux.readable_columns(watch.source), true) then return; end if;
  perform agentmux.say(agentmux.watch_text(watch, changes), jsonb_build_object('watch', jsonb_build_object(
    'table', watch.name,
    'agents', (select coalesce(jsonb_agg(distinct c.agent), '[]') from unnest(changes) as c where c.agent is not null),
    'others', exists (select from unnest(changes) as c where c.agent is null))));
  update agentmux.watches as w
  set pause = later.pause, due_at = clock_timestamp() + later.pause, hidden = agentmux.hidden_columns(watch)
  from (select case when agentmux.is_due(watch) and exists (select from unnest(changes) as c where c.at < watch.due_at)
    then least(watch.pause * 4, watch.quiet * 16) else watch.quiet end as pause) as later
  where w.id = p_watch;
end $function$;

-- At the end of the transaction that made a change while a message could be sent. Not if other transactions' changes of the watch
-- would make this one fail; whoever comes next sends it.
CREATE OR REPLACE FUNCTION agentmux.watch_changed()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if current_setting('transaction_isolation') = 'read committed' then perform agentmux.watch_flush(new.watch_id); end if;
  return null;
end $function$;

-- Whether this transaction may send what others changed: it is short, and will not fail because of it.
CREATE OR REPLACE FUNCTION agentmux.may_flush()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select agentmux.acting_role() is null and current_setting('transaction_read_only') = 'off'
    and current_setting('transaction_isolation') = 'read committed'
$function$;

-- Sends what is due, to one tag or to all.
CREATE OR REPLACE FUNCTION agentmux.watch_flush_due(p_to_tag text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  due bigint[] := array(
    select w.id from agentmux.watches as w
    where (p_to_tag is null or upper(w.to_tag collate "C") = upper(p_to_tag collate "C"))
      and (agentmux.is_due(w) or agentmux.is_quiet(w))
      and exists (select from agentmux.watch_changes as c where c.watch_id = w.id)
    order by w.id);
begin
  if due <> '{}' and agentmux.may_flush() then perform agentmux.watch_flush(w) from unnest(due) as w; end if;
end $function$;

-- Gives a table and its partitions the triggers that its watches need, and no others. There is one for each kind of change, because
-- triggers for several cannot have transition tables. A statement that names a partition runs only that partition's triggers.
CREATE OR REPLACE FUNCTION agentmux.sync_watch_triggers(p_table regclass)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  wanted record;
begin
  for wanted in
    select r.relation, k.kind, 'mux_watch_' || k.kind as name, needed.ids, present.args
    from (select p_table as relation union select t.relid from pg_partition_tree(p_table) as t) as r
    join pg_catalog.pg_class as c on c.oid = r.relation and c.relkind in ('r', 'p')
    cross join unnest(array['insert', 'update', 'delete', 'truncate']) as k (kind)
    cross join lateral (
      select array_agg(w.id::text order by w.id) as ids from agentmux.watches as w
      where k.kind = any (w.kinds)
        and (w.source = r.relation or w.source in (select a.relid from pg_partition_ancestors(r.relation) as a))
    ) as needed
    left join lateral (
      select encode(t.tgargs, 'escape') as args from pg_catalog.pg_trigger as t
      where t.tgrelid = r.relation and t.tgname = 'mux_watch_' || k.kind and t.tgfoid = 'agentmux.watch_statement()'::regprocedure
    ) as present on true
  loop
    -- The arguments of a trigger each end with a byte 0.
    continue when array_to_string(wanted.ids, '\000') || '\000' is not distinct from wanted.args;
    if wanted.args is not null then execute format('drop trigger %I on %s', wanted.name, wanted.relation); end if;
    if wanted.ids is not null then
      execute format('create trigger %I after %s on %s %s for each statement execute function agentmux.watch_statement(%s)',
        wanted.name, wanted.kind, wanted.relation,
        case wanted.kind when 'insert' then 'referencing new table as changed' when 'delete' then 'referencing old table as changed'
          when 'update' then 'referencing old table as former new table as changed' else '' end,
        array_to_string(wanted.ids, ', '));
    end if;
  end loop;
end $function$;

-- Sends what is due, says which watched tables were dropped or renamed, and watches new partitions. Called every few seconds: by each
-- client that follows the mailbox, and by a hub. It waits for nobody.
CREATE OR REPLACE FUNCTION agentmux.watch_upkeep()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET lock_timeout TO '100ms'
AS $function$
declare
  watch record;
begin
  if not exists (select from agentmux.watches) or not agentmux.may_flush() then return; end if;
  perform agentmux.watch_flush_due();
  for watch in
    select w.id, w.name as before, w.to_tag, c.oid is null as is_gone, agentmux.watched_name(n.nspname, c.relname) as name
    from agentmux.watches as w
    left join pg_catalog.pg_class as c on c.oid = w.source
    left join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid is null or w.name <> agentmux.watched_name(n.nspname, c.relname)
    order by w.id for no key update of w skip locked
  loop
    perform agentmux.watch_flush(watch.id, true);
    if watch.is_gone then
      perform agentmux.say(format('%s was dropped: this watch has ended. @%s', watch.before, watch.to_tag));
      delete from agentmux.watches as w where w.id = watch.id;
    else
      perform agentmux.say(format('%s is now called %s: this watch goes on. @%s', watch.before, watch.name, watch.to_tag));
      update agentmux.watches as w set name = watch.name where w.id = watch.id;
    end if;
  end loop;
  for watch in
    select distinct w.source from agentmux.watches as w cross join lateral pg_partition_tree(w.source) as p
    join pg_catalog.pg_class as c on c.oid = p.relid and c.relkind in ('r', 'p')
    cross join lateral unnest(w.kinds) as kind
    where not exists (select from pg_catalog.pg_trigger as t where t.tgrelid = p.relid and t.tgname = 'mux_watch_' || kind)
  loop
    begin
      perform agentmux.sync_watch_triggers(watch.source);
    exception when lock_not_available or insufficient_privilege then
      null; -- At the next call.
    end;
  end loop;
  delete from agentmux.watch_changes as c where not exists (select from agentmux.watches as w where w.id = c.watch_id);
end $function$;

-- The order of a hand-over: urgent ones, people, agents, SYSTEM.
CREATE OR REPLACE FUNCTION agentmux.precedence(p_author_kind text, p_meta jsonb)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
RETURN CASE WHEN (p_meta @> '{"urgent": true}'::jsonb) THEN '-1'::integer WHEN (p_author_kind = 'human'::text) THEN 0 WHEN (p_author_kind = 'system'::text) THEN 2 ELSE 1 END;

-- Who a message wakes its reader for: who wrote it, in upper case; or, if it tells of changes in a table, who made these.
CREATE OR REPLACE FUNCTION agentmux.wakers(m messages)
 RETURNS TABLE(tag text, is_agent boolean, by_change boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select upper(m.tag collate "C"), coalesce(m.author_kind, 'agent') = 'agent', false
  where m.author_kind is distinct from 'system' or not m.meta ? 'watch' or (m.meta #> '{watch,others}') = 'true'
  union
  select maker, true, true from jsonb_array_elements_text(m.meta #> '{watch,agents}') as maker where m.author_kind = 'system'
$function$;

-- ==== board_says ====

CREATE OR REPLACE FUNCTION agentmux.say_of_tasks(p_to text, p_tasks bigint[], p_text text)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select agentmux.say(format('@%s %s', p_to, p_text), jsonb_build_object('tasks', to_jsonb(p_tasks)))
$function$;

-- ==== open_requests ====

-- What the agent asked other agents by name during the last day, of its newest 500 messages and mentions, and has no answer to. An
-- answer asks nothing: neither a reply to a message of the other's, nor what acked one (agentmux.message_answers, which does so in the
-- same statement).
CREATE OR REPLACE FUNCTION agentmux.open_requests(p_tag text)
 RETURNS bigint[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
end $function$;

-- ==== adopt_once ====

-- See agentmux.adopt_xids. Before the first row, because the rows take their transaction ids from what this leaves.
CREATE OR REPLACE FUNCTION agentmux.adopt_before()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform agentmux.adopt_xids();
  return null;
end $function$;
grant execute on function agentmux.adopt_before to public;

-- ==== unacked ====

-- The messages before a reader's cursor that may still wait for it. Some were acked in the meantime. While the cursor is of another
-- epoch, none counts.
create table agentmux.unacked (
  reader text collate "C" not null,
  xid xid8 not null,
  message_id bigint not null,
  goes_first boolean not null,
  constraint unacked_pkey PRIMARY KEY (reader, xid, message_id)
);
comment on column agentmux.unacked.reader is 'the tag in upper case';
CREATE INDEX unacked_first ON agentmux.unacked USING btree (reader, xid, message_id) WHERE goes_first;

-- The part of agentmux.waiting that comes after a position, in the order of messages_since. Where few messages follow, all are read;
-- else those that mention the reader, and those to everyone. By indexes alone: for how many messages follow a position PostgreSQL has
-- no statistics and takes a third of all.
CREATE OR REPLACE FUNCTION agentmux.waiting_after(p_reader text, p_xid xid8, p_id bigint, p_limit integer, p_free boolean DEFAULT false, p_first boolean DEFAULT false)
 RETURNS SETOF messages
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_custom_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
  me text := upper(p_reader collate "C");
  joined pg_snapshot := (select a.joined_snapshot from public.agents as a where upper(a.tag collate "C") = me);
  instant timestamptz := clock_timestamp();
  latest timestamptz := clock_timestamp() + agentmux.longest_lease();
begin
  -- The receipt is looked up for each row that is left, by a subquery that cannot become a join over all receipts.
  if joined is not null and not exists (
    select from public.messages as m where (m.xid, m.id) > (p_xid, p_id) order by m.xid, m.id offset 500 limit 1)
  then
    return query
    select m.* from public.messages as m
    where (m.xid, m.id) > (p_xid, p_id) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
      and case when m.mentions = '{}'
          then not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        else me = any (select upper(t collate "C") from unnest(m.mentions) as t) end
      and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
        from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
    order by m.xid, m.id limit p_limit;
  else
    return query
    select * from (
      (-- offset 0: from the mentions to their messages, never along all messages looking for mentions.
      select m.* from public.channel_entries as e
      cross join lateral (select * from public.messages where messages.id = e.message_id offset 0) as m
      where e.tag = me and e.mentioned and (m.xid, m.id) > (p_xid, p_id) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
      union all
      (select m.* from public.messages as m
      where m.mentions = '{}' and (m.xid, m.id) > (p_xid, p_id) and m.xid >= pg_snapshot_xmin(joined) and (not p_first or m.author_kind = 'human' or m.meta @> '{"urgent": true}')
        and not pg_visible_in_snapshot(m.xid, joined) and upper(m.tag collate "C") <> me and not m.meta ? 'redaction'
        and (select r.state = 'acked' or (p_free and (r.state = 'read' or r.attempts - r.returned >= 5 or (r.lease_until > instant and r.lease_until <= latest)))
          from public.receipts as r where upper(r.reader collate "C") = me and r.message_id = m.id) is not true
      order by m.xid, m.id limit p_limit)
    ) as m
    order by m.xid, m.id limit p_limit;
  end if;
end $function$;

-- ==== message_words ====

-- All that is searched for in a message: its words, and marks, which begin with a sign that no word has. b, g and r: the block of 2^11,
-- 2^14 and 2^17 ids that the message is in, so that the index can find words in a part of the history; f: its tag; t: a tag that it
-- mentions; p: both, so that from:A to:B is one look; d: its author is not verified or not its tag's, and a: that author; u:
-- unverified; k, c and l: has:task, has:code and has:link. Without SET, so that it becomes part of the statement that calls it.
CREATE OR REPLACE FUNCTION agentmux.search_words(p_id bigint, p_content text, p_tag text, p_body text, p_mentions text[], p_author text, p_verified boolean)
 RETURNS tsvector
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (agentmux.words(p_content) || (((((((((((((('=b'::text || (p_id >> 11)) || ' =g'::text) || (p_id >> 14)) || ' =r'::text) || (p_id >> 17)) || ' =f'::text) || upper((p_tag COLLATE "C"))) || CASE WHEN (p_mentions = '{}'::text[]) THEN ''::text ELSE (replace((' '::text || upper((array_to_string(p_mentions, ' '::text) COLLATE "C"))), ' '::text, ' =t'::text) || replace((' '::text || upper((array_to_string(p_mentions, ' '::text) COLLATE "C"))), ' '::text, ((' =p'::text || upper((p_tag COLLATE "C"))) || '>'::text))) END) || CASE WHEN (upper((p_author COLLATE "C")) = upper((p_tag COLLATE "C"))) THEN ''::text WHEN ((p_author COLLATE "C") ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'::text) THEN (' =d =a'::text || upper((p_author COLLATE "C"))) ELSE ' =d'::text END) || CASE WHEN p_verified THEN ''::text ELSE ' =u'::text END) || CASE WHEN ((strpos(p_body, '#'::text) > 0) AND ("left"(p_body, 100000) ~ '(^|[^A-Za-z0-9_#&])#[0-9]'::text)) THEN ' =k'::text ELSE ''::text END) || CASE WHEN ((strpos(p_body, '`'::text) > 0) AND ("left"(p_body, 100000) ~ '`[^`]'::text)) THEN ' =c'::text ELSE ''::text END) || CASE WHEN ((strpos(p_body, '://'::text) > 0) AND ("left"(p_body, 100000) ~* 'https?://[^[:space:]]'::text)) THEN ' =l'::text ELSE ''::text END))::tsvector);
grant execute on function agentmux.search_words to public;

create table agentmux.message_words (
  message_id bigint not null,
  created_at timestamp with time zone not null,
  words tsvector not null,
  constraint message_words_pkey PRIMARY KEY (message_id)
);
CREATE INDEX message_words_search ON agentmux.message_words USING gin (words) WITH (gin_pending_list_limit='64');

-- The hours in which messages of each block of 2,048 ids were written: a search within a time begins where that was. Two transactions
-- may both add the same one; without a unique index, none waits for the other.
create table agentmux.message_hours (
  block bigint not null,
  hour timestamp with time zone not null
);
CREATE INDEX message_hours_block ON agentmux.message_hours USING btree (block, hour);

-- Messages with a lower id may be without stored words: those that were there before this migration, until a hub has stored them
-- (agentmux.store_words). No row: all messages have them.
create table agentmux.words_missing (
  below bigint not null
);

-- Keeps the stored words up to date.
CREATE OR REPLACE FUNCTION agentmux.message_words()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'TRUNCATE' then
    truncate agentmux.message_words, agentmux.message_hours;
  elsif tg_op = 'INSERT' then
    insert into agentmux.message_words (message_id, created_at, words)
    select a.id, a.created_at, agentmux.search_words(a.id, a.content, a.tag, a.body, a.mentions, a.author_tag, a.verified)
    from added as a;
    insert into agentmux.message_hours (block, hour)
    select distinct a.id >> 11, date_trunc('hour', a.created_at, 'UTC') from added as a
    where not exists (select from agentmux.message_hours as h
      where h.block = a.id >> 11 and h.hour = date_trunc('hour', a.created_at, 'UTC'));
  elsif tg_op = 'DELETE' then
    delete from agentmux.message_words as w where w.message_id = old.id;
  else
    if new.id <> old.id then delete from agentmux.message_words as w where w.message_id = old.id; end if;
    -- agentmux.store_words may be adding it at the same time.
    insert into agentmux.message_words (message_id, created_at, words)
    values (new.id, new.created_at,
      agentmux.search_words(new.id, new.content, new.tag, new.body, new.mentions, new.author_tag, new.verified))
    on conflict (message_id) do update set created_at = excluded.created_at, words = excluded.words;
    insert into agentmux.message_hours (block, hour) values (new.id >> 11, date_trunc('hour', new.created_at, 'UTC'));
  end if;
  return null;
end $function$;
grant execute on function agentmux.message_words to public;

-- Stores the words of the newest p_limit messages that may have none; returns whether there are more. After the last, the
-- index of before goes. Hubs call it; of two at a time, one does nothing.
CREATE OR REPLACE FUNCTION agentmux.store_words(p_limit integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  mark bigint;
  part bigint[];
begin
  select m.below into mark from agentmux.words_missing as m for update skip locked;
  if not found then return exists (select from agentmux.words_missing); end if;
  part := array(select m.id from public.messages as m where m.id < mark order by m.id desc limit p_limit);
  insert into agentmux.message_words (message_id, created_at, words)
  select m.id, m.created_at, agentmux.search_words(m.id, m.content, m.tag, m.body, m.mentions, m.author_tag, m.verified)
  from public.messages as m where m.id = any (part)
  on conflict do nothing;
  insert into agentmux.message_hours (block, hour)
  select m.id >> 11, date_trunc('hour', m.created_at, 'UTC') from public.messages as m where m.id = any (part)
  except select h.block, h.hour from agentmux.message_hours as h;
  if cardinality(part) = p_limit then
    update agentmux.words_missing set below = part[p_limit];
    return true;
  end if;
  drop index if exists public.messages_search;
  delete from agentmux.words_missing;
  return false;
end $function$;
grant execute on function agentmux.store_words to public;

-- All of these that are not null; null without any.
CREATE OR REPLACE FUNCTION agentmux.all_of(VARIADIC p_queries tsquery[])
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select string_agg('(' || q::text || ')', ' & ')::tsquery from unnest(p_queries) as q where numnode(q) > 0
$function$;
grant execute on function agentmux.all_of to public;

-- The marks (agentmux.search_words) that a search's terms ask for, as a tsquery's text; null without any, `none` if no message can
-- have them.
CREATE OR REPLACE FUNCTION agentmux.search_marks(p_from text[], p_to text[], p_tag text[], p_is text[], p_has text[])
 RETURNS text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text;
  marks text;
  impossible boolean;
begin
  select string_agg(case when t.no then '!(' else '(' end || case t.field
      when 'from' then format('''=f%s''', t.tag)
      when 'to' then format('''=t%s''', t.tag)
      else format('''=f%s'' | ''=t%1$s''', t.tag)
    end || ')', ' & ') filter (where t.tag ~ '^[A-Z][A-Z0-9_-]{0,31}$'),
    bool_or(not t.no and t.tag !~ '^[A-Z][A-Z0-9_-]{0,31}$')
  into marks, impossible
  from (
    select i.field, i.term like '-%' as no, upper(regexp_replace(i.term, '^-', '') collate "C") as tag
    from (
      select 'from' as field, f as term from unnest(p_from) as f
      union all select 'to', t from unnest(p_to) as t
      union all select 'tag', t from unnest(p_tag) as t
    ) as i
  ) as t;
  if impossible then return 'none'; end if;
  marks := concat_ws(' & ', marks,
    (select string_agg(format('''=p%s>%s''', upper(f collate "C"), upper(t collate "C")), ' & ')
      from unnest(p_from) as f, unnest(p_to) as t where f not like '-%' and t not like '-%'),
    case when 'task' = any (p_has) then '''=k''' when '-task' = any (p_has) then '!''=k''' end,
    case when 'code' = any (p_has) then '''=c''' when '-code' = any (p_has) then '!''=c''' end,
    case when 'link' = any (p_has) then '''=l''' when '-link' = any (p_has) then '!''=l''' end,
    case when 'unverified' = any (p_is) then '''=u''' when '-unverified' = any (p_is) then '!''=u''' end);
  if p_is && '{mine,-mine}' then
    select upper(i.tag collate "C") into me from agentmux.identity() as i;
    if me is not null then
      marks := concat_ws(' & ', nullif(marks, ''), case when 'mine' = any (p_is) then '(' else '!(' end
        || format('''=a%s'' | ''=f%1$s'' & !''=d'')', me));
    elsif 'mine' = any (p_is) then
      return 'none';
    end if;
  end if;
  return nullif(marks, '');
end $function$;
grant execute on function agentmux.search_marks to public;

-- ==== one_request ====

-- Leases messages to p_me, as inbox_take says. `got`: what it took. `others`: what else waited and was free when it looked, in the order
-- of messages_since, at most p_named.
CREATE OR REPLACE FUNCTION agentmux.take(p_me text, p_limit integer, p_route text, p_lease integer, p_bytes integer, p_take_id text, p_session text, p_named integer, p_urgent boolean, OUT got bigint[], OUT others bigint[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := p_me;
  lease interval := least(make_interval(secs => greatest(coalesce(p_lease, 30), 1)), agentmux.longest_lease());
  wanted int := least(greatest(coalesce(p_limit, 20), 1), 1000);
  most constant int := 1000;
  waits bigint[];
  free bigint[];
  first bigint[];
  again bigint[];
begin
  perform agentmux.watch_flush_due(me);
  -- As many as a look reads without effort.
  perform agentmux.advance(me, 200);
  loop
    if p_urgent then
      waits := array(select w.id from agentmux.waiting(me, most, true, true) as w where w.meta @> '{"urgent": true}');
    else
      waits := array(select w.id from agentmux.waiting(me, most, true) as w);
    end if;
    exit when waits = '{}';
    if cardinality(waits) = most and not p_urgent then
      waits := waits || array(select w.id from agentmux.waiting(me, wanted, true, true) as w);
    end if;
    free := array(
      select sized.id
      from (
        select p.id, row_number() over chosen as place, sum(p.bytes) over chosen as bytes
        from (
          select w.id, w.bytes, case when row_number() over (order by w.xid, w.id) = 1 then least(w.place, 1.5) else w.place end as place
          from (
            select m.id, m.xid, octet_length(m.content) as bytes,
              row_number() over (order by agentmux.precedence(m.author_kind, m.meta), m.xid, m.id)::numeric as place
            from public.messages as m where m.id = any (waits)
          ) as w
        ) as p
        window chosen as (order by p.place)
      ) as sized
      where sized.place <= wanted and (sized.place = 1 or sized.bytes <= coalesce(p_bytes, 1048576)));
    exit when free = '{}';
    with taken as (
      insert into public.receipts (message_id, reader, state, route, delivered_at, takes, take_id, session, lease_until)
      select id, me, 'taken', p_route, null, 1, p_take_id, p_session, clock_timestamp() + lease from unnest(free) as id order by id
      on conflict do nothing returning message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into first from taken;
    with lapsed as (
      select r.message_id, r.reader, r.lease_until > clock_timestamp() as ahead from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (free) and r.message_id <> all (first)
        and r.state in ('taken', 'delivered') and r.attempts - r.returned < 5
        and (r.lease_until <= clock_timestamp() or r.lease_until > clock_timestamp() + agentmux.longest_lease()) is not false
      order by r.message_id for update
    ), bounded as (
      -- Since the lease was given the clock was put back: it lasts as long as it might from now on.
      update public.receipts as r set lease_until = clock_timestamp() + agentmux.longest_lease()
      from lapsed where lapsed.ahead and r.message_id = lapsed.message_id and r.reader = lapsed.reader
    ), taken as (
      update public.receipts as r
      set state = 'taken', route = p_route, takes = r.takes + 1, take_id = p_take_id, session = p_session, batches = 0,
        lease_until = clock_timestamp() + greatest(lease, agentmux.retry_after(r.takes + 1))
      from lapsed where lapsed.ahead is not true and r.message_id = lapsed.message_id and r.reader = lapsed.reader
      returning r.message_id
    )
    select coalesce(array_agg(taken.message_id), '{}') into again from taken;
    exit when first || again <> '{}';
  end loop;
  got := coalesce(first, '{}') || coalesce(again, '{}');
  -- What was chosen and not got is with another caller.
  others := array(select w.id from unnest(waits) with ordinality as w (id, place)
    where w.id <> all (coalesce(free, '{}')) group by w.id order by min(w.place) limit p_named);
end $function$;

-- inbox_take together with what is said beside the messages: their receipts, which tell whether the reader may have them already; the
-- ids of at most p_named others that wait, oldest first; and with p_open, if none was taken, the ids of those among the 50 oldest open
-- ones that were taken before.
CREATE OR REPLACE FUNCTION public.inbox_check(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_named integer DEFAULT 11, p_open boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  taken record;
  pause jsonb := agentmux.my_pause(me);
begin
  if pause is not null then
    return jsonb_build_object('messages', '[]'::jsonb, 'receipts', '[]'::jsonb, 'waiting', '[]'::jsonb, 'open', '[]'::jsonb, 'paused', pause);
  end if;
  select * into taken from agentmux.take(me, p_limit, p_route, null, p_bytes, p_take_id, p_session,
    least(greatest(coalesce(p_named, 11), 0), 1000), false);
  return jsonb_build_object(
    'messages', coalesce((select jsonb_agg(to_jsonb(m.*) order by agentmux.precedence(m.author_kind, m.meta), m.id)
      from public.messages as m where m.id = any (taken.got)), '[]'),
    'receipts', coalesce((select jsonb_agg(to_jsonb(r.*)) from public.receipts as r
      where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = any (taken.got)), '[]'),
    'waiting', coalesce((select jsonb_agg(id order by id) from unnest(taken.others) as id), '[]'),
    'open', case when p_open and taken.got = '{}' then coalesce((select jsonb_agg(w.id order by w.id)
      from agentmux.waiting(me, 50) as w
      where exists (select from public.receipts as r where upper(r.reader collate "C") = upper(me collate "C") and r.message_id = w.id)), '[]')
      else '[]' end);
end $function$;
grant execute on function public.inbox_check to authenticated, service_role;

-- messages_since with the epoch, after what mailbox_state does besides: a subscriber that looks regularly needs both.
CREATE OR REPLACE FUNCTION public.messages_poll(p_xid text DEFAULT '0'::text, p_id bigint DEFAULT 0, p_limit integer DEFAULT 500)
 RETURNS TABLE(id bigint, content text, tag text, body text, mentions text[], reply_to bigint, thread_id bigint, client_id uuid, meta jsonb, author_tag text, author_kind text, verified boolean, xid text, created_at timestamp with time zone, settled boolean, epoch uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  perform public.mux_guard();
  perform agentmux.adopt_xids();
  perform agentmux.watch_upkeep();
  -- In one statement, so that the rows are of that epoch.
  return query select s.*, (select m.epoch from public.mux_meta as m) from public.messages_since(p_xid, p_id, p_limit) as s;
end $function$;
grant execute on function public.messages_poll to authenticated, service_role;

-- ==== approvals ====

create table public.mux_approvals (
  id bigint not null generated always as identity,
  request uuid not null,
  tag text not null,
  session text not null,
  client text not null,
  tool text not null,
  input text not null,
  cwd text not null,
  rules text not null default '[]'::text,
  state text not null default 'waiting'::text,
  asked_at timestamp with time zone not null default clock_timestamp(),
  waiting_at timestamp with time zone not null default clock_timestamp(),
  attended_at timestamp with time zone,
  waits_until timestamp with time zone not null,
  answer text,
  signature jsonb,
  decided_by text,
  decided_at timestamp with time zone,
  taken_at timestamp with time zone,
  reason text,
  ended_at timestamp with time zone,
  constraint approvals_answer_at_most_1_mb CHECK ((octet_length(answer) <= 1000000)),
  constraint approvals_input_at_most_1_mb CHECK ((octet_length(input) <= 1000000)),
  constraint approvals_names_are_short CHECK (((octet_length(tool) <= 300) AND (octet_length(client) <= 40) AND (octet_length(session) <= 300) AND (octet_length(cwd) <= 5000))),
  constraint approvals_reason_at_most_1000_characters CHECK ((char_length(reason) <= 1000)),
  constraint approvals_rules_are_a_list CHECK (((jsonb_typeof((rules)::jsonb) = 'array'::text) AND (octet_length(rules) <= 20000))),
  constraint approvals_signature_is_an_object CHECK (((jsonb_typeof(signature) = 'object'::text) AND (octet_length((signature)::text) <= 4096))),
  constraint approvals_state_known CHECK ((state = ANY (ARRAY['waiting'::text, 'allowed'::text, 'denied'::text, 'terminal'::text, 'expired'::text, 'refused'::text]))),
  constraint mux_approvals_pkey PRIMARY KEY (id),
  constraint mux_approvals_request_key UNIQUE (request)
);
comment on column public.mux_approvals.answer is 'the answer as it was signed, as JSON';
comment on column public.mux_approvals.attended_at is 'when a human''s screen last showed it';
comment on column public.mux_approvals.client is 'the program that asks: claude, codex';
comment on column public.mux_approvals.input is 'the tool''s whole input, as JSON';
comment on column public.mux_approvals.reason is 'the reason of a denial; the rule that allowed or denied it; why an answer was refused';
comment on column public.mux_approvals.request is 'made by the hook that waits; an answer is signed for it, and for nothing else';
comment on column public.mux_approvals.rules is 'what the client itself suggests to allow until its session ends, as JSON; the answer is signed over it';
comment on column public.mux_approvals.state is 'waiting; allowed or denied by a human or a rule of theirs; answered in the agent''s terminal; expired; an answer was refused';
comment on column public.mux_approvals.taken_at is 'when the hook handed the answer to the client';
comment on column public.mux_approvals.waiting_at is 'when the hook last asked for the answer';
comment on table public.mux_approvals is 'what agents'' clients ask before they run a tool, and the answers';
CREATE INDEX approvals_of_session ON public.mux_approvals USING btree (upper((tag COLLATE "C")), id);
CREATE INDEX approvals_waiting ON public.mux_approvals USING btree (id) WHERE (state = 'waiting'::text);
CREATE TRIGGER approvals_history AFTER INSERT OR UPDATE ON public.mux_approvals FOR EACH ROW EXECUTE FUNCTION agentmux.approval_history();
alter table public.mux_approvals enable row level security;
create policy approvals_read on public.mux_approvals for select to authenticated using ((( SELECT agentmux.admitted() AS admitted) AND ((( SELECT i.kind FROM agentmux.identity() i(tag, kind, verified)) = 'human'::text) OR (upper((tag COLLATE "C")) = ( SELECT upper((i.tag COLLATE "C")) AS upper FROM agentmux.identity() i(tag, kind, verified))))));
create policy approvals_service on public.mux_approvals for select to service_role using (true);
grant select on public.mux_approvals to authenticated;
grant select on public.mux_approvals to service_role;

CREATE OR REPLACE FUNCTION agentmux.approval_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'UPDATE' and new.state = old.state and new.taken_at is not distinct from old.taken_at then return null; end if;
  insert into public.events (kind, at, approval_id, tag, state, reason)
  values ('approval', clock_timestamp(), new.id, new.tag,
    case when tg_op = 'UPDATE' and new.state = old.state then 'taken' else new.state end,
    left(case when new.state = 'waiting' then new.tool
      else concat_ws(': ', new.decided_by, new.reason) end, 500));
  return null;
end $function$;

-- Seconds without a look after which nobody waits for the answer any more: the hook was killed.
CREATE OR REPLACE FUNCTION agentmux.approval_patience()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select interval '15 seconds'
$function$;

-- Asks humans, as the calling agent, whose session is blocked from now on. p_state: an answer that a rule of the human has given
-- already, with the rule as p_reason; such a row is only a record. Repeating a request changes nothing.
CREATE OR REPLACE FUNCTION public.approval_ask(p_request uuid, p_session text, p_client text, p_tool text, p_input text, p_cwd text, p_rules text DEFAULT '[]'::text, p_seconds integer DEFAULT 600, p_state text DEFAULT 'waiting'::text, p_reason text DEFAULT NULL::text)
 RETURNS mux_approvals
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  instant timestamptz := clock_timestamp();
  asked public.mux_approvals;
begin
  perform agentmux.guard_lock('approvals');
  if (select i.kind from agentmux.identity() as i) = 'human' then
    raise exception using errcode = '42501', message = 'a human asks for no approval';
  end if;
  if p_state not in ('waiting', 'allowed', 'denied') then
    raise exception using errcode = '22023', message = format('%s is not waiting, allowed or denied', coalesce(p_state, 'null'));
  end if;
  insert into public.mux_approvals (request, tag, session, client, tool, input, cwd, rules, state, waits_until, reason, taken_at, ended_at)
  values (p_request, me, p_session, p_client, p_tool, p_input, p_cwd, coalesce(p_rules, '[]'), p_state,
    instant + make_interval(secs => least(greatest(coalesce(p_seconds, 600), 1), 3600)), p_reason,
    case when p_state <> 'waiting' then instant end, case when p_state <> 'waiting' then instant end)
  on conflict (request) do nothing
  returning * into asked;
  if asked.id is null then
    select * into asked from public.mux_approvals as a where a.request = p_request and upper(a.tag collate "C") = upper(me collate "C");
    if not found then
      raise exception using errcode = '42501', message = 'another agent has made this request';
    end if;
    return asked;
  end if;
  update public.mux_approvals as a set state = 'expired', ended_at = instant
  where upper(a.tag collate "C") = upper(me collate "C") and a.state = 'waiting' and a.id <> asked.id
    and (a.waits_until < instant or a.waiting_at < instant - agentmux.approval_patience());
  -- An agent keeps its last 200, of at most 30 days.
  delete from public.mux_approvals as a where upper(a.tag collate "C") = upper(me collate "C") and a.id <> asked.id
    and (a.asked_at < instant - interval '30 days' or a.id <= (select o.id from public.mux_approvals as o
      where upper(o.tag collate "C") = upper(me collate "C") order by o.id desc offset 200 limit 1));
  if p_state = 'waiting' then perform public.agent_touch(p_presence => 'blocked', p_session => p_session); end if;
  return asked;
end $function$;
grant execute on function public.approval_ask to authenticated, service_role;

-- What became of the caller's own request. Says that it still waits.
CREATE OR REPLACE FUNCTION public.approval_look(p_request uuid)
 RETURNS mux_approvals
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  found_row public.mux_approvals;
begin
  perform agentmux.guard_lock('approvals');
  select * into found_row from public.mux_approvals as a where a.request = p_request and upper(a.tag collate "C") = upper(me collate "C");
  if not found then
    raise exception using errcode = 'P0002', message = 'there is no such request';
  end if;
  if found_row.state = 'waiting' and found_row.waiting_at < clock_timestamp() - interval '5 seconds' then
    update public.mux_approvals as a set waiting_at = clock_timestamp() where a.id = found_row.id returning * into found_row;
  end if;
  return found_row;
end $function$;
grant execute on function public.approval_look to authenticated, service_role;

-- Ends the caller's own request. p_state: taken (its answer was handed to the client), terminal, expired, or refused with the reason.
-- An answer that came too late stays as it is.
CREATE OR REPLACE FUNCTION public.approval_end(p_request uuid, p_state text, p_reason text DEFAULT NULL::text)
 RETURNS mux_approvals
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  ended public.mux_approvals;
begin
  perform agentmux.guard_lock('approvals');
  if p_state is null or p_state not in ('taken', 'terminal', 'expired', 'refused') then
    raise exception using errcode = '22023', message = format('%s is not taken, terminal, expired or refused', coalesce(p_state, 'null'));
  end if;
  update public.mux_approvals as a set
    state = case p_state when 'taken' then a.state else p_state end,
    taken_at = case p_state when 'taken' then clock_timestamp() else a.taken_at end,
    reason = coalesce(p_reason, a.reason),
    ended_at = clock_timestamp()
  where a.request = p_request and upper(a.tag collate "C") = upper(me collate "C") and a.ended_at is null
    and case p_state when 'taken' then a.state in ('allowed', 'denied') when 'refused' then a.state in ('allowed', 'denied') else true end
  returning * into ended;
  if ended.id is null then
    select * into ended from public.mux_approvals as a where a.request = p_request and upper(a.tag collate "C") = upper(me collate "C");
  end if;
  return ended;
end $function$;
grant execute on function public.approval_end to authenticated, service_role;

-- What waits for a human's answer, oldest first. To a human who looks, each then counts as attended.
CREATE OR REPLACE FUNCTION public.approvals_waiting()
 RETURNS SETOF mux_approvals
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me record;
  instant timestamptz := clock_timestamp();
begin
  perform public.mux_guard();
  select i.tag, i.kind into me from agentmux.identity() as i;
  if me.kind = 'human' or current_setting('role') not in ('anon', 'authenticated') then
    perform agentmux.guard_lock('approvals');
    update public.mux_approvals as a set attended_at = instant
    where a.state = 'waiting' and a.waiting_at >= instant - agentmux.approval_patience() and a.waits_until >= instant
      and (a.attended_at is null or a.attended_at < instant - interval '5 seconds');
    return query select a.* from public.mux_approvals as a
    where a.state = 'waiting' and a.waiting_at >= instant - agentmux.approval_patience() and a.waits_until >= instant order by a.id;
  else
    return query select a.* from public.mux_approvals as a
    where a.state = 'waiting' and a.waiting_at >= instant - agentmux.approval_patience() and a.waits_until >= instant
      and upper(a.tag collate "C") = upper(me.tag collate "C") order by a.id;
  end if;
end $function$;
grant execute on function public.approvals_waiting to authenticated, service_role;

-- Answers a request: for humans. p_answer is JSON, signed as it is; its `behavior` is allow or deny. The first answer counts.
CREATE OR REPLACE FUNCTION public.approval_decide(p_id bigint, p_answer text, p_signature jsonb DEFAULT NULL::jsonb)
 RETURNS mux_approvals
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me record;
  behavior text := p_answer::jsonb ->> 'behavior';
  instant timestamptz := clock_timestamp();
  asked public.mux_approvals;
begin
  perform public.mux_guard();
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if coalesce(me.verified, false) and me.kind <> 'human' then
    raise exception using errcode = '42501', message = format('you are %s, and only a human can answer a request for approval', me.tag),
      hint = 'A human answers it with `agentmux approvals`, or on the screen.';
  end if;
  if behavior is null or behavior not in ('allow', 'deny') then
    raise exception using errcode = '22023', message = format('the behavior of an answer is allow or deny, not %s', coalesce(behavior, 'null'));
  end if;
  select * into asked from public.mux_approvals as a where a.id = p_id for update;
  if not found then
    raise exception using errcode = 'P0002', message = format('there is no request %s', coalesce(p_id::text, 'null'));
  end if;
  if asked.state <> 'waiting' or asked.waits_until < instant or asked.waiting_at < instant - agentmux.approval_patience() then
    raise exception using errcode = '55000', message = case
      when asked.state in ('allowed', 'denied') then format('request %s was %s already%s', p_id, asked.state, ' by ' || asked.decided_by)
      when asked.state = 'terminal' then format('request %s was answered in the terminal of %s', p_id, asked.tag)
      when asked.state = 'refused' then format('an answer to request %s was refused', p_id)
      else format('nobody waits for the answer to request %s any more', p_id) end;
  end if;
  update public.mux_approvals as a set
    state = case behavior when 'allow' then 'allowed' else 'denied' end,
    answer = p_answer, signature = p_signature, decided_by = me.tag, decided_at = instant,
    reason = left(p_answer::jsonb ->> 'message', 1000)
  where a.id = p_id returning a.* into asked;
  return asked;
end $function$;
grant execute on function public.approval_decide to authenticated, service_role;

-- ==== search_part ====

-- The index finds the messages that have the words of a phrase, in any order: whether they are adjacent is checked once, by the
-- search, and not also by the index. What is excluded stays as it is: without its order, it would exclude more.
CREATE OR REPLACE FUNCTION agentmux.any_order(p_query tsquery)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select case when p_query::text like '%!%' then p_query else regexp_replace(p_query::text, ' <(-|[0-9]+)> ', ' & ', 'g')::tsquery end
$function$;

-- The ids of messages that match, newest first, at most p_limit. p_milliseconds: after that time no further step is begun; `below` then
-- is the id down to which everything was searched, and otherwise null. At least one step is made, so a search that goes on below that
-- id comes to its end.
--
-- Queries are bounded, because one with 50,000 words searched everything for a quarter of a minute (filter-parse.ts checks the same
-- bounds before it sends a query). Each step looks at the newest part of what is left of the history: first at rows one by one, then
-- at what the index finds in a window of ids, which becomes larger while it has little and smaller when it has too much. The index is
-- asked for the window and for the words in two conditions: of one condition it would read the list of the rarest word from its
-- beginning. All plans are made once: to make them took longer than the search.
CREATE OR REPLACE FUNCTION agentmux.search(p_query text, p_limit integer, p_words text[], p_from text[], p_to text[], p_tag text[], p_thread bigint[], p_id bigint[], p_after timestamp with time zone, p_before timestamp with time zone, p_is text[], p_has text[], p_before_id bigint, p_milliseconds integer, OUT ids bigint[], OUT below bigint)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
declare
  page constant int := least(greatest(coalesce(p_limit, 50), 1), 1000);
  -- The most that the index may find in a window of more than 2,048 ids.
  many int := page + 1000;
  least_id constant bigint := -9223372036854775807;
  begun constant timestamptz := clock_timestamp();
  thread bigint;
  single bigint;
  stuck constant boolean := coalesce('stuck' = any (p_is), false);
  -- Whether there is more to check than what is stored with the words.
  more boolean;
  words tsquery;
  marks text;
  -- The words and the marks, and those of them that the index is asked for.
  wanted tsquery;
  indexed tsquery;
  -- The prefixes that it is not asked for, because too many words begin with them.
  common text[] := '{}';
  -- The ids from `low` to `high` are left; below `stored`, words may not be stored.
  high bigint := greatest(coalesce(p_before_id, 9223372036854775807), least_id) - 1;
  low bigint;
  stored bigint;
  -- Rows to look at one by one.
  rows int := greatest(128, 2 * page);
  -- How many rows were looked at, and how many steps were made.
  looked int := 0;
  steps int := 0;
  -- The ids that the index is asked for, in blocks of 2^bits ids; null while rows are looked at.
  span bigint;
  span_before bigint;
  bits int;
  start bigint;
  blocks tsquery;
  -- The lowest ids of the windows in which the index found too much: of those of 2^17 ids, and of smaller ones.
  dense bigint;
  denser bigint;
  -- Milliseconds since it began, now and when this step began.
  elapsed double precision := 0;
  before_step double precision := 0;
  -- How many were found before this window.
  hits int;
  candidates bigint[];
  -- Whether their words, marks and times are known to match; whether nothing is left.
  checked boolean;
  done boolean := false;
  -- Whether the index can be asked has been found out.
  tried boolean := false;
  -- What the index of before found.
  former bigint[];
  part tsquery;
begin
  ids := '{}';
  perform public.mux_guard();
  -- Before anything is made of them: each word is looked for in every message that may match.
  if length(p_query) > 1000 or length(array_to_string(p_words, ' ')) > 2000 then
    raise exception using errcode = '54000', message = 'a search can have at most 1000 characters', hint = 'Search for fewer words.';
  end if;
  if cardinality(p_words) + cardinality(p_from) + cardinality(p_to) + cardinality(p_tag) + cardinality(p_thread)
    + cardinality(p_id) + cardinality(p_is) + cardinality(p_has) > 64 then
    raise exception using errcode = '54000', message = 'a search can have at most 64 terms', hint = 'Search for fewer words.';
  end if;
  if not (p_is <@ '{mine,-mine,unverified,-unverified,stuck,-stuck}' and p_has <@ '{task,-task,code,-code,link,-link}') then
    raise exception using errcode = '22023',
      message = 'p_is accepts mine, unverified and stuck, and p_has accepts task, code and link; a minus before one excludes it';
  end if;
  if p_query is not null then
    -- A minus within a word parts it; before a word it excludes.
    words := websearch_to_tsquery('simple', translate(regexp_replace(p_query, '(?<=[^[:space:]"])-', ' ', 'g'),
      '!#$%&''()*+,./:;<=>?@[\]^_`{|}~', repeat(' ', 30)));
    if numnode(words) = 0 then return; end if;
  end if;
  marks := agentmux.search_marks(p_from, p_to, p_tag, p_is, p_has);
  if marks = 'none' then return; end if;
  wanted := agentmux.all_of(words, agentmux.words_query(p_words), marks::tsquery);
  thread := (select t from unnest(p_thread) as t where t > 0 limit 1);
  single := (select i from unnest(p_id) as i where i > 0 limit 1);
  more := p_thread <> '{}' or p_id <> '{}' or p_is && '{stuck,-stuck}';

  select m.below into stored from agentmux.words_missing as m;
  low := coalesce(stored, least_id);
  if single is null and not stuck and thread is null and high >= low then
    if p_before is not null then
      high := least(high, coalesce((select (max(h.block) << 11) + 2047 from agentmux.message_hours as h where h.hour < p_before), low - 1));
      -- A block may have messages of many hours.
      high := coalesce((select max(w.message_id) from agentmux.message_words as w
        where w.message_id between greatest(low, high >> 11 << 11) and high and w.created_at < p_before), greatest(low, high >> 11 << 11) - 1);
    end if;
    if p_after is not null then
      low := greatest(low, coalesce(
        (select min(h.block) << 11 from agentmux.message_hours as h where h.hour > p_after - interval '1 hour'), high + 1));
    end if;
  end if;

  while not done and cardinality(ids) < page loop
    checked := false;
    if p_milliseconds is not null then
      elapsed := extract(epoch from clock_timestamp() - begun) * 1000;
      -- What the index of before found is not looked for again.
      if steps > 0 and elapsed >= p_milliseconds and former is null and (high >= low or thread is not null or stored is not null) then
        below := high + 1;
        exit;
      end if;
    end if;
    steps := steps + 1;
    if looked > 0 and indexed is null and wanted is not null and not tried then
      tried := true;
      if array_to_string(p_words, ' ') like '%*%' then
        common := array(
          with newest as materialized (
            select w.words from agentmux.message_words as w where w.message_id <= high order by w.message_id desc limit 128
          ), prefixes as materialized (
            select item, agentmux.words_query(array[item]) as query from (select distinct item from unnest(p_words) as item where item like '%*') as i
          )
          select p.item from prefixes as p
          where p.item like '-%' or (select count(*) from newest as n where ts_match_vq(n.words, p.query)) > 10);
      end if;
      indexed := agentmux.all_of(agentmux.any_order(words),
        agentmux.any_order(agentmux.words_query(array(select item from unnest(p_words) as item where item not like '-%' and item <> all (common)))),
        agentmux.words_query(array(select item from unnest(p_words) as item where item like '-%' and item <> all (common))),
        marks::tsquery);
      if indexed is not null then
        span := 2048;
        -- The words that begin with a prefix are looked for in the whole history, whatever the window is: few and large ones.
        if exists (select from unnest(p_words) as item where item like '%*' and item <> all (common)) then
          if cardinality(ids) = 0 then span := 131072; end if;
          many := page + 10000;
        end if;
      end if;
    end if;
    if single is not null then
      candidates := array[single];
      done := true;
    elsif stuck then
      candidates := array(select distinct r.message_id from public.receipts as r where r.state <> 'acked' and r.attempts >= 5);
      done := true;
    elsif thread is not null then
      candidates := array(select m.id from public.messages as m where m.thread_id = thread and m.id <= high
        order by m.thread_id desc, m.id desc limit rows);
      done := cardinality(candidates) < rows;
      high := candidates[rows] - 1;
      rows := least(4 * rows, 4096);
    elsif high < low then
      -- The part whose words are not stored yet, as it was before.
      exit when stored is null;
      if former is null then
        high := least(high, stored - 1);
        candidates := array(select m.id from public.messages as m where m.id <= high order by m.id desc limit 500);
        done := cardinality(candidates) < 500;
        high := candidates[500] - 1;
        if not done and agentmux.all_of(words, agentmux.words_query(p_words), null) is not null then
          former := '{}';
        end if;
      else
        if former = '{}' then
          part := agentmux.all_of(words, agentmux.words_query(p_words), null);
          with matching as materialized (
            select m.id from public.messages as m where agentmux.words(m.content) @@ part and m.id + 0 <= high
          )
          select coalesce(array_agg(m.id order by m.id desc), '{}') into former from matching as m;
        end if;
        candidates := former[:1000];
        former := former[1001:];
        done := former = '{}';
      end if;
    elsif span is null then
      select array_agg(r.id) filter (where r.hit), min(r.id), count(*) < rows into candidates, start, checked
      from (
        select w.message_id as id, (wanted is null or ts_match_vq(w.words, wanted))
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before) as hit
        from agentmux.message_words as w where w.message_id between low and high order by w.message_id desc limit rows
      ) as r;
      high := case when checked then low else start end - 1;
      looked := looked + rows;
      rows := least(4 * rows, 4096);
      checked := true;
    else
      before_step := elapsed;
      bits := case when span < 16384 then 11 when span < 131072 then 14 else 17 end;
      start := (high >> bits) - (span >> bits) + 1;
      blocks := (select string_agg(format('''=%s%s''', case bits when 11 then 'b' when 14 then 'g' else 'r' end, block), '|')
        from generate_series(greatest(start, low >> bits), high >> bits) as block)::tsquery;
      start := greatest(start << bits, low);
      hits := cardinality(ids);
      candidates := array(
        select w.message_id from agentmux.message_words as w
        where w.words @@ blocks and w.words @@ indexed and ts_match_vq(w.words, wanted) and w.message_id + 0 between low and high
          and (p_after is null or w.created_at >= p_after) and (p_before is null or w.created_at < p_before)
        limit case when span >= 4096 then many end);
      if span >= 4096 and cardinality(candidates) = many then
        if span >= 131072 then
          dense := start;
          span := 16384;
        else
          denser := start;
          span := 2048;
        end if;
        continue;
      end if;
      high := coalesce((select max(w.message_id) from agentmux.message_words as w where w.message_id between low and start - 1), low - 1);
      checked := true;
    end if;
    if checked and not more then
      ids := ids || array(select c from unnest(candidates) as c order by c desc limit page - cardinality(ids));
    else
      ids := ids || array(
        select m.id from public.messages as m left join agentmux.message_words as w on w.message_id = m.id
        where m.id = any (candidates) and m.id < coalesce(p_before_id, 9223372036854775807)
          and (checked or (
            (p_after is null or m.created_at >= p_after)
            and (p_before is null or m.created_at < p_before)
            and (wanted is null or ts_match_vq(coalesce(w.words,
              agentmux.search_words(m.id, m.content, m.tag, m.body, m.mentions, m.author_tag, m.verified)), wanted))))
          and (p_thread = '{}' or (select bool_and((m.thread_id = abs(t)) = (t > 0)) from unnest(p_thread) as t))
          and (p_id = '{}' or (select bool_and((m.id = abs(i)) = (i > 0)) from unnest(p_id) as i))
          and (not p_is && '{stuck,-stuck}' or stuck = exists (select from public.receipts as r
            where r.message_id = m.id and r.state <> 'acked' and r.attempts >= 5
              and (r.lease_until is null or r.lease_until <= clock_timestamp())))
        order by m.id desc limit page - cardinality(ids));
    end if;
    if hits is not null and high >= low and cardinality(ids) < page then
      -- The next window: with what is left of the page, if it has as much as this one, and within the time that is left.
      hits := cardinality(ids) - hits;
      span_before := span;
      span := least(greatest(span * least(8, 1.2 * (page - cardinality(ids)) / greatest(hits, 0.1)), 2048), 131072);
      span := least(span, case when high >= denser then 2048 when high >= dense then 16384 end);
      if p_milliseconds is not null then
        elapsed := extract(epoch from clock_timestamp() - begun) * 1000;
        span := least(span, greatest(span_before * (p_milliseconds - elapsed) / greatest(elapsed - before_step - 0.2, 0.02), 2048));
      end if;
    end if;
  end loop;
end $function$;

-- The same, as far as a search comes in about p_milliseconds: `messages`; `searched_to`, the id down to which everything was searched,
-- and `searched_to_at`, the time of that message. To go on, p_before_id is that id. Null: the page is full, or nothing is left.
CREATE OR REPLACE FUNCTION public.search_part(p_query text DEFAULT NULL::text, p_limit integer DEFAULT 50, p_words text[] DEFAULT '{}'::text[], p_from text[] DEFAULT '{}'::text[], p_to text[] DEFAULT '{}'::text[], p_tag text[] DEFAULT '{}'::text[], p_thread bigint[] DEFAULT '{}'::bigint[], p_id bigint[] DEFAULT '{}'::bigint[], p_after timestamp with time zone DEFAULT NULL::timestamp with time zone, p_before timestamp with time zone DEFAULT NULL::timestamp with time zone, p_is text[] DEFAULT '{}'::text[], p_has text[] DEFAULT '{}'::text[], p_before_id bigint DEFAULT NULL::bigint, p_milliseconds integer DEFAULT 40)
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  part record;
begin
  select * into part from agentmux.search(p_query, p_limit, p_words, p_from, p_to, p_tag, p_thread, p_id, p_after,
    p_before, p_is, p_has, p_before_id, least(greatest(coalesce(p_milliseconds, 40), 0), 1000));
  return json_build_object(
    'messages', coalesce((select json_agg(m.* order by m.id desc) from public.messages as m where m.id = any (part.ids)), '[]'),
    'searched_to', part.below,
    'searched_to_at', (select m.created_at from public.messages as m where m.id >= part.below order by m.id limit 1));
end $function$;
grant execute on function public.search_part to authenticated, service_role;

-- ==== renewal ====

-- For how long the claims of an owner are renewed that reports no progress, although its client seems to be at work.
CREATE OR REPLACE FUNCTION agentmux.max_silence()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select interval '6 hours'
$function$;

-- How much time each lease has at least after the machine slept or the hub was away, for its owner to be heard.
CREATE OR REPLACE FUNCTION agentmux.wake_grace()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select interval '2 minutes'
$function$;

CREATE OR REPLACE FUNCTION agentmux.claim_reported()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  update agentmux.claims as c set reported_at = clock_timestamp() where c.task_id = new.id;
  return null;
end $function$;

-- Renews claims of the caller, in one request, and looks after the tasks as task_reap does. p_claims: a list of
-- {"id": ..., "token": ..., "lease": seconds}; it returns the ids of those that are still valid. p_others: the seconds for which all
-- others are renewed that the caller has, which it may have claimed with SQL or the command line; null: they are not. No lease gets
-- shorter. A claim is not renewed after its owner has reported no progress for max_silence(): then it runs out, as any other.
CREATE OR REPLACE FUNCTION public.task_renew(p_claims jsonb DEFAULT '[]'::jsonb, p_others integer DEFAULT NULL::integer)
 RETURNS bigint[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := upper(agentmux.me() collate "C");
  heard timestamptz := clock_timestamp() - agentmux.max_silence();
  claim record;
  valid bigint[] := '{}';
begin
  if jsonb_array_length(p_claims) > 0 or exists (select from public.tasks as t
    where t.status = 'running' and upper(t.lease_owner collate "C") = me)
  then
    perform agentmux.observe_leases(interval '1 minute');
    perform agentmux.take_turn();
    for claim in
      select asked.id, asked.token, asked.lease, c.lapsed, c.reported_at < heard as is_silent
      from jsonb_to_recordset(p_claims) as asked (id bigint, token bigint, lease int)
      join agentmux.claims as c on c.task_id = asked.id and c.token = asked.token and upper(c.owner collate "C") = me
      order by asked.id limit 200
    loop
      if claim.is_silent then
        -- Its owner may still go on with it.
        perform from public.tasks as t where t.id = claim.id and t.lease_token = claim.token
          and (claim.lapsed or (t.status = 'running' and upper(t.lease_owner collate "C") = me));
      else
        perform agentmux.resume_claim(claim.id, claim.token);
        update public.tasks as t set lease_until = greatest(t.lease_until, agentmux.lease(claim.lease))
        where t.id = claim.id and t.lease_token = claim.token and t.status = 'running' and upper(t.lease_owner collate "C") = me;
      end if;
      if found then valid := valid || claim.id; end if;
    end loop;
    if p_others is not null then
      update public.tasks as t set lease_until = greatest(t.lease_until, agentmux.lease(p_others))
      from agentmux.claims as c
      where t.status = 'running' and upper(t.lease_owner collate "C") = me and c.task_id = t.id and c.reported_at >= heard
        and t.id <> all (valid);
    end if;
  end if;
  perform agentmux.tend_tasks();
  return valid;
end $function$;
grant execute on function public.task_renew to authenticated, service_role;

-- ==== pause ====

-- For all agents: those that join while it is there are paused, too.
create table public.mux_pause_all (
  one boolean not null default true,
  paused_at timestamp with time zone not null default clock_timestamp(),
  paused_by text not null,
  reason text,
  constraint mux_pause_all_pkey PRIMARY KEY (one),
  constraint pause_all_one_row CHECK (one),
  constraint pause_all_reason_at_most_500_characters CHECK ((char_length(reason) <= 500))
);
comment on table public.mux_pause_all is 'while it has a row, agents are paused when they join';
alter table public.mux_pause_all enable row level security;
create policy pause_all_read on public.mux_pause_all for select to authenticated using (( SELECT agentmux.admitted() AS admitted));
create policy pause_all_service on public.mux_pause_all for select to service_role using (true);
grant select on public.mux_pause_all to authenticated;
grant select on public.mux_pause_all to service_role;

CREATE OR REPLACE FUNCTION agentmux.pause_history()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  insert into public.events (kind, at, tag, state, reason)
  values ('pause', clock_timestamp(), new.tag, case when new.paused is null then 'resumed' else 'paused' end,
    case when new.paused is null then coalesce(agentmux.actor(), agentmux.caller_name())
      else left(concat_ws(': ', new.paused ->> 'by', new.paused ->> 'reason'), 500) end);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION agentmux.pause_of_all()
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason) from public.mux_pause_all as p
$function$;

CREATE OR REPLACE FUNCTION agentmux.pause_new()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  new.paused := agentmux.pause_of_all();
  return new;
end $function$;

-- The pause of the caller; null: it goes on. p_me: its tag. One that has not joined is paused with all.
CREATE OR REPLACE FUNCTION agentmux.my_pause(p_me text)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  pause jsonb;
begin
  select a.paused into pause from public.agents as a where upper(a.tag collate "C") = upper(p_me collate "C");
  if found or not exists (select from public.mux_pause_all) then return pause; end if;
  return case when (select i.kind from agentmux.identity() as i) = 'agent' then agentmux.pause_of_all() end;
end $function$;

CREATE OR REPLACE FUNCTION agentmux.guard_pause(p_doing text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me record;
begin
  perform public.mux_guard();
  select i.tag, i.kind, i.verified into me from agentmux.identity() as i;
  if coalesce(me.verified, false) and me.kind <> 'human' then
    raise exception using errcode = '42501', message = format('you are %s, and only a human can %s agents', me.tag, p_doing),
      hint = format('A human does it with `agentmux %s`.', p_doing);
  end if;
end $function$;

-- The agents that p_tag or p_all names, or an error if it is none.
CREATE OR REPLACE FUNCTION agentmux.paused_tags(p_tag text, p_all boolean)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  found_kind text;
begin
  if (p_tag is null) = not coalesce(p_all, false) then
    raise exception using errcode = '22023', message = 'name an agent, or all';
  end if;
  if p_tag is null then
    return array(select upper(a.tag collate "C") from public.agents as a where a.kind = 'agent');
  end if;
  select a.kind into found_kind from public.agents as a where upper(a.tag collate "C") = upper(p_tag collate "C");
  if not found then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  if found_kind <> 'agent' then
    raise exception using errcode = '22023', message = format('%s is no agent', p_tag);
  end if;
  return array[upper(p_tag collate "C")];
end $function$;

-- Pauses an agent, or all of them and those that join until all are resumed: for humans. Returns those that it named; one that is
-- paused already stays as it is.
CREATE OR REPLACE FUNCTION public.agent_pause(p_tag text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, p_all boolean DEFAULT false)
 RETURNS SETOF agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  tags text[];
  why text := left(nullif(btrim(p_reason), ''), 500);
  who text := coalesce(agentmux.actor(), agentmux.caller_name());
begin
  perform agentmux.guard_pause('pause');
  tags := agentmux.paused_tags(p_tag, p_all);
  if p_all then
    insert into public.mux_pause_all (paused_by, reason) values (who, why) on conflict do nothing;
  end if;
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  update public.agents as a set paused = jsonb_build_object('at', clock_timestamp(), 'by', who, 'reason', why)
  where upper(a.tag collate "C") = any (tags) and a.paused is null;
  return query select a.* from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag;
end $function$;
grant execute on function public.agent_pause to authenticated, service_role;

-- Ends the pause of an agent, also if all were paused; or that of all: for humans. Returns those that were paused. The leases of what
-- they have claimed begin to run again, with time for their owners to be heard.
CREATE OR REPLACE FUNCTION public.agent_resume(p_tag text DEFAULT NULL::text, p_all boolean DEFAULT false)
 RETURNS SETOF agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  tags text[];
begin
  perform agentmux.guard_pause('resume');
  tags := agentmux.paused_tags(p_tag, p_all);
  perform agentmux.observe_leases();
  perform agentmux.take_turn();
  update public.tasks as t set lease_until = greatest(t.lease_until, clock_timestamp() + agentmux.wake_grace())
  from public.agents as a
  where t.status = 'running' and upper(a.tag collate "C") = upper(t.lease_owner collate "C") and a.paused is not null
    and a.presence <> 'away' and upper(a.tag collate "C") = any (tags);
  if p_all then delete from public.mux_pause_all; end if;
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  return query update public.agents as a set paused = null where upper(a.tag collate "C") = any (tags) and a.paused is not null
  returning a.*;
end $function$;
grant execute on function public.agent_resume to authenticated, service_role;

-- ==== sight ====

create table public.mux_sight (
  tag text not null,
  session text,
  client text,
  status text,
  waiting_for text,
  tool text,
  argument text,
  tool_at timestamp with time zone,
  said text,
  said_at timestamp with time zone,
  prompt text,
  prompted_at timestamp with time zone,
  model text,
  tokens bigint,
  context_window bigint,
  cost real,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint sight_at_most_2_kb CHECK ((octet_length(concat(session, client, status, waiting_for, tool, argument, said, prompt, model)) <= 2048)),
  constraint sight_tag_is_a_tag CHECK (((tag COLLATE "C") ~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$'::text))
);
comment on column public.mux_sight.argument is 'the most telling argument of the last tool, cut, with what looks like a secret masked';
comment on column public.mux_sight.context_window is 'the greatest size of its context; null if the client does not say';
comment on column public.mux_sight.cost is 'US dollars that its session has cost, as its client counts; null if the client does not say';
comment on column public.mux_sight.prompt is 'the last prompt that its user typed';
comment on column public.mux_sight.said is 'the last line that its model said';
comment on column public.mux_sight.session is 'which of its clients wrote it last';
comment on column public.mux_sight.status is 'what the client itself says that it does: busy, waiting, idle';
comment on column public.mux_sight.tokens is 'the size of its context';
comment on column public.mux_sight.waiting_for is 'what the client says that it waits for';
comment on table public.mux_sight is 'what each agent does now: written by its server, one row for each';
CREATE UNIQUE INDEX mux_sight_tag ON public.mux_sight USING btree (upper((tag COLLATE "C")));
alter table public.mux_sight enable row level security;
create policy sight_read on public.mux_sight for select to authenticated using ((( SELECT agentmux.admitted() AS admitted) AND ((( SELECT i.kind FROM agentmux.identity() i(tag, kind, verified)) = 'human'::text) OR (upper((tag COLLATE "C")) = ( SELECT upper((i.tag COLLATE "C")) AS upper FROM agentmux.identity() i(tag, kind, verified))))));
create policy sight_service on public.mux_sight for select to service_role using (true);
grant select on public.mux_sight to authenticated;
grant select on public.mux_sight to service_role;

-- A human's wish that a client stops, until its turn ends or ten minutes have passed. Then what became of it.
create table public.mux_stops (
  tag text collate "C" not null,
  session text not null,
  reason text,
  asked_by text,
  asked_at timestamp with time zone not null default clock_timestamp(),
  stopped_at timestamp with time zone,
  constraint mux_stops_pkey PRIMARY KEY (tag, session),
  constraint stops_reason_at_most_500_characters CHECK ((char_length(reason) <= 500))
);
comment on column public.mux_stops.session is 'which of its clients, as in agent_sessions';
comment on column public.mux_stops.stopped_at is 'when its hook told the client to stop';
comment on column public.mux_stops.tag is 'the tag in upper case';
comment on table public.mux_stops is 'which clients a human wants to stop, and those that have stopped for that';
alter table public.mux_stops enable row level security;
create policy stops_read on public.mux_stops for select to authenticated using ((( SELECT agentmux.admitted() AS admitted) AND ((( SELECT i.kind FROM agentmux.identity() i(tag, kind, verified)) = 'human'::text) OR (upper((tag COLLATE "C")) = ( SELECT upper((i.tag COLLATE "C")) AS upper FROM agentmux.identity() i(tag, kind, verified))))));
create policy stops_service on public.mux_stops for select to service_role using (true);
grant select on public.mux_stops to authenticated;
grant select on public.mux_stops to service_role;

-- Which files agents edited in the last hour. The same path on another machine is another file.
create table public.mux_edits (
  tag text collate "C" not null,
  machine text collate "C" not null,
  path text collate "C" not null,
  edited_at timestamp with time zone not null,
  constraint edits_names_are_short CHECK (((octet_length(machine) <= 255) AND (octet_length(path) <= 1024))),
  constraint mux_edits_pkey PRIMARY KEY (tag, machine, path)
);
comment on column public.mux_edits.tag is 'the tag in upper case';
comment on table public.mux_edits is 'which files agents edited in the last hour, as their hooks say';
CREATE INDEX mux_edits_age ON public.mux_edits USING btree (edited_at);
CREATE INDEX mux_edits_file ON public.mux_edits USING btree (machine, path, edited_at);
alter table public.mux_edits enable row level security;
create policy edits_read on public.mux_edits for select to authenticated using ((( SELECT agentmux.admitted() AS admitted) AND ((( SELECT i.kind FROM agentmux.identity() i(tag, kind, verified)) = 'human'::text) OR (upper((tag COLLATE "C")) = ( SELECT upper((i.tag COLLATE "C")) AS upper FROM agentmux.identity() i(tag, kind, verified))))));
create policy edits_service on public.mux_edits for select to service_role using (true);
grant select on public.mux_edits to authenticated;
grant select on public.mux_edits to service_role;

-- Of which edits an agent was told, so that it is told once of another agent and a file within ten minutes.
create table agentmux.told_edits (
  reader text collate "C" not null,
  tag text collate "C" not null,
  machine text collate "C" not null,
  path text collate "C" not null,
  told_at timestamp with time zone not null,
  constraint told_edits_pkey PRIMARY KEY (reader, tag, machine, path)
);
CREATE INDEX told_edits_age ON agentmux.told_edits USING btree (told_at);

-- Whether the caller is a human, or may do whatever a human may: the owner, and a service key.
CREATE OR REPLACE FUNCTION agentmux.acts_as_human()
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select coalesce((select i.kind = 'human' or not i.verified from agentmux.identity() as i),
    current_setting('role') not in ('anon', 'authenticated'))
$function$;

-- How long a stop waits for its client, how near in time two edits of a file concern each other, and how long they are kept.
CREATE OR REPLACE FUNCTION agentmux.stop_patience()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select interval '10 minutes'
$function$;

CREATE OR REPLACE FUNCTION agentmux.edit_window()
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
  select interval '10 minutes'
$function$;

-- Overwrites what the caller does now; null removes it. Fields that are not named are empty.
CREATE OR REPLACE FUNCTION public.sight_set(p_sight jsonb, p_session text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.sight_set to authenticated, service_role;

-- Of each agent of which there is anything: what it does (`sight`), its newest stop, and which files others edited within ten minutes
-- of it. An agent gets its own.
CREATE OR REPLACE FUNCTION public.sights()
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.sights to authenticated, service_role;

-- Asks the working clients of an agent, or of all agents (null), to stop before their next step: for humans. Returns what it asked.
CREATE OR REPLACE FUNCTION public.agent_stop(p_tag text DEFAULT NULL::text, p_reason text DEFAULT NULL::text)
 RETURNS SETOF mux_stops
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.agent_stop to authenticated, service_role;

-- The caller's client was told to stop. With p_idle its turn has ended, and mail does not wake it for ten minutes, or it would go on
-- at once.
CREATE OR REPLACE FUNCTION public.agent_stopped(p_session text, p_idle boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
begin
  perform agentmux.guard_lock('its stops');
  update public.mux_stops as s set stopped_at = clock_timestamp()
  where s.tag = upper(me collate "C") and s.session = p_session and s.stopped_at is null;
  if p_idle then perform public.agent_touch(p_presence => 'idle', p_session => p_session, p_quiet => 600); end if;
end $function$;
grant execute on function public.agent_stopped to authenticated, service_role;

-- A stop is for one turn: when that has ended otherwise, the client must not be stopped in a later one.
CREATE OR REPLACE FUNCTION agentmux.turn_over()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from public.mux_stops as s where s.tag = old.tag and s.session = old.session and s.stopped_at is null;
  return null;
end $function$;

-- Nothing of what an agent did is left of one that was forgotten.
CREATE OR REPLACE FUNCTION agentmux.sight_over()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  delete from public.mux_sight as s where upper(s.tag collate "C") = upper(old.tag collate "C");
  delete from public.mux_stops as s where s.tag = upper(old.tag collate "C");
  delete from public.mux_edits as e where e.tag = upper(old.tag collate "C");
  delete from agentmux.told_edits as t where t.reader = upper(old.tag collate "C");
  return null;
end $function$;

-- Notes that an agent has edited files (a JSON list of absolute paths), and removes what is an hour old, whoever wrote it, without
-- waiting for anybody.
CREATE OR REPLACE FUNCTION agentmux.note_edits(p_tag text, p_machine text, p_edits jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- Who else has edited a file within ten minutes of when the reader did, newest first, and of which the reader was not told yet. It counts
-- as told from now on.
CREATE OR REPLACE FUNCTION agentmux.tell_edits(p_reader text)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- What a hook asks for between two steps, in one request. `messages`: what inbox_take takes, with the receipts that they had before.
-- With p_stops, `stop` if a human wants this client to stop: then no message is taken. It is asked for until agent_stopped says that
-- the client was told. p_edits: the files that the agent has edited, on p_machine. With p_hears, `edits`: who else has edited those of
-- the last hour; the agent is told of each once.
CREATE OR REPLACE FUNCTION public.hook_take(p_limit integer DEFAULT 20, p_route text DEFAULT NULL::text, p_bytes integer DEFAULT 1048576, p_take_id text DEFAULT NULL::text, p_session text DEFAULT NULL::text, p_ended text DEFAULT NULL::text, p_stops boolean DEFAULT false, p_hears boolean DEFAULT false, p_machine text DEFAULT NULL::text, p_edits jsonb DEFAULT NULL::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me text := agentmux.me();
  folded text := upper(me collate "C");
  wish record;
  mail jsonb;
  is_focused boolean;
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
  is_focused := coalesce(p_stops and (select a.focused from public.agents as a where upper(a.tag collate "C") = folded), false);
  select jsonb_agg(jsonb_build_object('id', m.id, 'content', m.content, 'tag', m.tag, 'mentions', m.mentions, 'reply_to', m.reply_to,
    'client_id', m.client_id, 'author_tag', m.author_tag, 'author_kind', m.author_kind, 'verified', m.verified,
    'created_at', m.created_at, 'signature', m.meta -> 'signature', 'urgent', m.meta -> 'urgent',
    'receipts', (select coalesce(jsonb_agg(jsonb_build_object('reader', r.reader, 'attempts', r.attempts, 'takes', r.takes)), '[]')
      from public.receipts as r where r.message_id = m.id and upper(r.reader collate "C") = folded)))
  into mail
  from public.inbox_take(p_limit, p_route, 30, p_bytes, p_take_id, p_session, p_ended, is_focused) as m;
  return jsonb_build_object('messages', coalesce(mail, '[]'))
    || case when p_hears then jsonb_build_object('edits', agentmux.tell_edits(folded)) else '{}' end
    || case when is_focused then jsonb_build_object('focused', true) else '{}' end;
end $function$;
grant execute on function public.hook_take to authenticated, service_role;

-- ==== groups ====

-- The tags that a content addresses: a group stands for its members except the author, any other name for itself. A tag that has joined
-- goes before a group of that name. A group in which nobody else is stays as it is: the message must not become one to everyone.
CREATE OR REPLACE FUNCTION agentmux.addressed(p_content text)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  named text[] := agentmux.mentions(p_content);
  author text := upper(agentmux.tag(p_content) collate "C");
  addressed text[];
begin
  select coalesce(array_agg(f.tag order by f.place, f.tag collate "C"), '{}') into addressed from (
    select distinct on (upper(e.tag collate "C")) e.tag, e.place from (
      select coalesce(members.tag, n.name) as tag, n.place
      from unnest(named) with ordinality as n (name, place)
      left join lateral (
        select a.tag from public.agents as a
        where a.groups <> '{}' and a.revoked_at is null and upper(a.tag collate "C") <> author
          and upper(n.name collate "C") = any (array(select upper(g collate "C") from unnest(a.groups) as g))
          and not exists (select from public.agents as own where upper(own.tag collate "C") = upper(n.name collate "C"))
      ) as members on true) as e
    order by upper(e.tag collate "C"), e.place
  ) as f;
  return addressed[:256];
end $function$;

-- After messages_before_insert_derive; no client may set it.
CREATE OR REPLACE FUNCTION agentmux.address_message()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  new.mentions := agentmux.mentions(new.content);
  if new.mentions <> '{}' and exists (select from public.agents as a where a.groups <> '{}') then
    new.mentions := agentmux.addressed(new.content);
  end if;
  return new;
end $function$;

-- Adds an agent to groups and removes it from others: for humans, the service role and the owner. Returns the agent's row.
CREATE OR REPLACE FUNCTION public.agent_groups(p_tag text, p_add text[] DEFAULT '{}'::text[], p_remove text[] DEFAULT '{}'::text[])
 RETURNS agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  me record;
  name text;
  changed public.agents;
begin
  perform public.mux_guard();
  perform agentmux.guard_lock('agents');
  select i.tag, i.kind into me from agentmux.identity() as i;
  if current_setting('role') in ('anon', 'authenticated') and me.kind is distinct from 'human' then
    raise exception using errcode = '42501', message = 'only a human may change the groups of an agent';
  end if;
  foreach name in array coalesce(p_add, '{}') loop
    if name is null or (name collate "C") !~ '^[A-Za-z][A-Za-z0-9_-]{0,31}$' then
      raise exception using errcode = '22023', message = format('%s is no name for a group', coalesce(name, 'null')),
        hint = 'A name is a letter, then letters, digits, _ or -.';
    end if;
    if upper(name collate "C") in ('HUMAN', 'SYSTEM', 'UNTAGGED', 'ALL', 'EVERYONE')
      or exists (select from public.agents as a where upper(a.tag collate "C") = upper(name collate "C"))
    then
      raise exception using errcode = '22023', message = format('%s is a tag, or reserved: a group needs a name of its own', name);
    end if;
  end loop;
  update public.agents as a set groups = array(
    select distinct on (upper(g.name collate "C")) g.name
    from unnest(a.groups || coalesce(p_add, '{}')) with ordinality as g (name, place)
    where upper(g.name collate "C") <> all (array(select upper(r collate "C") from unnest(coalesce(p_remove, '{}')) as r))
    order by upper(g.name collate "C"), g.place)
  where upper(a.tag collate "C") = upper(p_tag collate "C") and a.kind = 'agent'
  returning a.* into changed;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('there is no agent %s', coalesce(p_tag, 'null'));
  end if;
  return changed;
end $function$;
grant execute on function public.agent_groups to authenticated, service_role;

-- ==== scheduled ====

create table public.mux_scheduled (
  id bigint not null generated always as identity,
  due_at timestamp with time zone not null,
  content text not null,
  reply_to bigint,
  client_id uuid not null default gen_random_uuid(),
  meta jsonb not null default '{}'::jsonb,
  author_tag text,
  author_kind text,
  verified boolean not null default false,
  written_at timestamp with time zone not null default clock_timestamp(),
  failed text,
  constraint mux_scheduled_client_id_key UNIQUE (client_id),
  constraint mux_scheduled_pkey PRIMARY KEY (id),
  constraint scheduled_content_at_most_262144_bytes CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 262144))),
  constraint scheduled_meta_is_an_object CHECK (((jsonb_typeof(meta) = 'object'::text) AND (octet_length((meta)::text) <= 65536)))
);
comment on column public.mux_scheduled.client_id is 'that of the message which it becomes';
comment on column public.mux_scheduled.failed is 'why it could not be posted when it was due';
comment on table public.mux_scheduled is 'messages that are not due yet, and those that could not be posted';
CREATE INDEX scheduled_due ON public.mux_scheduled USING btree (due_at) WHERE (failed IS NULL);
alter table public.mux_scheduled enable row level security;
create policy scheduled_read on public.mux_scheduled for select to authenticated using ((( SELECT agentmux.admitted() AS admitted) AND ((( SELECT i.kind FROM agentmux.identity() i(tag, kind, verified)) = 'human'::text) OR (upper((author_tag COLLATE "C")) = ( SELECT upper((i.tag COLLATE "C")) AS upper FROM agentmux.identity() i(tag, kind, verified))))));
create policy scheduled_service on public.mux_scheduled for select to service_role using (true);
grant select on public.mux_scheduled to authenticated;
grant select on public.mux_scheduled to service_role;

-- Schedules a message of the caller's. Repeating it with the same p_client_id changes nothing.
CREATE OR REPLACE FUNCTION public.message_schedule(p_content text, p_due timestamp with time zone, p_client_id uuid DEFAULT NULL::uuid, p_reply_to bigint DEFAULT NULL::bigint, p_meta jsonb DEFAULT '{}'::jsonb)
 RETURNS mux_scheduled
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.message_schedule to authenticated, service_role;

-- Takes a scheduled message back: for its author and for humans. Returns it.
CREATE OR REPLACE FUNCTION public.scheduled_cancel(p_id bigint)
 RETURNS mux_scheduled
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;
grant execute on function public.scheduled_cancel to authenticated, service_role;

-- The author of a message that was scheduled is who scheduled it. Runs after messages_before_insert_derive, which knows no author
-- where the owner's functions write. Holds only for exactly what was scheduled, and not before it is due.
CREATE OR REPLACE FUNCTION agentmux.author_scheduled()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  if current_setting('agentmux.author', true) is distinct from 'scheduled' then return new; end if;
  select s.author_tag, s.author_kind, s.verified into new.author_tag, new.author_kind, new.verified
  from public.mux_scheduled as s
  where s.client_id = new.client_id and s.content = new.content and s.due_at <= clock_timestamp();
  new.verified := coalesce(new.verified, false);
  return new;
end $function$;

-- Posts what is due. One that cannot be posted keeps its row, with the reason.
CREATE OR REPLACE FUNCTION agentmux.post_due()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
end $function$;

-- ==== urgent ====

-- Focuses an agent, or all of them, or with p_focused false ends that: for humans. Returns those that it named.
CREATE OR REPLACE FUNCTION public.agent_focus(p_tag text DEFAULT NULL::text, p_all boolean DEFAULT false, p_focused boolean DEFAULT true)
 RETURNS SETOF agents
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  tags text[];
begin
  perform agentmux.guard_pause('focus');
  tags := agentmux.paused_tags(p_tag, p_all);
  perform from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag for update;
  update public.agents as a set focused = coalesce(p_focused, true)
  where upper(a.tag collate "C") = any (tags) and a.focused <> coalesce(p_focused, true);
  return query select a.* from public.agents as a where upper(a.tag collate "C") = any (tags) order by a.tag;
end $function$;
grant execute on function public.agent_focus to authenticated, service_role;

-- ==== publication ====

alter publication supabase_realtime add table public.agents;
alter publication supabase_realtime add table public.messages;
alter publication supabase_realtime add table public.receipts;
alter publication supabase_realtime add table public.tasks;
