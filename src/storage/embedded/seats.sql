-- A group's heads as counters, so that a wish reads one row and not all seats of the group.
CREATE TABLE head (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    members INTEGER,
    members_at INTEGER,
    confirmed INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    given_back INTEGER NOT NULL DEFAULT 0
);

-- state: 0 held until a moment, 1 given back at that moment, 2 confirmed by a join at that moment. Visitors and scans are the 16 bytes
-- of their ids, which begin with the time: new rows lie together.
CREATE TABLE seat (
    visitor BLOB NOT NULL,
    head INTEGER NOT NULL,
    state INTEGER NOT NULL,
    until INTEGER NOT NULL,
    wanted TEXT NOT NULL,
    scan BLOB NOT NULL,
    PRIMARY KEY (visitor, head)
) WITHOUT ROWID;

CREATE INDEX seat_by_end ON seat (state, until);
