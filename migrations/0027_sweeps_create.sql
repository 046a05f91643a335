-- Runs that were started together and differ in a few fields alone.
create table sweeps (
    id integer primary key autoincrement,
    dataset_id integer not null references datasets on delete cascade,
    name text not null,
    plan text not null,           -- JSON: how values are combined, and which fields may be what
    base text not null,           -- JSON: the values of the other fields, as they were asked for
    created_at_ms integer not null
) strict;
create index sweeps_by_dataset on sweeps (dataset_id);

create table sweep_trials (
    run_id integer primary key references runs on delete cascade,
    sweep_id integer not null references sweeps on delete cascade,
    number integer not null,      -- within the sweep, from 1
    settings text not null,       -- JSON: the values of the fields that vary
    unique (sweep_id, number)
) strict;
