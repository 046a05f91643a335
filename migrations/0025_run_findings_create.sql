-- What was found in a run, so that lists and every page of it read one row. It is made of the run's other rows, and made anew when they change.
create table run_findings (
    run_id integer primary key references runs on delete cascade,
    basis text not null,          -- what they were made of: version of the detectors, place in the journal, state …
    findings text not null,       -- JSON
    splits text,                  -- JSON: what the images of its splits are like, which stays
    revision integer not null default 0 -- one more whenever what is shown changes
) strict;

-- What a person has decided to live with, by the finding's own name.
create table dismissed_findings (
    run_id integer not null references runs on delete cascade,
    finding text not null,
    dismissed_at_ms integer not null,
    primary key (run_id, finding)
) strict, without rowid;
