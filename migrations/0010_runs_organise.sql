-- What a person says of a run and does with it.
alter table runs add column note text not null default '';
alter table runs add column starred integer not null default 0;  -- 1: starred
alter table runs add column archived integer not null default 0; -- 1: out of sight, but kept
create table run_tags (
    run_id integer not null references runs on delete cascade,
    tag text not null,
    primary key (run_id, tag)
) strict, without rowid;

-- Numbers of deleted runs: none is given twice, since addresses and cached images name them.
create table deleted_runs (
    id integer primary key,
    deleted_at_ms integer not null
) strict;

-- One stretch of work of a run's trainer, by its journal: pauses and faults lie between two. Time taken is their sum.
create table attempts (
    run_id integer not null references runs on delete cascade,
    started_at_ms integer not null, -- the trainer's first word
    ended_at_ms integer not null,   -- its latest word
    primary key (run_id, started_at_ms)
) strict, without rowid;

-- Of earlier runs only the whole is known.
insert into attempts (run_id, started_at_ms, ended_at_ms)
select id, started_at_ms, max(started_at_ms, coalesce(ended_at_ms, started_at_ms)) from runs where started_at_ms is not null;

-- A run as the program reads it.
create view run_rows as
select runs.*,
       coalesce((select sum(ended_at_ms - started_at_ms) from attempts where run_id = runs.id), 0) as worked_ms,
       (select json_group_array(tag) from (select tag from run_tags where run_id = runs.id order by tag)) as tags
from runs;

-- What was called best was the accuracy of the checkpoint that is kept, the one of the lowest validation loss. It gets a
-- name of its own, and the best of a series is the best of it.
update runs
set summary = json_set(
    summary,
    '$."checkpoint/epoch"', best_epoch,
    '$."checkpoint/val/accuracy"', json(summary -> '$."best/val/accuracy"'),
    '$."checkpoint/val/loss"', json(summary -> '$."best/val/loss"')
)
where best_epoch > 0 and json_type(summary, '$."best/val/accuracy"') is not null;

update runs
set summary = json_set(
    summary,
    '$."best/val/accuracy"', best.value,
    '$."best/val/accuracy_epoch"', best.epoch,
    '$."best/val/loss"', (
        select min(value) from points join series on series.id = series_id where run_id = runs.id and key = 'val/loss'
    )
)
from (
    select run_id, value, epoch, row_number() over (partition by run_id order by value desc, epoch) as place
    from (
        select run_id, value, row_number() over (partition by run_id order by step) as epoch
        from points join series on series.id = series_id
        where key = 'val/accuracy'
    )
    where value is not null
) as best
where best.run_id = runs.id and best.place = 1;

-- The speed of a run is its median, not that of its last step.
update runs
set summary = json_set(summary, '$."images_per_second/median"', speed.value)
from (
    select run_id, value,
           row_number() over (partition by run_id order by value) as place,
           count(*) over (partition by run_id) as count
    from points join series on series.id = series_id
    where key = 'images_per_second' and value is not null
) as speed
where speed.run_id = runs.id and speed.place = speed.count / 2 + 1;
