//! The laws of [`EventLog`] and [`EventBus`] as code: an implementation is conformant if
//! [`check_log`] and [`check_bus`] return. A law that does not hold is a panic that says which.
//!
//! Both need a tokio runtime with a timer.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a law that does not hold is reported by a panic"
)]

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;

use crate::{
    AppendError, ChangeEvent, ChangeType, ConsumeError, Consumer, ConsumerError, ConsumerName,
    DeliveryError, EventBus, EventFilter, EventLog, EventStream, InvalidEvent, LogEntry, OffsetSet,
    Overflow, Position, PublishError, ReadError, Retention, Subscription,
};

/// Gives logs that are new and empty.
pub type MakeLog<'a> = &'a mut dyn FnMut() -> Arc<dyn EventLog>;

/// Gives buses that are new and empty, and refuse after a second or less.
pub type MakeBus<'a> = &'a mut dyn FnMut() -> Arc<dyn EventBus>;

type LogLaw = for<'a> fn(&'a Arc<dyn EventLog>) -> BoxFuture<'a, ()>;
type BusLaw = for<'a> fn(&'a Arc<dyn EventBus>) -> BoxFuture<'a, ()>;

/// Runs every law of a log. To show how events are removed, a log has to have begun to
/// keep them apart after 200 events, if it removes more than one at a time.
pub async fn check_log(make: MakeLog<'_>) {
    let laws: &[LogLaw] = &[
        |log| an_empty_log_has_nothing(log).boxed(),
        |log| events_come_back_as_they_went(log).boxed(),
        |log| a_batch_is_a_group(log).boxed(),
        |log| an_invalid_event_takes_its_batch_with_it(log).boxed(),
        |log| appends_of_many_tasks_have_one_order(log).boxed(),
        |log| positions_are_found(log).boxed(),
        |log| a_reader_is_woken(log).boxed(),
        |log| a_new_consumer_begins_where_it_is_told(log).boxed(),
        |log| acknowledgements_come_in_any_order(log).boxed(),
        |log| consumers_are_apart_and_can_be_removed(log).boxed(),
        |log| wrong_acknowledgements_are_refused(log).boxed(),
        |log| what_a_consumer_waits_for_is_not_removed(log).boxed(),
        |log| a_forced_trim_is_told(log).boxed(),
        |log| old_events_are_removed(log).boxed(),
    ];
    for law in laws {
        law(&make()).await;
    }
}

/// Runs every law of a bus.
pub async fn check_bus(make: MakeBus<'_>) {
    let laws: &[BusLaw] = &[
        |bus| subscribers_get_everything_in_order(bus).boxed(),
        |bus| filters_hold(bus).boxed(),
        |bus| a_subscription_begins_where_it_is_told(bus).boxed(),
        |bus| back_pressure_ends_in_a_refusal(bus).boxed(),
        |bus| lag_is_told_and_can_be_made_good(bus).boxed(),
        |bus| a_subscriber_can_be_given_up(bus).boxed(),
        |bus| slow_and_fast_subscribers_get_the_same(bus).boxed(),
    ];
    for law in laws {
        law(&make()).await;
    }
}

fn event(number: usize) -> ChangeEvent {
    ChangeEvent::node_updated(format!("http://example.org/{number}"))
}

fn events(count: usize) -> Vec<Arc<ChangeEvent>> {
    (0..count).map(event).map(Arc::new).collect()
}

fn name(text: &str) -> ConsumerName {
    ConsumerName::parse(text).expect("the names of the laws are valid")
}

async fn append(log: &Arc<dyn EventLog>, count: usize) {
    log.append(events(count)).await.expect("events are appended");
}

async fn read_all(log: &Arc<dyn EventLog>) -> Vec<LogEntry> {
    let mut all: Vec<LogEntry> = Vec::new();
    loop {
        let from = all.last().map_or(Position::Oldest, |last| Position::Offset(last.offset + 1));
        let read = log.read(from, 7).await.expect("a log can be read");
        assert!(read.len() <= 7, "no more is read than was asked for");
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

fn offsets(entries: &[LogEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.offset).collect()
}

async fn an_empty_log_has_nothing(log: &Arc<dyn EventLog>) {
    assert_eq!((log.bounds().first, log.bounds().end), (0, 0));
    for position in [Position::Oldest, Position::Offset(0), Position::End, Position::Offset(9)] {
        let read = log.read(position, 10).await.expect("an empty log can be read");
        assert!(read.is_empty(), "{position:?}");
    }
    assert!(log.recent(10).is_empty() && log.consumers().is_empty());
    assert_eq!(log.append(Vec::new()).await.expect("nothing can be appended"), 0..0);
}

async fn events_come_back_as_they_went(log: &Arc<dyn EventLog>) {
    let sent = events(20);
    for (number, event) in (0..).zip(&sent) {
        let offsets = log.append(vec![Arc::clone(event)]).await.expect("an event is appended");
        assert_eq!(offsets, number..number + 1);
        assert_eq!(log.bounds().end, number + 1, "it is visible when `append` is ready");
    }
    let read = read_all(log).await;
    assert_eq!(offsets(&read), (0..20).collect::<Vec<_>>());
    assert!(read.iter().zip(&sent).all(|(entry, sent)| entry.event == *sent));
    assert!(read.is_sorted_by_key(|entry| entry.appended_at));
    let recent = log.recent(5);
    assert!(recent.len() <= 5 && read.ends_with(&recent), "the newest are in memory, in order");
}

async fn a_batch_is_a_group(log: &Arc<dyn EventLog>) {
    append(log, 3).await;
    assert_eq!(log.append(events(5)).await.expect("a batch is appended"), 3..8);
    assert_eq!(read_all(log).await.len(), 8);
}

async fn an_invalid_event_takes_its_batch_with_it(log: &Arc<dyn EventLog>) {
    let mut batch = events(2);
    batch.push(Arc::new(ChangeEvent::node_added("")));
    let refused = log.append(batch).await.expect_err("an event without a subject is refused");
    assert!(matches!(refused, AppendError::Invalid(InvalidEvent::NoSubject)), "{refused}");
    assert_eq!(log.bounds().end, 0, "nothing of the batch was appended");
}

async fn appends_of_many_tasks_have_one_order(log: &Arc<dyn EventLog>) {
    let tasks = (0..8).map(|task| {
        let log = Arc::clone(log);
        async move {
            for number in 0..10 {
                let event = Arc::new(event(task * 100 + number));
                log.append(vec![event]).await.expect("an event is appended");
            }
        }
    });
    futures::future::join_all(tasks).await;
    let read = read_all(log).await;
    assert_eq!(offsets(&read), (0..80).collect::<Vec<_>>());
    for task in 0..8 {
        let of_task = |entry: &&LogEntry| {
            (0..10).any(|n| entry.event.subject == event(task * 100 + n).subject)
        };
        let subjects: Vec<_> =
            read.iter().filter(of_task).map(|entry| entry.event.subject.clone()).collect();
        let sent: Vec<_> = (0..10).map(|n| event(task * 100 + n).subject).collect();
        assert_eq!(subjects, sent, "what one task appends stays in its order");
    }
}

async fn positions_are_found(log: &Arc<dyn EventLog>) {
    for _ in 0..4 {
        append(log, 3).await;
    }
    let all = read_all(log).await;
    let from = |position| async move { log.read(position, 100).await.expect("it can be read") };
    assert_eq!(from(Position::Offset(5)).await, all[5..]);
    assert!(from(Position::End).await.is_empty());
    for entry in &all {
        let found = from(Position::Time(entry.appended_at)).await;
        let first = all.iter().position(|other| other.appended_at >= entry.appended_at);
        assert_eq!(found.first(), first.map(|index| &all[index]), "the first of a time is found");
    }
    assert_eq!(from(Position::Time(Timestamp::UNIX_EPOCH)).await, all);
    assert!(from(Position::Time(Timestamp::MAX)).await.is_empty());
}

async fn a_reader_is_woken(log: &Arc<dyn EventLog>) {
    let waiting = log.beyond(2);
    futures::pin_mut!(waiting);
    append(log, 2).await;
    assert!(futures::poll!(&mut waiting).is_pending(), "offset 2 is not there yet");
    append(log, 1).await;
    let bounds = waiting.await.expect("the wait ends");
    assert_eq!(bounds.end, 3);
    log.beyond(0).await.expect("what is there is not waited for");
}

async fn a_new_consumer_begins_where_it_is_told(log: &Arc<dyn EventLog>) {
    append(log, 4).await;
    for (text, start, low) in
        [("a", Position::Oldest, 0), ("b", Position::End, 4), ("c", Position::Offset(2), 2)]
    {
        let known = log.open_consumer(&name(text), start).await.expect("a consumer is opened");
        assert_eq!(known.low(), low);
        let again = log.open_consumer(&name(text), Position::Offset(1)).await;
        assert_eq!(again.expect("it is opened again").low(), low, "and is where it was");
    }
    let beyond = log.open_consumer(&name("d"), Position::Offset(5)).await;
    let told = matches!(beyond, Err(ConsumerError::StartsBeyondEnd { start: 5, end: 4 }));
    assert!(told, "nobody begins where no event will be next: {beyond:?}");
    assert!(!log.consumers().contains_key(&name("d")), "and nothing of it is kept");
}

async fn acknowledgements_come_in_any_order(log: &Arc<dyn EventLog>) {
    append(log, 10).await;
    let open = || Consumer::open(Arc::clone(log), name("worker"), Position::Oldest);
    let mut consumer = open().await.expect("a consumer is opened");
    let batch = consumer.next_batch(100).await.expect("it gets the events");
    assert_eq!(offsets(&batch), (0..10).collect::<Vec<_>>());
    let acknowledger = consumer.acknowledger();
    for wave in [vec![7, 2], vec![0], vec![2, 1, 9]] {
        acknowledger.acknowledge(wave).await.expect("they are acknowledged");
    }
    assert_eq!(log.consumers()[&name("worker")].low(), 3);
    let mut again = open().await.expect("it is opened again");
    let mut rest = Vec::new();
    while rest.len() < 5 {
        rest.extend(again.next_batch(2).await.expect("it gets what is left"));
    }
    assert_eq!(offsets(&rest), [3, 4, 5, 6, 8], "exactly what was not acknowledged, in order");
    let acknowledger = again.acknowledger();
    acknowledger.acknowledge(offsets(&rest)).await.expect("they are acknowledged");
    assert_eq!(log.consumers()[&name("worker")].low(), 10);
}

async fn consumers_are_apart_and_can_be_removed(log: &Arc<dyn EventLog>) {
    append(log, 3).await;
    for text in ["a", "b"] {
        log.open_consumer(&name(text), Position::Oldest).await.expect("a consumer is opened");
    }
    log.acknowledge(&name("a"), OffsetSet::from(0..3)).await.expect("they are acknowledged");
    assert_eq!(log.consumers()[&name("a")].low(), 3);
    assert_eq!(log.consumers()[&name("b")].low(), 0);
    assert!(log.remove_consumer(&name("a")).await.expect("a consumer is removed"));
    assert!(!log.remove_consumer(&name("a")).await.expect("it is not there any more"));
    assert_eq!(log.consumers().into_keys().collect::<Vec<_>>(), [name("b")]);
    let anew = log.open_consumer(&name("a"), Position::Oldest).await;
    assert_eq!(anew.expect("one of that name can be made anew").low(), 0);
}

async fn wrong_acknowledgements_are_refused(log: &Arc<dyn EventLog>) {
    append(log, 3).await;
    let unknown = log.acknowledge(&name("nobody"), OffsetSet::from(0..1)).await;
    assert!(matches!(unknown, Err(ConsumerError::Unknown { .. })), "{unknown:?}");
    log.open_consumer(&name("a"), Position::Oldest).await.expect("a consumer is opened");
    let beyond = log.acknowledge(&name("a"), OffsetSet::from(1..4)).await;
    assert!(matches!(beyond, Err(ConsumerError::BeyondEnd { offset: 3, end: 3 })), "{beyond:?}");
    let known = &log.consumers()[&name("a")];
    assert!(known.low() == 0 && known.above().is_empty(), "nothing of it was taken");
}

async fn what_a_consumer_waits_for_is_not_removed(log: &Arc<dyn EventLog>) {
    for _ in 0..10 {
        append(log, 20).await;
    }
    log.open_consumer(&name("a"), Position::Oldest).await.expect("a consumer is opened");
    let nothing = Retention::everything().with_max_bytes(0);
    let now = Timestamp::now();
    let trimmed = log.trim(Retention::everything(), now).await.expect("a log is trimmed");
    assert_eq!((trimmed.removed, log.bounds().first), (0, 0), "everything is kept by default");
    let trimmed = log.trim(nothing, now).await.expect("a log is trimmed");
    assert_eq!(trimmed.removed, 0, "the consumer waits for all of it");
    assert_eq!(trimmed.held_by, Some(name("a")));
    log.acknowledge(&name("a"), OffsetSet::from(0..150)).await.expect("it is acknowledged");
    let trimmed = log.trim(nothing, now).await.expect("a log is trimmed");
    assert!((1..=150).contains(&trimmed.removed), "{trimmed:?}");
    assert_eq!(trimmed.bounds, log.bounds());
    let first = log.bounds().first;
    assert_eq!(first, trimmed.removed);
    let gone = log.read(Position::Offset(first - 1), 1).await;
    assert!(
        matches!(gone, Err(ReadError::Trimmed { asked, first: kept }) if asked == first - 1 && kept == first),
        "{gone:?}"
    );
    assert_eq!(offsets(&read_all(log).await), (first..200).collect::<Vec<_>>());
}

async fn a_forced_trim_is_told(log: &Arc<dyn EventLog>) {
    for _ in 0..10 {
        append(log, 20).await;
    }
    let open = || Consumer::open(Arc::clone(log), name("a"), Position::Oldest);
    let acknowledger = open().await.expect("a consumer is opened").acknowledger();
    acknowledger.acknowledge([1, 3]).await.expect("they are acknowledged");
    let forced = Retention::everything().with_max_bytes(0).forced();
    let trimmed = log.trim(forced, Timestamp::now()).await.expect("a log is trimmed");
    let first = trimmed.bounds.first;
    assert!(first > 3 && trimmed.held_by.is_none(), "{trimmed:?}");
    append(log, 1).await;
    for _ in 0..2 {
        let mut consumer = open().await.expect("it is opened again");
        let Err(ConsumeError::Lagged(lagged)) = consumer.next_batch(500).await else {
            panic!("the consumer is told what it has missed, each time");
        };
        assert_eq!((lagged.missed, lagged.from, lagged.until), (first - 2, 0, first));
        let batch = consumer.next_batch(500).await.expect("it goes on after that");
        assert_eq!(batch.first().map(|entry| entry.offset), Some(first));
    }
    let mut consumer = open().await.expect("it is opened again");
    if let Err(ConsumeError::Lagged(lagged)) = consumer.next_batch(500).await {
        acknowledger.accept_loss(&lagged).await.expect("it is taken note of");
    }
    let mut consumer = open().await.expect("it is opened again");
    let batch = consumer.next_batch(500).await.expect("it is not told again");
    assert_eq!(batch.first().map(|entry| entry.offset), Some(first));
}

async fn old_events_are_removed(log: &Arc<dyn EventLog>) {
    for _ in 0..10 {
        append(log, 20).await;
    }
    let all = read_all(log).await;
    let newest = all.last().map_or(Timestamp::MIN, |entry| entry.appended_at);
    let keep = Retention::everything().with_max_age(Duration::from_mins(1));
    let soon = newest.saturating_add(Duration::from_secs(30)).unwrap_or(newest);
    let trimmed = log.trim(keep, soon).await.expect("a log is trimmed");
    assert_eq!(trimmed.removed, 0, "nothing is so old");
    let later = newest.saturating_add(Duration::from_secs(90)).unwrap_or(newest);
    let trimmed = log.trim(keep, later).await.expect("a log is trimmed");
    assert!(trimmed.removed > 0, "everything is older");
    append(log, 1).await;
    assert_eq!(log.bounds().end, 201, "offsets go on");
}

/// Waits for `count` events.
async fn next(stream: &mut EventStream, count: usize) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    while entries.len() < count {
        let item = stream.next().await.expect("the subscription goes on");
        entries.push(item.expect("and gives an event"));
    }
    entries
}

async fn publish(bus: &Arc<dyn EventBus>, numbers: std::ops::Range<usize>) {
    for number in numbers {
        bus.publish_batch(vec![event(number)]).await.expect("an event is published");
    }
}

async fn subscribers_get_everything_in_order(bus: &Arc<dyn EventBus>) {
    let mut streams: Vec<_> = (0..3).map(|_| bus.subscribe(Subscription::all())).collect();
    publish(bus, 0..10).await;
    let batch = bus.publish_batch((10..15).map(event).collect()).await;
    assert_eq!(batch.expect("a batch is published"), 10..15);
    for stream in &mut streams {
        let entries = next(stream, 15).await;
        assert_eq!(offsets(&entries), (0..15).collect::<Vec<_>>());
        assert!((0..15).all(|number| entries[number].event.subject == event(number).subject));
    }
}

async fn filters_hold(bus: &Arc<dyn EventBus>) {
    let filter = EventFilter::all().with_changes([ChangeType::SchemaChanged]);
    let mut stream = bus.subscribe(Subscription::all().with_filter(filter));
    publish(bus, 0..5).await;
    let wanted = ChangeEvent::new(ChangeType::SchemaChanged, "http://example.org/schema");
    bus.publish_batch(vec![wanted.clone()]).await.expect("an event is published");
    assert_eq!(*next(&mut stream, 1).await[0].event, wanted);
}

async fn a_subscription_begins_where_it_is_told(bus: &Arc<dyn EventBus>) {
    publish(bus, 0..5).await;
    for (start, first) in [(Position::Oldest, 0), (Position::Offset(3), 3), (Position::End, 5)] {
        let mut stream = bus.subscribe(Subscription::all().with_start(start));
        if start == Position::End {
            publish(bus, 5..6).await;
        }
        assert_eq!(next(&mut stream, 1).await[0].offset, first);
    }
}

async fn back_pressure_ends_in_a_refusal(bus: &Arc<dyn EventBus>) {
    let slow = Overflow::BackPressure { capacity: 4 };
    let mut stream = bus.subscribe(Subscription::all().with_overflow(slow));
    publish(bus, 0..4).await;
    let refused = bus.publish_batch(vec![event(4)]).await.expect_err("there is no room");
    assert!(matches!(refused, PublishError::SlowSubscriber { .. }), "{refused}");
    assert!(refused.is_refusal());
    let waiting = bus.publish_batch(vec![event(4)]);
    futures::pin_mut!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending(), "the publisher waits");
    assert_eq!(offsets(&next(&mut stream, 1).await), [0]);
    waiting.await.expect("room for one was made");
    assert_eq!(offsets(&next(&mut stream, 4).await), [1, 2, 3, 4], "nothing is lost or doubled");
    publish(bus, 5..6).await;
    drop(stream);
    publish(bus, 6..20).await;
}

async fn lag_is_told_and_can_be_made_good(bus: &Arc<dyn EventBus>) {
    let mut stream =
        bus.subscribe(Subscription::all().with_overflow(Overflow::Lag { capacity: 3 }));
    publish(bus, 0..10).await;
    let told = stream.next().await.expect("the subscription goes on");
    let Err(DeliveryError::Lagged(lagged)) = told else { panic!("lag is told: {told:?}") };
    assert_eq!((lagged.missed, lagged.from, lagged.until), (7, 0, 7));
    assert_eq!(offsets(&next(&mut stream, 3).await), [7, 8, 9]);
    let start = Position::Offset(lagged.from);
    let mut missed = bus.subscribe(Subscription::all().with_start(start));
    assert_eq!(offsets(&next(&mut missed, 7).await), (0..7).collect::<Vec<_>>());
}

async fn a_subscriber_can_be_given_up(bus: &Arc<dyn EventBus>) {
    let within = Duration::from_millis(20);
    let slow = Overflow::GiveUp { capacity: 2, within };
    let mut stream = bus.subscribe(Subscription::all().with_overflow(slow));
    publish(bus, 0..6).await;
    let told = stream.next().await.expect("the subscriber is told");
    assert!(matches!(told, Err(DeliveryError::TooSlow { from: 0 })), "{told:?}");
    assert!(stream.next().await.is_none(), "and the subscription has ended");
}

async fn slow_and_fast_subscribers_get_the_same(bus: &Arc<dyn EventBus>) {
    let mut fast = bus.subscribe(Subscription::all());
    let mut slow = bus.subscribe(Subscription::all());
    let mut from_fast = Vec::new();
    for number in 0..50 {
        publish(bus, number..number + 1).await;
        from_fast.extend(next(&mut fast, 1).await);
    }
    assert_eq!(next(&mut slow, 50).await, from_fast);
}
