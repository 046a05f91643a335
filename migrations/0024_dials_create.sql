-- A report of a dial, such as the gradient norms, of all layers at a step: one row. Runs of before have a series a layer, which is
-- still read.
create table dial_reports (
    run_id integer not null references runs on delete cascade,
    dial text not null,           -- 'gradient', …
    step integer not null,
    numbers blob not null,        -- little-endian f64, in the order of the run's layers; NaN: not finite
    primary key (run_id, dial, step)
) strict, without rowid;

-- All reports of a dial in figures, so that a table reads one row.
create table dial_summaries (
    run_id integer not null references runs on delete cascade,
    dial text not null,
    last_step integer not null,
    numbers blob not null,        -- little-endian f64, five a layer: first, last, min, max, how many were not finite
    primary key (run_id, dial)
) strict, without rowid;

-- A long series again, in blocks of 1,000 points, so that it is thinned without reading them all. Made of `points`, which stay.
create table point_blocks (
    id integer primary key,
    series_id integer not null references series on delete cascade,
    last_step integer not null,
    extremes blob not null,       -- its first, last, lowest and highest point and its first gap, as below
    points blob not null          -- little-endian: the step as u64, the value as f64 (NaN: not finite)
) strict;
-- Holds the extremes itself, so that they lie close together.
create index point_blocks_by_series on point_blocks (series_id, last_step, extremes);
