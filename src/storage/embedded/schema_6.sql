-- How far deliverers are, each with the id of its disk: up to which number everything of theirs is in this file.
CREATE TABLE delivered (
    who BLOB PRIMARY KEY,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
