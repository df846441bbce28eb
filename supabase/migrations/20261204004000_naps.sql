-- Observes the leases. Since the last call, more time may have passed than was observed (the machine slept, the hub or the server
-- was away, the clock was set forward), or a negative time (it was set back). All leases are moved by the difference, so that each
-- has as much time left as before. p_period: the interval at which the caller, a hub or an agent's server, calls this; null: it
-- calls only now and then. p_resumed: nobody can have observed the leases since. Writes at most once a second.
-- To avoid deadlocks, call this before take_turn and before locking tasks.
create or replace function agentmux.observe_leases(p_period interval default null, p_resumed boolean default false) returns void
language plpgsql security definer set search_path = '' as $$
declare
  clock agentmux.lease_clock;
  elapsed interval;
  observed interval;
  missed boolean;
begin
  select c.* into clock from agentmux.lease_clock as c;
  elapsed := clock_timestamp() - clock.at;
  if not p_resumed and elapsed between interval '-1 second' and interval '1 second'
    and (p_period is null or p_period >= clock.period)
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
  if elapsed <> observed then
    update public.tasks as t set lease_until = t.lease_until + (elapsed - observed) where t.status = 'running';
  end if;
  -- Who looks most often is relied upon, and less so each time that it is missed. A long nap is no miss: nobody could look.
  update agentmux.lease_clock as c set at = clock.at + elapsed,
    period = case
      when p_period <= c.period then p_period
      when missed and elapsed < interval '30 minutes' then least(c.period * 2, interval '1 minute')
      else c.period end;
end $$;

insert into agentmux.migrations (version) values ('20261204004000');
