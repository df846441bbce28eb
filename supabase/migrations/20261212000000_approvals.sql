-- Approvals: what an agent's client asks its user before it runs a tool, so that a human can answer from anywhere. The database only
-- carries the question and the answer. An answer counts because it is signed: the hook that asked checks the signature with the keys
-- that its home trusts, against the very input that it holds (docs/signatures.md). Who can write these rows can grant nothing.

create table public.mux_approvals (
  id bigint generated always as identity primary key,
  request uuid not null unique,
  tag text not null,
  session text not null,
  client text not null,
  tool text not null,
  input text not null,
  cwd text not null,
  rules text not null default '[]',
  state text not null default 'waiting',
  asked_at timestamptz not null default clock_timestamp(),
  waiting_at timestamptz not null default clock_timestamp(),
  attended_at timestamptz,
  waits_until timestamptz not null,
  answer text,
  signature jsonb,
  decided_by text,
  decided_at timestamptz,
  taken_at timestamptz,
  reason text,
  ended_at timestamptz,
  constraint approvals_state_known check (state in ('waiting', 'allowed', 'denied', 'terminal', 'expired', 'refused')),
  constraint approvals_names_are_short check (octet_length(tool) <= 300 and octet_length(client) <= 40 and octet_length(session) <= 300
    and octet_length(cwd) <= 5000),
  constraint approvals_input_at_most_1_mb check (octet_length(input) <= 1000000),
  constraint approvals_rules_are_a_list check (jsonb_typeof(rules::jsonb) = 'array' and octet_length(rules) <= 20000),
  constraint approvals_answer_at_most_1_mb check (octet_length(answer) <= 1000000),
  constraint approvals_signature_is_an_object check (jsonb_typeof(signature) = 'object' and octet_length(signature::text) <= 4096),
  constraint approvals_reason_at_most_1000_characters check (char_length(reason) <= 1000)
);
comment on table public.mux_approvals is 'what agents'' clients ask before they run a tool, and the answers';
comment on column public.mux_approvals.request is 'made by the hook that waits; an answer is signed for it, and for nothing else';
comment on column public.mux_approvals.client is 'the program that asks: claude, codex';
comment on column public.mux_approvals.input is 'the tool''s whole input, as JSON';
comment on column public.mux_approvals.rules is 'what the client itself suggests to allow until its session ends, as JSON; the answer is signed over it';
comment on column public.mux_approvals.state is 'waiting; allowed or denied by a human or a rule of theirs; answered in the agent''s terminal; expired; an answer was refused';
comment on column public.mux_approvals.waiting_at is 'when the hook last asked for the answer';
comment on column public.mux_approvals.attended_at is 'when a human''s screen last showed it';
comment on column public.mux_approvals.answer is 'the answer as it was signed, as JSON';
comment on column public.mux_approvals.taken_at is 'when the hook handed the answer to the client';
comment on column public.mux_approvals.reason is 'the reason of a denial; the rule that allowed or denied it; why an answer was refused';
create index approvals_of_session on public.mux_approvals (upper(tag collate "C"), id);
create index approvals_waiting on public.mux_approvals (id) where state = 'waiting';
alter table public.mux_approvals enable row level security;

-- An agent sees only what it asked itself: the input of a tool may contain anything.
create policy approvals_read on public.mux_approvals for select to authenticated using (
  (select agentmux.admitted()) and ((select i.kind from agentmux.identity() as i) = 'human'
    or upper(tag collate "C") = (select upper(i.tag collate "C") from agentmux.identity() as i)));
create policy approvals_service on public.mux_approvals for select to service_role using (true);
revoke all on public.mux_approvals from public, anon, authenticated, service_role;
grant select on public.mux_approvals to authenticated, service_role;

alter table public.events drop constraint events_kind_known, drop constraint events_of_a_task_or_an_agent,
  add column approval_id bigint,
  add constraint events_kind_known check (kind in ('task', 'presence', 'approval')) not valid,
  add constraint events_of_a_task_or_an_agent check (case kind
    when 'task' then task_id is not null and progress is not null
    else task_id is null and tag is not null end and (kind = 'approval') = (approval_id is not null)) not valid;
comment on column public.events.approval_id is 'the approval, which may have been removed since';

create function agentmux.approval_history() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.state = old.state and new.taken_at is not distinct from old.taken_at then return null; end if;
  insert into public.events (kind, at, approval_id, tag, state, reason)
  values ('approval', clock_timestamp(), new.id, new.tag,
    case when tg_op = 'UPDATE' and new.state = old.state then 'taken' else new.state end,
    left(case when new.state = 'waiting' then new.tool
      else concat_ws(': ', new.decided_by, new.reason) end, 500));
  return null;
end $$;
revoke all on function agentmux.approval_history from public;
create trigger approvals_history after insert or update on public.mux_approvals for each row execute function agentmux.approval_history();

-- Seconds without a look after which nobody waits for the answer any more: the hook was killed.
create function agentmux.approval_patience() returns interval language sql immutable parallel safe set search_path = '' as $$
  select interval '15 seconds'
$$;
revoke all on function agentmux.approval_patience from public;

-- Asks humans, as the calling agent, whose session is blocked from now on. p_state: an answer that a rule of the human has given
-- already, with the rule as p_reason; such a row is only a record. Repeating a request changes nothing.
create function public.approval_ask(p_request uuid, p_session text, p_client text, p_tool text, p_input text, p_cwd text,
  p_rules text default '[]', p_seconds int default 600, p_state text default 'waiting', p_reason text default null)
returns public.mux_approvals language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.approval_ask from public, anon;
grant execute on function public.approval_ask to authenticated, service_role;

-- What became of the caller's own request. Says that it still waits.
create function public.approval_look(p_request uuid) returns public.mux_approvals
language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.approval_look from public, anon;
grant execute on function public.approval_look to authenticated, service_role;

-- Ends the caller's own request. p_state: taken (its answer was handed to the client), terminal, expired, or refused with the reason.
-- An answer that came too late stays as it is.
create function public.approval_end(p_request uuid, p_state text, p_reason text default null) returns public.mux_approvals
language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.approval_end from public, anon;
grant execute on function public.approval_end to authenticated, service_role;

-- What waits for a human's answer, oldest first. To a human who looks, each then counts as attended.
create function public.approvals_waiting() returns setof public.mux_approvals
language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.approvals_waiting from public, anon;
grant execute on function public.approvals_waiting to authenticated, service_role;

-- Answers a request: for humans. p_answer is JSON, signed as it is; its `behavior` is allow or deny. The first answer counts.
create function public.approval_decide(p_id bigint, p_answer text, p_signature jsonb default null) returns public.mux_approvals
language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.approval_decide from public, anon;
grant execute on function public.approval_decide to authenticated, service_role;

-- Without the changes of approvals, which readers of earlier versions would not know.
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
  where e.kind <> 'approval' and e.at >= p_from and (e.at, e.id) < (coalesce(p_to, 'infinity'), coalesce(p_before, 0))
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

insert into agentmux.migrations (version) values ('20261212000000');
