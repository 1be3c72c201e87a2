-- A publication that is being written in several steps. Its entries bear the number of the version to come, so nobody reads them;
-- a row that nobody is working on was left by a process that ended half way.
CREATE TABLE publication (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
);
