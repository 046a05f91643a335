-- What every run said of one sample: for the sample's page.
create index predictions_by_sample on predictions (sample_id, run_id);
