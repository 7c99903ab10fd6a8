//! Recording allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use evergen_telemetry::{
    Body, Costs, ErrorKind, MemorySink, TelemetryCollector, TelemetryConfig, TelemetryEvent,
    TraceParent,
};
use uuid::Uuid;

thread_local! {
    /// What this thread has asked for: the collector's own threads may allocate.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator can't be written without; it only hands on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// Events of several kinds with everything that can be said without a detail.
fn record_some(collector: &TelemetryCollector, count: u64) {
    let id = Uuid::from_u128(7);
    let trace = TraceParent::from_correlation(Uuid::from_u128(u128::MAX));
    for number in 0..count {
        let took = Duration::from_nanos(number * 997);
        let costs = Costs::default().cpu(took).written(number).tokens(1, 2, 3);
        let event = TelemetryEvent::new("engine", Body::Render)
            .succeeded(took)
            .cycle(id)
            .event(id)
            .costs(costs);
        collector.record(trace.map_or(event.clone(), |trace| event.trace(trace)));
        collector
            .record(TelemetryEvent::new("gates", Body::GateChecked).failed(took, ErrorKind::Gate));
        collector.record(TelemetryEvent::new(
            "queue",
            Body::QueueSampled { depth: number, capacity: 9 },
        ));
        collector.record(TelemetryEvent::new("llm", Body::CacheLookedUp { hits: 1, misses: 1 }));
    }
}

#[test]
fn even_the_first_event_of_a_thread_allocates_nothing() {
    let collector = TelemetryCollector::new(TelemetryConfig::default()).unwrap();
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1_u8)))) > 0, "the allocator counts");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(allocations(|| record_some(&collector, 1000)), 0));
        }
    });
    assert_eq!(collector.get_metrics().total().outcomes().all(), 0);
    assert_eq!(collector.get_metrics().total().components["engine"].all(), 3000);
}

#[test]
fn neither_does_it_with_sinks_and_full_queues() {
    let mut config = TelemetryConfig::default();
    config.queue_capacity = 64;
    let collector = TelemetryCollector::builder(config).sink(MemorySink::new(10)).start().unwrap();
    assert_eq!(allocations(|| record_some(&collector, 10_000)), 0);
    assert_eq!(collector.get_metrics().total().components["engine"].all(), 10_000);
}
