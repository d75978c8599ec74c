#!/bin/sh
# Once, in an empty primary: the database of the gateways, and who may follow.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" <<'SQL'
CREATE ROLE ketenpoort LOGIN PASSWORD 'alleen-om-te-proberen';
CREATE DATABASE ketenpoort OWNER ketenpoort ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE ketenpoort FROM PUBLIC;
CREATE ROLE volger REPLICATION LOGIN PASSWORD 'alleen-om-te-proberen';
-- Last, and it counts from the next start: whatever commits after that waits for the standby.
ALTER SYSTEM SET synchronous_standby_names = 'volger';
SQL
echo 'hostssl replication volger all scram-sha-256' >>"$PGDATA/pg_hba.conf"
