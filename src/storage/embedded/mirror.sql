-- The catalog that was followed last: which version it is, who published it, and what everything below adds up to.
CREATE TABLE held (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    changes INTEGER NOT NULL,
    sum BLOB NOT NULL
);

CREATE TABLE entry (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- The secret of the installation, which signs visitor tokens, and its digest.
CREATE TABLE secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL,
    digest BLOB NOT NULL
);
