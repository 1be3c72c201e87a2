-- Jobs that were given up have an age too.
CREATE INDEX job_by_death ON job (settled_at) WHERE state = 2;
