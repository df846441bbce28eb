-- Words of new messages get into the search index in small parts. PostgreSQL keeps up to 4 MB of them aside: every search reads all of
-- that, and the INSERT that fills it up waits for it to be sorted in, as does everybody else where there is one session.

-- In kB, the least that is possible.
alter index public.messages_search set (gin_pending_list_limit = 64);

insert into agentmux.migrations (version) values ('20261207001000');
