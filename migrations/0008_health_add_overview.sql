-- How a data set's pictures are spread, made together with the report: JSON; null where a report is older than that.
alter table health_reports add column overview text;
