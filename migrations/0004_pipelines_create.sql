-- A way of loading that a person kept under a name.
create table pipelines (
    name text primary key,
    steps text not null,          -- JSON: a list of transforms
    created_at_ms integer not null
) strict, without rowid;
