#!/bin/bash
# One database and one role for each service; no role may enter another's database.
#
# The image runs this when its volume is empty. For a service that came later, and after a change of
# TROUSSEAU_PASSWORD: docker compose up -d postgres, then
#   docker compose exec postgres bash /docker-entrypoint-initdb.d/10-services.sh
set -euo pipefail

for service in ordering delivery repairs handover enrolment tracking; do
  psql --no-psqlrc --quiet --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
    --set=ON_ERROR_STOP=1 --set=service="$service" --set=password="$TROUSSEAU_PASSWORD" <<'SQL'
SELECT format('CREATE ROLE %I', :'service')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'service') \gexec
ALTER ROLE :"service" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'service', :'service')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'service') \gexec
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
SQL
done
