-- A run. Its directory is the truth; this row and all that refer to it are a view made for questions.
create table runs (
    id integer primary key,
    dataset_id integer not null references datasets,
    name text not null,
    state text not null check (state in ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled', 'interrupted')),
    wish text check (wish in ('pause', 'cancel')), -- what a person asked of a running one
    queued_at_ms integer not null, -- the order of the queue
    created_at_ms integer not null,
    started_at_ms integer,
    ended_at_ms integer,
    spec text not null,           -- JSON
    held_out text,                -- how a validation split was held out for this run, in words
    journal_offset integer not null default 0, -- bytes of the journal that are in this database
    hello text,                   -- JSON: versions, device, precision, process
    started text,                 -- JSON: steps an epoch, parameters, layers
    epoch integer not null default 0, -- the one under way, from 1
    step integer not null default 0,  -- optimiser steps taken
    best_epoch integer,
    summary text not null default '{}', -- JSON: the latest value of each main figure
    failure text                  -- JSON: reason, advice, step, layer, end of stderr
) strict;
create index runs_by_state on runs (state, queued_at_ms);
create index runs_by_dataset on runs (dataset_id);

-- A named sequence of numbers of a run, such as 'train/loss'.
create table series (
    id integer primary key,
    run_id integer not null references runs on delete cascade,
    key text not null,
    unique (run_id, key)
) strict;

-- Its points. A resumed run writes its last steps again: the later one replaces the earlier.
create table points (
    series_id integer not null references series on delete cascade,
    step integer not null,
    value real,                   -- null: not finite
    primary key (series_id, step)
) strict, without rowid;

-- A captured input batch.
create table batches (
    run_id integer not null references runs on delete cascade,
    step integer not null,
    record text not null,         -- JSON
    primary key (run_id, step)
) strict, without rowid;

-- What the trainer or the follower has to say to a person.
create table notes (
    run_id integer not null references runs on delete cascade,
    journal_offset integer not null,
    at_ms integer not null,
    warning integer not null,     -- 1: something is wrong
    text text not null,
    primary key (run_id, journal_offset)
) strict, without rowid;

-- A file of predictions, one an epoch and split.
create table prediction_files (
    run_id integer not null references runs on delete cascade,
    split text not null,
    epoch integer not null,
    path text not null,           -- relative to the run directory
    best integer not null,        -- 1: the file that the predictions below are from
    primary key (run_id, split, epoch)
) strict, without rowid;

-- The verdicts of the best checkpoint, a row a sample.
create table predictions (
    run_id integer not null references runs on delete cascade,
    split text not null,
    sample_id integer not null references samples,
    row integer not null,         -- in the file
    actual integer not null,
    predicted integer not null,
    confidence real not null,     -- the predicted class's probability
    loss real,                    -- cross-entropy, nats; null: not finite
    primary key (run_id, split, sample_id)
) strict, without rowid;
create index predictions_by_cell on predictions (run_id, split, actual, predicted, confidence);
