CREATE TABLE card (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    visitor TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX card_by_visitor ON card (visitor) WHERE visitor IS NOT NULL;

CREATE TABLE counter (
    day INTEGER NOT NULL,
    what TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) WITHOUT ROWID;

-- state: 0 waits or is worked on, 1 done (only the id is kept), 2 a person has to look at it.
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,
    settled_at INTEGER,
    tries INTEGER NOT NULL,
    visitor TEXT,
    body TEXT NOT NULL,
    cause TEXT,
    UNIQUE (lane, id)
);
CREATE INDEX job_by_turn ON job (lane, state, ready_at, number);
CREATE INDEX job_by_end ON job (settled_at) WHERE state = 1;
CREATE INDEX job_by_visitor ON job (visitor) WHERE visitor IS NOT NULL;

-- AUTOINCREMENT: a number is never used again.
CREATE TABLE feed (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    visitor TEXT,
    body TEXT NOT NULL
);
CREATE INDEX feed_by_time ON feed (at);
CREATE INDEX feed_by_visitor ON feed (visitor) WHERE visitor IS NOT NULL;
