-- A data set: a folder of pictures, referenced in place or unpacked under the data directory.
create table datasets (
    id integer primary key,
    name text not null unique,
    state text not null check (state in ('importing', 'ready', 'failed')),
    source text not null,         -- the path that was given, or the name of the uploaded file
    format text,                  -- 'folder', 'zip', 'tar', 'tar.gz'
    root text,                    -- absolute; the samples' paths are relative to it
    fingerprint text,             -- hash of every path, class, split and picture
    split_note text,              -- where the splits come from, in words
    failure text,                 -- why the import failed, in words
    created_at_ms integer not null
) strict;

-- The classes of a data set, by label.
create table classes (
    dataset_id integer not null references datasets on delete cascade,
    label integer not null,
    name text not null,
    primary key (dataset_id, label)
) strict, without rowid;

-- A picture that was decoded at import.
create table samples (
    id integer primary key,
    dataset_id integer not null references datasets on delete cascade,
    path text not null,           -- relative to the data set's root
    label integer not null,
    split text not null check (split in ('train', 'val', 'test')),
    width integer not null,       -- pixels, upright
    height integer not null,
    bytes integer not null,
    format text not null,
    orientation integer not null, -- EXIF, 1 to 8
    hash text not null            -- of the file's bytes
) strict;
create index samples_by_class on samples (dataset_id, split, label, id);
create index samples_by_hash on samples (hash);

-- A file that could not be used.
create table rejected (
    id integer primary key,
    dataset_id integer not null references datasets on delete cascade,
    path text not null,
    reason text not null
) strict;
create index rejected_by_dataset on rejected (dataset_id, id);
