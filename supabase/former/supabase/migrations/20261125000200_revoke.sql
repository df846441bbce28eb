-- Taking the right to take part from an agent, and giving it back: its token stays what it is, and is refused meanwhile.

-- For humans, the service role and the owner: the row of the agent that is meant, or an error that says why not.
create function public.mux_set_revoked(p_tag text, p_revoked boolean) returns public.agents
language plpgsql security definer set search_path = '' as $$
declare
  changed public.agents;
  me record;
begin
  select * into me from public.mux_identity();
  if current_setting('role') in ('anon', 'authenticated') then
    perform public.mux_me();
    if me.kind <> 'human' then
      raise exception using errcode = '42501', message = 'only a human may revoke and restore agents';
    end if;
  end if;
  -- Who is revoked could not restore itself.
  if p_revoked and upper(me.tag collate "C") = upper(p_tag collate "C") then
    raise exception using errcode = '22023', message = format('you are %s yourself', me.tag);
  end if;
  update public.agents as a
  set revoked_at = case when p_revoked then coalesce(a.revoked_at, clock_timestamp()) end
  where upper(a.tag collate "C") = upper(p_tag collate "C")
  returning a.* into changed;
  if changed.tag is null then
    raise exception using errcode = 'P0002', message = format('%s has not joined', p_tag);
  end if;
  return changed;
end $$;

-- From its next request on the agent reads nothing, writes nothing and is handed nothing. Repeats change nothing.
create function public.agent_revoke(p_tag text) returns public.agents
language sql security definer set search_path = '' as $$
  select public.mux_set_revoked(p_tag, true)
$$;

-- What came meanwhile waits for it.
create function public.agent_restore(p_tag text) returns public.agents
language sql security definer set search_path = '' as $$
  select public.mux_set_revoked(p_tag, false)
$$;

-- As before, but the hint says how it is restored.
create or replace function public.mux_me() returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  me text := (select tag from public.mux_identity());
begin
  if me is null then
    raise exception using errcode = '42501',
      message = case current_setting('role')
        when 'authenticated' then 'this token names no agent'
        when 'service_role' then 'this request does not say which tag it acts as'
        else 'plain SQL has no identity' end,
      hint = case current_setting('role')
        when 'authenticated' then 'It takes app_metadata.agent_tag; `agentmux join` makes such a token.'
        when 'service_role' then 'Send the header x-agentmux-tag.'
        else 'Call this over REST with a token, or write to the table itself.' end;
  end if;
  if not public.mux_admitted() then
    raise exception using errcode = '42501', message = format('%s has been revoked', me),
      hint = format('A human can let it in again: `agentmux agents restore %s`.', me);
  end if;
  return me;
end $$;

revoke all on function public.mux_set_revoked(text, boolean), public.agent_revoke(text), public.agent_restore(text)
  from public, anon, authenticated, service_role;
grant execute on function public.agent_revoke(text), public.agent_restore(text) to authenticated, service_role;
