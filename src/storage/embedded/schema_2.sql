-- Which route a visit was shown, and which one its visitor is assigned to. Before there were two, everybody was shown the group.
ALTER TABLE tag ADD COLUMN mode TEXT NOT NULL DEFAULT 'group';
ALTER TABLE tag ADD COLUMN assigned TEXT;
