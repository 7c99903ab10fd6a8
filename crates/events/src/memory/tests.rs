use std::sync::Arc;
use std::time::Duration;

use crate::{
    AppendError, ChangeEvent, ConsumerError, ConsumerName, EventLog, MemoryLog, OffsetSet,
    Position, ReadError, conformance,
};

fn events(count: usize) -> Vec<Arc<ChangeEvent>> {
    (0..count).map(|n| Arc::new(ChangeEvent::node_added(format!("urn:{n}")))).collect()
}

fn name() -> ConsumerName {
    ConsumerName::parse("worker").unwrap()
}

#[tokio::test]
async fn it_is_conformant() {
    conformance::check_log(&mut || Arc::new(MemoryLog::default())).await;
    conformance::check_log(&mut || Arc::new(Arc::new(MemoryLog::default()))).await;
    conformance::check_log(&mut || Arc::new(Box::new(MemoryLog::default()))).await;
}

#[tokio::test]
async fn it_keeps_the_newest() {
    let log = MemoryLog::new(3, Duration::from_millis(1));
    log.append(events(2)).await.unwrap();
    log.append(events(2)).await.unwrap();
    assert_eq!((log.bounds().first, log.bounds().end), (1, 4));
    assert!(matches!(
        log.read(Position::Offset(0), 9).await,
        Err(ReadError::Trimmed { asked: 0, first: 1 })
    ));
    assert_eq!(log.append(events(7)).await.unwrap(), 4..11, "too many at once are taken whole");
    assert_eq!(log.bounds().first, 4);
    log.append(events(1)).await.unwrap();
    assert_eq!((log.bounds().first, log.bounds().end), (9, 12));
}

#[tokio::test]
async fn it_waits_for_a_consumer_and_then_refuses() {
    let log = MemoryLog::new(2, Duration::from_millis(5));
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    log.append(events(2)).await.unwrap();
    let refused = log.append(events(1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Full { .. }) && refused.is_refusal());
    assert_eq!(refused.to_string(), "the log has had no room for 5 ms");
    let waiting = log.append(events(1));
    futures::pin_mut!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    log.acknowledge(&name(), OffsetSet::from(0..1)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), 2..3);
    assert!(log.append(events(1)).await.is_err());
    log.remove_consumer(&name()).await.unwrap();
    log.append(events(1)).await.unwrap();
}

#[tokio::test]
async fn a_consumer_has_a_bounded_number_of_gaps() {
    let log = MemoryLog::new(200_000, Duration::from_millis(5));
    log.append(events(140_000)).await.unwrap();
    log.open_consumer(&name(), Position::Oldest).await.unwrap();
    let odd = |until: u64| (0..until).map(|n| 2 * n + 1).collect::<OffsetSet>();
    log.acknowledge(&name(), odd(65_536)).await.unwrap();
    let refused = log.acknowledge(&name(), odd(65_537)).await.unwrap_err();
    assert!(matches!(refused, ConsumerError::TooManyGaps { limit: 65_536, .. }));
    log.acknowledge(&name(), OffsetSet::from(0..65_536)).await.unwrap();
    log.acknowledge(&name(), odd(65_537)).await.unwrap();
}

#[tokio::test]
async fn a_closed_log_ends_waits_and_takes_nothing() {
    let log = MemoryLog::default();
    log.append(events(1)).await.unwrap();
    let waiting = log.beyond(1);
    futures::pin_mut!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    log.close();
    assert!(matches!(waiting.await, Err(ReadError::Closed)));
    assert!(matches!(log.append(events(1)).await, Err(AppendError::Closed)));
    assert_eq!(log.read(Position::Oldest, 9).await.unwrap().len(), 1);
}

#[test]
fn names_of_consumers_are_checked() {
    for wrong in ["", "A", "a b", "ä", &"x".repeat(65)] {
        let error = ConsumerName::parse(wrong).unwrap_err();
        assert!(error.to_string().contains("no name for a consumer"));
        assert!(serde_json::from_str::<ConsumerName>(&format!("{wrong:?}")).is_err());
    }
    let name = ConsumerName::parse("a-1_b.c").unwrap();
    assert_eq!(
        (name.as_str(), serde_json::to_string(&name).unwrap()),
        ("a-1_b.c", "\"a-1_b.c\"".into())
    );
}
