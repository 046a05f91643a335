-- How an import was asked for, so that a failed one can be tried again as it was: JSON with the name, the data set of the catalogue,
-- the format and the split; null for imports of earlier versions.
alter table datasets add column request text;

-- What a person has decided to live with in a data set's health report.
create table ignored_findings (
    dataset_id integer not null references datasets on delete cascade,
    finding text not null,        -- its word, such as 'dark', 'shortcut:color' or 'set:near_duplicate:1f2e3d4c5b6a7988'
    ignored_at_ms integer not null,
    primary key (dataset_id, finding)
) strict, without rowid;
