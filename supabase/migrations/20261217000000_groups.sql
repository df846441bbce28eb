-- Groups: `@backend` addresses every agent of the group, as if each had been named. The members are those of the moment in which the
-- message is written. So everything that follows from a mention (inbox, receipts, waking) holds for each of them.

alter table public.agents add column groups text[] not null default '{}',
  add constraint agents_groups_at_most_16 check (cardinality(groups) <= 16);
comment on column public.agents.groups is 'the groups that it belongs to; @GROUP in a message addresses all agents of the group';
create index agents_groups on public.agents using gin (groups) where groups <> '{}';

-- Was generated from the content alone, which does not know who is in a group.
alter table public.messages alter column mentions drop expression, alter column mentions set default '{}';

-- The tags that a content addresses: a group stands for its members except the author, any other name for itself. A tag that has joined
-- goes before a group of that name. A group in which nobody else is stays as it is: the message must not become one to everyone.
create function agentmux.addressed(p_content text) returns text[] language plpgsql stable security definer set search_path = '' as $$
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
end $$;
revoke all on function agentmux.addressed from public;

-- After messages_before_insert_derive; no client may set it.
create function agentmux.address_message() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.mentions := agentmux.mentions(new.content);
  if new.mentions <> '{}' and exists (select from public.agents as a where a.groups <> '{}') then
    new.mentions := agentmux.addressed(new.content);
  end if;
  return new;
end $$;
revoke all on function agentmux.address_message from public;
-- Most messages name nobody, and cost nothing.
create trigger messages_before_insert_mentions before insert on public.messages for each row
  when (strpos(new.content, '@') > 0 or new.mentions <> '{}') execute function agentmux.address_message();
-- A message that is redacted addresses nobody any more.
create trigger messages_mentions_changed before update of content, mentions on public.messages
for each row execute function agentmux.address_message();

-- Adds an agent to groups and removes it from others: for humans, the service role and the owner. Returns the agent's row.
create function public.agent_groups(p_tag text, p_add text[] default '{}', p_remove text[] default '{}')
returns public.agents language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function public.agent_groups from public, anon;
grant execute on function public.agent_groups to authenticated, service_role;

insert into agentmux.migrations (version) values ('20261217000000');
