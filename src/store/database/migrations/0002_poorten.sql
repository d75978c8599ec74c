-- For several gateways on one database. Like every migration it takes the place of a writer first, so that gateways of the
-- version before go on beside it, and it changes nothing that they use.
UPDATE logboek SET id = id;

-- By what gateways on this database know that they have the same keys; tells nothing of those.
ALTER TABLE logboek ADD COLUMN sleutels TEXT;

-- Day keys, where several gateways share them: each wrapped under a root that is not in the database. A row is made by whoever is
-- first and never replaced.
CREATE TABLE dagsleutels (
    dag TEXT PRIMARY KEY,
    sleutel TEXT NOT NULL
);
