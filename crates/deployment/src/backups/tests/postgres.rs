use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::server::Server;
use super::{chain, context, damage, names};
use crate::{BackupError, BackupProvider, PostgresBackup, SecretRef};

const SCHEMA: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE orders (id bigserial PRIMARY KEY, customer int REFERENCES customers, placed timestamptz DEFAULT now(), price numeric(10, 2), raw bytea, tags text[]);
    CREATE INDEX by_customer ON orders (customer);
    CREATE VIEW totals AS SELECT customer, sum(price) FROM orders GROUP BY customer;
    CREATE SCHEMA \"Odd ' Name\";
    CREATE TABLE \"Odd ' Name\".\"select\" (\"from\" text);
    INSERT INTO \"Odd ' Name\".\"select\" VALUES ('tab\t, line\n, é');
    INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 100) i;
    INSERT INTO orders (customer, price, raw, tags) SELECT 1 + i % 100, i / 7.0, decode(md5(i::text), 'hex'), ARRAY['a', i::text] FROM generate_series(1, 3000) i;
    ALTER DATABASE app SET statement_timeout = '77s';
    GRANT CONNECT ON DATABASE app TO pg_monitor;
";

fn started() -> Option<(Server, PostgresBackup)> {
    let server = Server::start()?;
    server.sql("app", SCHEMA);
    let backups = server.path("backups");
    let backups = PostgresBackup::new("orders", server.settings(), backups).unwrap();
    Some((server, backups))
}

/// No database of a trial is left.
fn assert_clean(server: &Server) {
    let left =
        server.sql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'evergen%'");
    assert_eq!(left, "");
}

#[tokio::test]
async fn a_database_is_kept_while_it_is_written_proven_and_brought_back() {
    let Some((server, backups)) = started() else { return };
    // A writer that commits all the time.
    let mut writer = server
        .psql("app")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = writer.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        for number in 0..2000 {
            let line = format!("INSERT INTO orders (customer, price) VALUES (1, {number});\n");
            if input.write_all(line.as_bytes()).is_err() {
                break;
            }
        }
    });
    let kept = backups.backup(&context()).await.unwrap();
    let rows: u64 = server.sql("app", "SELECT count(*) FROM orders").parse().unwrap();
    let proof = backups.prove(&kept).await.unwrap();
    assert!(proof.compared.contains("3 × table"), "{}", proof.compared);
    writer.kill().unwrap();
    writer.wait().unwrap();
    feeder.join().unwrap();
    assert!(rows >= 3000);
    assert_clean(&server);

    server.sql(
        "app",
        "DROP VIEW totals; DROP TABLE orders; CREATE TABLE later (x int); DELETE FROM customers",
    );
    backups.restore(&kept).await.unwrap();
    let after: u64 = server.sql("app", "SELECT count(*) FROM orders").parse().unwrap();
    assert!((3000..=5000).contains(&after), "{after}");
    assert_eq!(server.sql("app", "SELECT count(*) FROM customers"), "100");
    assert_eq!(server.sql("app", "SELECT to_regclass('later') IS NULL"), "t");
    assert_eq!(server.sql("app", "SHOW statement_timeout"), "77s");
    let granted = "SELECT has_database_privilege('pg_monitor', 'app', 'CONNECT')";
    assert_eq!(server.sql("app", granted), "t");
    assert_eq!(server.sql("app_replaced", "SELECT to_regclass('later') IS NOT NULL"), "t");
    assert_clean(&server);
    backups.restore(&kept).await.unwrap();
    let again: u64 = server.sql("app", "SELECT count(*) FROM orders").parse().unwrap();
    assert_eq!(again, after);
}

#[tokio::test]
async fn a_damaged_dump_is_told_and_the_database_stays() {
    let Some((server, backups)) = started() else { return };
    let kept = backups.backup(&context()).await.unwrap();
    // One that was damaged before its digest was taken, as by bad memory: only a restore shows it.
    let data = Path::new(&kept.location).join("data");
    let whole = std::fs::read(&data).unwrap();
    std::fs::write(&data, &whole[..whole.len() / 2]).unwrap();
    let forged = resealed(&kept);
    let error = backups.prove(&forged).await.unwrap_err();
    assert!(matches!(error, BackupError::NotProven { .. }), "{}", chain(&error));
    let error = backups.restore(&forged).await.unwrap_err();
    assert!(chain(&error).contains("pg_restore"), "{}", chain(&error));
    std::fs::write(&data, &whole).unwrap();
    damage(&kept, "data");
    for error in [backups.prove(&kept).await.map(|_| ()), backups.restore(&kept).await] {
        assert!(matches!(error, Err(BackupError::Damaged { .. })), "{error:?}");
    }
    assert_eq!(server.sql("app", "SELECT count(*) FROM orders"), "3000");
    assert_clean(&server);
}

/// The backup with a manifest and a digest that fit its data.
fn resealed(kept: &crate::BackupRef) -> crate::BackupRef {
    let place = Path::new(&kept.location);
    let path = place.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let digest = crate::backups::shelf::digest(&place.join("data")).unwrap();
    manifest["files"]["data"] = digest.into();
    let text = serde_json::to_vec_pretty(&manifest).unwrap();
    std::fs::write(path, &text).unwrap();
    kept.clone().with_content(kept.bytes, evergen_artifact::Digest::of(&text).to_string())
}

#[tokio::test]
async fn a_wrong_password_shows_no_password_and_leaves_nothing() {
    let Some((server, _)) = started() else { return };
    let path = server.path("wrong");
    std::fs::write(&path, "wr0ng-horse").unwrap();
    let settings = server.settings().with_password(SecretRef::File(path));
    let folder = server.path("others");
    let backups = PostgresBackup::new("orders", settings, &folder).unwrap();
    let error = backups.backup(&context()).await.unwrap_err();
    let shown = format!("{} {error:?} {backups:?}", chain(&error));
    assert!(shown.contains("password authentication failed"), "{shown}");
    assert!(!shown.contains("wr0ng-horse"), "{shown}");
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let Some((server, _)) = started() else { return };
    server.sql("app", "INSERT INTO orders (customer, raw) SELECT 1, decode(md5(i::text) || md5((-i)::text), 'hex') FROM generate_series(1, 40000) i");
    let folder = server.path("small");
    std::fs::create_dir(&folder).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "small"])
        .arg(&folder)
        .output();
    if !mounted.is_ok_and(|done| done.status.success()) {
        println!("skipped: a small file system can't be mounted; run as root");
        return;
    }
    let backups = PostgresBackup::new("orders", server.settings(), &folder).unwrap();
    let result = backups.backup(&context()).await;
    let left = names(&folder);
    assert!(Command::new("umount").arg(&folder).status().unwrap().success());
    let error = result.unwrap_err();
    assert!(chain(&error).contains("No space left on device"), "{}", chain(&error));
    assert_eq!(left, Vec::<String>::new());
}
