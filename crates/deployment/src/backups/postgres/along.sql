-- Gives owner, settings and grants of the current database to :fresh.
SELECT format('ALTER DATABASE %I OWNER TO %I', :'fresh', r.rolname)
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = current_database()
\gexec
SELECT format('ALTER DATABASE %I SET %I FROM CURRENT', :'fresh', split_part(entry, '=', 1))
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS entry
WHERE d.datname = current_database() AND s.setrole = 0
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'fresh')
FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL
\gexec
SELECT format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, :'fresh',
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END)
FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE d.datname = current_database()
\gexec
