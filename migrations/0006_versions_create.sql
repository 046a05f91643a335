-- Mending a data set: its files are never touched, every change makes a version.
-- `samples.label`, `split` and `excluded` are those of the newest version.
alter table samples add column excluded integer not null default 0 check (excluded in (0, 1));

create table versions (
    dataset_id integer not null references datasets on delete cascade,
    number integer not null,      -- from 1, the import
    created_at_ms integer not null,
    note text not null,           -- what was done, in words
    fingerprint text not null,    -- of what is in it
    renames text not null default '[]', -- JSON: [label, name before, name after] of every class that was renamed
    undoes integer,               -- the version that this one takes back
    primary key (dataset_id, number)
) strict, without rowid;

-- What a version changed, sample by sample.
create table changes (
    dataset_id integer not null,
    version integer not null,
    sample_id integer not null references samples on delete cascade,
    label_before integer not null,
    label_after integer not null,
    split_before text not null,
    split_after text not null,
    excluded_before integer not null,
    excluded_after integer not null,
    primary key (dataset_id, version, sample_id),
    foreign key (dataset_id, version) references versions on delete cascade
) strict, without rowid;
create index changes_by_sample on changes (sample_id, version);

insert into versions (dataset_id, number, created_at_ms, note, fingerprint)
select id, 1, created_at_ms, 'Imported', coalesce(fingerprint, '') from datasets where state = 'ready';

-- The version that a run learnt from.
alter table runs add column dataset_version integer not null default 1;

-- Counts by class and split, and who has metadata, without a look at the samples themselves.
create index samples_by_standing on samples (dataset_id, excluded, label, split);
create index samples_in_order on samples (dataset_id, excluded);
create index samples_with_metadata on samples (dataset_id) where metadata is not null;
