-- By what the form was recognised, a sentence without its full stop; null of imports before this.
alter table datasets add column evidence text;
-- What else the source could be read as: a JSON list of words such as "manifest"; null of imports before this.
alter table datasets add column readings text;
