-- How far the most probable class is ahead of the second; null: of a version that did not count it, or not finite.
alter table predictions add column margin real;
