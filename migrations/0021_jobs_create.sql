-- Further jobs of a run – evaluating another split, predicting other images. Each is a directory, `jobs/<number>` in the run's, with
-- spec, samples, journal and lock as a run's own has.
create table jobs (
    run_id integer not null references runs on delete cascade,
    number integer not null,      -- from 1; none is given twice
    task text not null,           -- JSON, as in its spec.json
    images integer not null,      -- how many
    asked_by text not null check (asked_by in ('page', 'api')),
    state text not null check (state in ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'interrupted')),
    wish text check (wish in ('pause', 'cancel')), -- what a person asked of a running one
    queued_at_ms integer not null, -- the order of the queue
    created_at_ms integer not null,
    started_at_ms integer,
    ended_at_ms integer,
    journal_offset integer not null default 0, -- bytes of the journal that are in this database
    hello text,                   -- JSON: versions, device, precision, process
    stage text,                   -- JSON: how far it is, as of a run
    failure text,                 -- JSON, as of a run
    predictions text,             -- the file of a job that predicts, relative to its directory
    primary key (run_id, number)
) strict, without rowid;
create index jobs_by_state on jobs (state, queued_at_ms);

-- The number that was given last.
alter table runs add column last_job integer not null default 0;

-- A note is of a run's own work (0) or of a further job.
create table notes_of_jobs (
    run_id integer not null references runs on delete cascade,
    job integer not null default 0,
    journal_offset integer not null,
    at_ms integer not null,
    warning integer not null,     -- 1: something is wrong
    text text not null,
    primary key (run_id, job, journal_offset)
) strict, without rowid;
insert into notes_of_jobs (run_id, journal_offset, at_ms, warning, text)
select run_id, journal_offset, at_ms, warning, text from notes;
drop table notes;
alter table notes_of_jobs rename to notes;
