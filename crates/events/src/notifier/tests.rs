use std::sync::Arc;
use std::time::Duration;

use futures::stream::FusedStream;
use futures::{FutureExt, StreamExt};
use uuid::Uuid;

use crate::{
    ChangeEvent, ChangeType, Durability, EventBus, EventFilter, EventLog, GraphChangeNotifier,
    HistoryQuery, MemoryLog, Overflow, Position, PublishError, SegmentLog, SegmentSettings,
    Subscription, conformance,
};

fn quick(log: Arc<dyn EventLog>) -> GraphChangeNotifier {
    let builder = GraphChangeNotifier::builder().with_log(log);
    builder.with_patience(Duration::from_millis(50)).build().unwrap()
}

fn event(number: u32) -> ChangeEvent {
    ChangeEvent::node_added(format!("urn:{number}"))
}

#[tokio::test]
async fn it_is_conformant_in_memory() {
    conformance::check_bus(&mut || Arc::new(quick(Arc::new(MemoryLog::default())))).await;
    conformance::check_bus(&mut || Arc::new(Arc::new(quick(Arc::new(MemoryLog::default()))))).await;
}

#[tokio::test]
async fn it_is_conformant_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conformance::check_bus(&mut || {
        number += 1;
        let settings = SegmentSettings::default().with_durability(Durability::Process);
        let log = SegmentLog::open(&folder.path().join(number.to_string()), settings).unwrap();
        Arc::new(Box::new(quick(Arc::new(log))))
    })
    .await;
}

#[tokio::test]
async fn the_history_can_be_asked() {
    let notifier = GraphChangeNotifier::builder().with_history(4).build().unwrap();
    let cause = Uuid::from_u128(7);
    for number in 0..6 {
        let mut event =
            event(number).with_time(jiff::Timestamp::from_second(number.into()).unwrap());
        if number % 2 == 1 {
            event = event.with_correlation(cause);
        }
        notifier.publish(event).await.unwrap();
    }
    let asked = |query: &HistoryQuery| {
        let entries = notifier.history(query);
        entries.iter().map(|entry| entry.offset).collect::<Vec<_>>()
    };
    let at = |second| jiff::Timestamp::from_second(second).unwrap();
    assert_eq!(asked(&HistoryQuery::all()), [2, 3, 4, 5], "no more than the history");
    assert_eq!(asked(&HistoryQuery::all().with_limit(2)), [4, 5]);
    assert_eq!(asked(&HistoryQuery::all().since(at(3)).before(at(5))), [3, 4]);
    assert_eq!(asked(&HistoryQuery::all().with_correlation(cause)), [3, 5]);
    let prefix = EventFilter::all().with_prefix("urn:4");
    assert_eq!(asked(&HistoryQuery::all().with_filter(prefix)), [4]);
}

#[tokio::test]
async fn streams_end_with_the_last_notifier() {
    let notifier = GraphChangeNotifier::default();
    let clone = notifier.clone();
    let mut stream = notifier.subscribe(Subscription::all());
    let mut waiting = notifier.subscribe(Subscription::all().with_start(Position::Offset(1)));
    assert!(waiting.next().now_or_never().is_none());
    notifier.publish(event(0)).await.unwrap();
    drop(notifier);
    clone.publish(event(1)).await.unwrap();
    drop(clone);
    assert_eq!(stream.by_ref().count().await, 2, "what was published is given first");
    assert!(stream.is_terminated() && stream.next().await.is_none());
    assert_eq!(waiting.next_batch().await.unwrap().unwrap().len(), 1);
    assert!(waiting.next_batch().await.is_none());
}

#[tokio::test]
async fn streams_end_with_the_log() {
    let log = Arc::new(MemoryLog::default());
    let notifier = quick(log.clone());
    let mut stream = notifier.subscribe(Subscription::all());
    assert!(stream.next().now_or_never().is_none());
    log.close();
    assert!(stream.next().await.is_none());
    assert!(matches!(notifier.publish(event(0)).await, Err(PublishError::Log(_))));
    assert_eq!(notifier.counters().refused, 1);
}

#[tokio::test]
async fn everything_is_counted() {
    let notifier = quick(Arc::new(MemoryLog::default()));
    let filter = EventFilter::all().with_changes([ChangeType::NodeAdded]);
    let mut picky = notifier.subscribe(Subscription::all().with_filter(filter).with_batch(1));
    let give_up = Overflow::GiveUp { capacity: 1, within: Duration::from_millis(1) };
    let mut slow = notifier.subscribe(Subscription::all().with_overflow(give_up));
    let lag = Overflow::Lag { capacity: 1 };
    let mut late = notifier.subscribe(Subscription::all().with_overflow(lag));
    notifier.publish_batch(vec![event(0), ChangeEvent::node_removed("urn:0")]).await.unwrap();
    notifier.publish(event(1)).await.unwrap();
    assert_eq!(picky.next().await.unwrap().unwrap().offset, 0);
    assert_eq!(picky.next_batch().await.unwrap().unwrap()[0].offset, 2);
    assert!(slow.next_batch().await.unwrap().is_err());
    assert!(late.next().await.unwrap().is_err());
    let counters = notifier.counters();
    assert_eq!((counters.published, counters.refused, counters.delivered), (3, 0, 2));
    assert_eq!((counters.filtered, counters.missed), (1, 2));
    assert_eq!((counters.given_up, counters.waits), (1, 1));
}

/// A filter that lets nothing pass must not hold publishers up while it is read.
#[tokio::test]
async fn what_is_filtered_makes_room_too() {
    let notifier = quick(Arc::new(MemoryLog::default()));
    let filter = EventFilter::all().with_prefix("urn:9");
    let subscription = Subscription::all()
        .with_filter(filter)
        .with_overflow(Overflow::BackPressure { capacity: 2 });
    let mut stream = notifier.subscribe(subscription);
    for number in 0..9 {
        assert!(stream.next().now_or_never().is_none());
        notifier.publish(event(number)).await.unwrap();
    }
    notifier.publish(event(9)).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().offset, 9);
}

#[tokio::test]
async fn a_batch_that_is_too_large_waits_until_all_is_read() {
    let notifier = quick(Arc::new(MemoryLog::default()));
    let slow = Overflow::BackPressure { capacity: 2 };
    let mut stream = notifier.subscribe(Subscription::all().with_overflow(slow));
    let batch = || (0..5).map(event).collect::<Vec<_>>();
    notifier.publish_batch(batch()).await.unwrap();
    assert!(notifier.publish_batch(batch()).await.unwrap_err().is_refusal());
    assert_eq!(stream.next_batch().await.unwrap().unwrap().len(), 5);
    notifier.publish_batch(batch()).await.unwrap();
}

#[tokio::test]
async fn a_subscription_can_begin_at_a_time() {
    let notifier = quick(Arc::new(MemoryLog::default()));
    notifier.publish(event(0)).await.unwrap();
    let now = notifier.log().recent(1)[0].appended_at;
    let later = now + Duration::from_millis(2);
    let start = Subscription::all().with_start(Position::Time(now));
    assert_eq!(notifier.subscribe(start).next().await.unwrap().unwrap().offset, 0);
    let start = Subscription::all().with_start(Position::Time(later));
    let mut stream = notifier.subscribe(start);
    assert!(stream.next().now_or_never().is_none());
    let mut number = 0;
    let first = loop {
        number += 1;
        notifier.publish(event(number)).await.unwrap();
        if let Some(first) = stream.next().now_or_never() {
            break first.unwrap().unwrap();
        }
    };
    assert!(first.appended_at >= later);
}

#[tokio::test]
async fn readers_of_a_trimmed_log_are_told() {
    let notifier = quick(Arc::new(MemoryLog::new(2, Duration::from_millis(1))));
    let mut stream = notifier.subscribe(Subscription::all());
    for number in 0..5 {
        notifier.publish(event(number)).await.unwrap();
    }
    let told = stream.next().await.unwrap().unwrap_err();
    assert_eq!(told.to_string(), "3 events from offset 0 up to 3 were missed");
    assert_eq!(stream.next().await.unwrap().unwrap().offset, 3);
}

#[test]
fn absurd_settings_are_named() {
    let builder = GraphChangeNotifier::builder;
    let wrong = builder().with_history(usize::MAX).build().err().unwrap();
    assert_eq!(wrong.field, "history");
    assert_eq!(builder().with_patience(Duration::ZERO).build().err().unwrap().field, "patience");
}

#[tokio::test]
async fn a_bus_can_be_chosen_at_run_time() {
    let bus: Box<dyn EventBus> = Box::new(GraphChangeNotifier::default());
    let mut stream = bus.subscribe(Subscription::default());
    assert_eq!(bus.publish_batch(vec![event(0)]).await.unwrap(), 0..1);
    assert!(stream.next().await.unwrap().is_ok());
}
