use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::{chain, context, damage, names};
use crate::{BackupError, BackupProvider, SqliteBackup};

fn database(folder: &std::path::Path) -> (SqliteBackup, Connection) {
    let path = folder.join("app.db");
    let connection = Connection::open(&path).unwrap();
    let setup = "PRAGMA journal_mode = wal; CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT, price REAL, raw BLOB);
        CREATE INDEX by_what ON orders (what);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO orders SELECT i, 'thing ' || i, i / 3.0, randomblob(20) FROM n;";
    connection.execute_batch(setup).unwrap();
    (SqliteBackup::new("orders", path, folder.join("backups")), connection)
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_database_is_kept_while_it_is_written_and_brought_back_where_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (backups, connection) = database(folder.path());
    let stop = Arc::new(AtomicBool::new(false));
    let (path, stopped) = (folder.path().join("app.db"), Arc::clone(&stop));
    let writer = std::thread::spawn(move || {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        let mut written = 0;
        while !stopped.load(Ordering::SeqCst) {
            connection.execute("INSERT INTO orders (what) VALUES ('meanwhile')", []).unwrap();
            written += 1;
        }
        written
    });
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(backups.backup(&context()).await.unwrap());
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writer.join().unwrap() > 0);
    for kept in &kept {
        let proof = backups.prove(kept).await.unwrap();
        assert!(proof.compared.starts_with("1 × index, 1 × table, 2"), "{}", proof.compared);
    }
    connection.execute_batch("DELETE FROM orders; CREATE TABLE later (x)").unwrap();
    backups.restore(&kept[0]).await.unwrap();
    assert!(count(&connection) >= 2000);
    assert!(connection.prepare("SELECT * FROM later").is_err());
}

#[tokio::test]
async fn damage_and_strange_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (backups, connection) = database(folder.path());
    let kept = backups.backup(&context()).await.unwrap();
    damage(&kept, "data");
    connection.execute_batch("DELETE FROM orders WHERE id > 10").unwrap();
    assert!(matches!(backups.prove(&kept).await, Err(BackupError::Damaged { .. })));
    assert!(matches!(backups.restore(&kept).await, Err(BackupError::Damaged { .. })));
    assert_eq!(count(&connection), 10);

    let path = folder.path().join("text");
    std::fs::write(
        &path,
        "this is no database, and long enough to look like one at first ".repeat(20),
    )
    .unwrap();
    let strange = SqliteBackup::new("strange", path, folder.path().join("others"));
    let error = strange.backup(&context()).await.unwrap_err();
    let wanted = "backup provider `strange` can't keep a database: file is not a database";
    assert!(chain(&error).starts_with(wanted), "{}", chain(&error));
    assert_eq!(names(&folder.path().join("others")), Vec::<String>::new());
}
