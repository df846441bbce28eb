-- Claims whose owner is at work are renewed together, and for a limited time; and who comes back from a nap has time to say so.

alter table agentmux.claims add column reported_at timestamptz not null default clock_timestamp();
comment on column agentmux.claims.reported_at is 'when its owner claimed it, or last reported progress';
alter table agentmux.lease_clock add column watched boolean not null default false;
comment on column agentmux.lease_clock.watched is 'whether the last observer was one that calls regularly';

-- For how long the claims of an owner are renewed that reports no progress, although its client seems to be at work.
create function agentmux.max_silence() returns interval language sql immutable parallel safe set search_path = '' as $$
  select interval '6 hours'
$$;
revoke all on function agentmux.max_silence from public;

-- How much time each lease has at least after the machine slept or the hub was away, for its owner to be heard.
create function agentmux.wake_grace() returns interval language sql immutable parallel safe set search_path = '' as $$
  select interval '2 minutes'
$$;
revoke all on function agentmux.wake_grace from public;

create function agentmux.claim_reported() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update agentmux.claims as c set reported_at = clock_timestamp() where c.task_id = new.id;
  return null;
end $$;
revoke all on function agentmux.claim_reported from public;
create trigger tasks_reported after update of progress, note, lease_token on public.tasks
  for each row when (new.status = 'running') execute function agentmux.claim_reported();

-- Observes the leases. Since the last call, more time may have passed than was observed (the machine slept, the hub or the server
-- was away, the clock was set forward), or a negative time (it was set back). All leases are moved by the difference, so that each
-- has as much time left as before; and if that was no short time, at least wake_grace(), unless its owner has signed off: what renews
-- it slept as well. p_period: the interval at which the caller, a hub or an agent's server, calls this; null: it calls only now and
-- then. p_resumed: nobody can have observed the leases since. Writes at most once a second. Where nobody calls regularly, long pauses
-- are no naps: without that, a lease would never run out there.
-- To avoid deadlocks, call this before take_turn and before locking tasks.
create or replace function agentmux.observe_leases(p_period interval default null, p_resumed boolean default false) returns void
language plpgsql security definer set search_path = '' as $$
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
end $$;

-- Renews claims of the caller, in one request, and looks after the tasks as task_reap does. p_claims: a list of
-- {"id": ..., "token": ..., "lease": seconds}; it returns the ids of those that are still valid. p_others: the seconds for which all
-- others are renewed that the caller has, which it may have claimed with SQL or the command line; null: they are not. No lease gets
-- shorter. A claim is not renewed after its owner has reported no progress for max_silence(): then it runs out, as any other.
create function public.task_renew(p_claims jsonb default '[]', p_others int default null) returns bigint[]
language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.task_renew from public, anon;
grant execute on function public.task_renew to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261214000000');
