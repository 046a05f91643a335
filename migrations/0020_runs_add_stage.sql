-- How far a stage of a run has come that is counted in images: {"stage", "done", "total", "since_ms", "at_ms"}.
alter table runs add column stage text;
