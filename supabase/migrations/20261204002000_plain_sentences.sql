-- Error messages inside long functions, in plainer English. Only the sentences are replaced.
do $replace$
declare
  changed record;
begin
  for changed in
    with sentences (former, plain) as (values
    ($$the answer to this is longer than 16 MB or 100,000 rows$$,
      $$the result is larger than 16 MB or 100,000 rows$$),
    ($$'one statement at a time', hint = 'Send each by itself.'$$,
      $$'only one statement can be run at a time', hint = 'Send each statement separately.'$$),
    ($$this statement cannot be told from one that an agent may not run$$,
      $$cannot determine whether an agent may run this statement$$),
    ($$this database cannot give agents SQL of their own$$,
      $$this database cannot create roles for agents$$),
    ($$this runs the SQL of agents, who come with a token of their own$$,
      $$only an agent with its own token can call this$$),
    ($$Humans and services run theirs as the owner: agentmux sql.$$,
      $$Humans and services run SQL as the owner, with agentmux sql.$$),
    ($$this cannot be called by SQL that runs in it$$,
      $$this cannot be called from the SQL that it runs$$),
    ($$SQL of an agent has at most 1,048,576 characters and 1,000 statements$$,
      $$the SQL of an agent is limited to 1,048,576 characters and 1,000 statements$$),
    ($$no table is named$$,
      $$no table name was given$$),
    ($$result_rows is not for SQL$$,
      $$result_rows cannot be called from SQL$$),
    ($$a search has at most 1000 characters$$,
      $$a search can have at most 1000 characters$$),
    ($$a search has at most 64 terms$$,
      $$a search can have at most 64 terms$$),
    ($$p_is takes mine, unverified and stuck, p_has takes task, code and link, each with or without a minus before it$$,
      $$p_is accepts mine, unverified and stuck, and p_has accepts task, code and link; a minus before one excludes it$$),
    ($$the cursor''s xid is a number, not %L$$,
      $$the xid of a cursor must be a number, not %L$$),
    ($$which this is a step of, does not exist$$,
      $$of which this is to be a step, does not exist$$),
    ($$ and gets no further steps$$,
      $$, so no steps can be added to it$$),
    ($$a step cannot depend on the task that it is a step of$$,
      $$a step cannot depend on its own plan$$),
    ($$what waits for it comes back with it.$$,
      $$the tasks that wait for it are retried, too.$$),
    ($$Add it again without that.$$,
      $$Add it again without that dependency.$$),
    ($$only a human may let damped agents go on$$,
      $$only a human can resume damped agents$$),
    ($$Redact what must not be read: select$$,
      $$To hide a message, redact it: select$$)
    )
    select p.oid, array_agg(s.former) as formers, array_agg(s.plain) as plains
    from pg_catalog.pg_proc as p join sentences as s on strpos(p.prosrc, s.former) > 0
    where p.pronamespace in ('public'::regnamespace, 'agentmux'::regnamespace) and p.prokind = 'f'
    group by p.oid
  loop
    declare
      definition text := pg_get_functiondef(changed.oid);
    begin
      for place in 1 .. cardinality(changed.formers) loop
        definition := replace(definition, changed.formers[place], changed.plains[place]);
      end loop;
      execute definition;
    end;
  end loop;
end $replace$;

insert into agentmux.migrations (version) values ('20261204002000');
