-- A version of the catalog. The current one is the highest.
CREATE TABLE version (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    changes INTEGER NOT NULL
);

-- An entry as it is from one version until before another; to_version is null while it is current. So a version costs as many
-- rows as it changes. The key keeps the life of an entry together, which makes a change one visit to one page.
CREATE TABLE entry (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    from_version INTEGER NOT NULL,
    to_version INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id, from_version)
) WITHOUT ROWID;

CREATE TABLE tag (
    scan TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    visitor TEXT NOT NULL,
    at INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    outcome TEXT NOT NULL,
    store TEXT,
    join_kind TEXT,
    join_id TEXT,
    fallback TEXT,
    province TEXT NOT NULL,
    city TEXT NOT NULL,
    district TEXT NOT NULL,
    areas TEXT NOT NULL,
    region_source TEXT NOT NULL,
    source TEXT NOT NULL,
    accuracy TEXT NOT NULL
) WITHOUT ROWID;

-- Each of these holds the scan behind its own columns, so they give the order (at, scan) without sorting.
CREATE INDEX tag_by_visitor ON tag (visitor, at);
CREATE INDEX tag_by_at ON tag (at);
CREATE INDEX tag_by_store ON tag (store, at) WHERE store IS NOT NULL;

CREATE TABLE step (
    scan TEXT NOT NULL,
    step TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scan, step)
) WITHOUT ROWID;

CREATE TABLE secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
);
