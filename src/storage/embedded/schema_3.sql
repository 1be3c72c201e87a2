-- The day of a visit, and how far it went (the place of its last stage). Before days were recorded, clocks were those of China.
ALTER TABLE tag ADD COLUMN day INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tag ADD COLUMN went INTEGER NOT NULL DEFAULT 0;
UPDATE tag SET day = (at + 28800000) / 86400000,
    went = CASE
        WHEN EXISTS (SELECT 1 FROM step WHERE step.scan = tag.scan AND step.step = 'pressed') THEN 3
        WHEN join_kind IS NOT NULL AND NOT (outcome = 'choose' AND (store IS NULL OR source IN ('ip', 'none'))) THEN 2
        WHEN source <> 'none' THEN 1
        ELSE 0
    END;

-- The first row of a visitor's day is the visit that stands for it; and all visits of a visitor are one range.
DROP INDEX tag_by_visitor;
CREATE INDEX tag_by_visitor ON tag (visitor, day, went DESC, at);
CREATE INDEX step_by_at ON step (at);

-- Counts of the records that are there, by cell. v: visits, u: unique visitors a day; 0 to 5: the stages.
CREATE TABLE tally (
    day INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    store TEXT NOT NULL,
    region TEXT NOT NULL,
    mode TEXT NOT NULL,
    assigned TEXT NOT NULL,
    source TEXT NOT NULL,
    rung TEXT NOT NULL,
    v0 INTEGER NOT NULL, v1 INTEGER NOT NULL, v2 INTEGER NOT NULL,
    v3 INTEGER NOT NULL, v4 INTEGER NOT NULL, v5 INTEGER NOT NULL,
    u0 INTEGER NOT NULL, u1 INTEGER NOT NULL, u2 INTEGER NOT NULL,
    u3 INTEGER NOT NULL, u4 INTEGER NOT NULL, u5 INTEGER NOT NULL,
    PRIMARY KEY (day, campaign, store, region, mode, assigned, source, rung)
) WITHOUT ROWID;

-- Counts of the records that were removed since. What is told is the sum of both.
CREATE TABLE tally_kept (
    day INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    store TEXT NOT NULL,
    region TEXT NOT NULL,
    mode TEXT NOT NULL,
    assigned TEXT NOT NULL,
    source TEXT NOT NULL,
    rung TEXT NOT NULL,
    v0 INTEGER NOT NULL, v1 INTEGER NOT NULL, v2 INTEGER NOT NULL,
    v3 INTEGER NOT NULL, v4 INTEGER NOT NULL, v5 INTEGER NOT NULL,
    u0 INTEGER NOT NULL, u1 INTEGER NOT NULL, u2 INTEGER NOT NULL,
    u3 INTEGER NOT NULL, u4 INTEGER NOT NULL, u5 INTEGER NOT NULL,
    PRIMARY KEY (day, campaign, store, region, mode, assigned, source, rung)
) WITHOUT ROWID;

CREATE TABLE consent (
    visitor TEXT NOT NULL,
    notice TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (visitor, notice)
) WITHOUT ROWID;
CREATE INDEX consent_by_at ON consent (last_at);

-- Visitors and visits that were forgotten, as keyed hashes: what was on its way at that moment is not taken in.
CREATE TABLE forgotten (
    hash BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX forgotten_by_at ON forgotten (at);
CREATE TABLE forgotten_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
);
INSERT INTO forgotten_key (id, bytes) VALUES (1, randomblob(32));
