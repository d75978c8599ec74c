-- For several gateways on one database. Like every migration it takes the place of a writer first, so that gateways of the
-- version before go on beside it, and it changes nothing that they use.
UPDATE logboek SET id = id;

-- By what gateways on this database know that they have the same keys; tells nothing of those.
ALTER TABLE logboek ADD COLUMN sleutels TEXT;

-- The document of day keys, where several gateways share it: wrapped under a root that is not in the database. Who changes it
-- names the version that it read.
CREATE TABLE sleuteldocument (
    id BIGINT PRIMARY KEY,
    versie BIGINT NOT NULL,
    tekst TEXT NOT NULL
);
