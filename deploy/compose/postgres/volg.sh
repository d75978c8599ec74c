#!/bin/sh
# A standby: a copy of the primary the first time, then following it under the name that the primary waits for.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -m 0700 -o postgres -g postgres "$PGDATA"
  su postgres -c "PGPASSWORD='$POSTGRES_PASSWORD' pg_basebackup -h primair -U volger -D '$PGDATA' -X stream -R \
    -d 'application_name=volger sslmode=require'"
fi
# The copy took over whom the primary waits for: once promoted, this one would wait for itself.
exec docker-entrypoint.sh postgres -csynchronous_standby_names= -chot_standby=on -cssl=on -cssl_cert_file=/tls/server.pem -cssl_key_file=/tls/server.key
