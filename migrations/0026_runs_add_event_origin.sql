-- A run that was read from event files of another tool: where they lay and what they held, as JSON. Null: a run of ours.
alter table runs add column event_origin text;

-- What such a run has for a data set: none. No list shows it.
insert into datasets (id, name, state, source, created_at_ms) values (0, '', 'ready', '', 0);
