-- What lets somebody in where the server is reached from other machines. The key itself is not kept, only its hash.
create table access_keys (
    id integer primary key autoincrement,  -- no number is given twice: a list names them
    name text not null,
    role text not null check (role in ('read-only', 'full')),
    origin text not null check (origin in ('link', 'start', 'environment')),
    key_hash text not null unique,         -- BLAKE3, in hexadecimal digits
    view text not null,                    -- path and query of the page that its link opens
    created_at_ms integer not null,
    expires_at_ms integer,                 -- null: never
    last_used_at_ms integer,               -- to the minute
    revoked_at_ms integer
) strict;
