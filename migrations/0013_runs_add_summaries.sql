-- What lists say of a run, kept beside it, so that a list of any length is one statement.

-- JSON: validation accuracy by epoch as [[step, value | null], …], thinned to what a small curve can show.
alter table runs add column curve text not null default '[]';
update runs set curve = coalesce((
    select json_group_array(json_array(step, value) order by step)
    from points where series_id = (select id from series where run_id = runs.id and key = 'val/accuracy')
), '[]');

-- The predictions that galleries show, counted: a row a split that was evaluated.
create table evaluated_splits (
    run_id integer not null references runs on delete cascade,
    split text not null,
    epoch integer not null,       -- of the checkpoint; 0: the weights that it started with
    total integer not null,
    wrong integer not null,
    primary key (run_id, split)
) strict, without rowid;
insert into evaluated_splits (run_id, split, epoch, total, wrong)
select run_id, split,
       coalesce((select epoch from prediction_files as file
                 where file.run_id = predictions.run_id and file.split = predictions.split and best = 1
                 order by epoch desc limit 1), 0),
       count(*), sum(actual <> predicted)
from predictions group by run_id, split;
