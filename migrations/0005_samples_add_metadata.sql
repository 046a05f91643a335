-- What else the source says of a picture: a JSON object of texts and numbers; null where it says nothing.
alter table samples add column metadata text;
