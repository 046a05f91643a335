-- The run whose settings a run began with; it may be deleted by now.
alter table runs add column cloned_from integer;
