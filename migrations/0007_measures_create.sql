-- What was measured of a picture's pixels (`vision::Features`), and the figures that galleries are ordered by.
create table measures (
    sample_id integer primary key references samples on delete cascade,
    dataset_id integer not null references datasets on delete cascade,
    brightness real not null,     -- median luma, levels
    contrast real not null,       -- standard deviation of luma, levels
    sharpness real,               -- null: too small to tell
    features blob not null
) strict;
create index measures_by_brightness on measures (dataset_id, brightness, sample_id);
create index measures_by_contrast on measures (dataset_id, contrast, sample_id);
create index measures_by_sharpness on measures (dataset_id, sharpness, sample_id);

-- The health of a data set's newest version; made anew when it changes.
create table health_reports (
    dataset_id integer primary key references datasets on delete cascade,
    version integer not null,     -- of the data set
    made_at_ms integer not null,
    seconds real not null,        -- what the examination took
    report text not null          -- JSON
) strict;
