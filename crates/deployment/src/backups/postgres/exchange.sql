-- Nobody comes in between the end of the connections and the renames: they are refused. A
-- template database may not be renamed while somebody is connected.
ALTER DATABASE :"live" WITH ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = :'live';
BEGIN;
ALTER DATABASE :"live" RENAME TO :"replaced";
ALTER DATABASE :"fresh" RENAME TO :"live";
COMMIT;
ALTER DATABASE :"replaced" WITH ALLOW_CONNECTIONS true;
