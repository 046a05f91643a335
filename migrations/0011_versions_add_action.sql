-- What a version did, in words, apart from the note that a person gave it. Before, the one stood in the other's place. Null: the
-- note of a person took the place of the words, which are made again of the changes.
alter table versions add column action text;

update versions set action = note, note = ''
where number = 1 or undoes is not null or renames <> '[]'
   or note like '% sample relabelled as “%”' or note like '% samples relabelled as “%”'
   or note like '1 sample %' or note like '% samples moved to %' or note like '% samples excluded' or note like '% samples restored'
   or note like '% duplicates excluded, one of each set kept' or note like '% in another split moved to train'
   or note like 'Class “%” merged into “%”';
