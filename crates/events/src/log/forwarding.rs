//! A pointer to a log is a log.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::{
    Acknowledged, AppendError, Bounds, ChangeEvent, ConsumerError, ConsumerName, EventLog,
    LogEntry, OffsetSet, Position, ReadError, Retention, Trimmed,
};

macro_rules! forward {
    ($pointer:ident) => {
        impl<L: EventLog + ?Sized> EventLog for $pointer<L> {
            fn append(
                &self,
                events: Vec<Arc<ChangeEvent>>,
            ) -> BoxFuture<'_, Result<Range<u64>, AppendError>> {
                (**self).append(events)
            }

            fn read(
                &self,
                from: Position,
                max: usize,
            ) -> BoxFuture<'_, Result<Vec<LogEntry>, ReadError>> {
                (**self).read(from, max)
            }

            fn recent(&self, max: usize) -> Vec<LogEntry> {
                (**self).recent(max)
            }

            fn bounds(&self) -> Bounds {
                (**self).bounds()
            }

            fn beyond(&self, offset: u64) -> BoxFuture<'_, Result<Bounds, ReadError>> {
                (**self).beyond(offset)
            }

            fn open_consumer(
                &self,
                consumer: &ConsumerName,
                start: Position,
            ) -> BoxFuture<'_, Result<Acknowledged, ConsumerError>> {
                (**self).open_consumer(consumer, start)
            }

            fn acknowledge(
                &self,
                consumer: &ConsumerName,
                offsets: OffsetSet,
            ) -> BoxFuture<'_, Result<(), ConsumerError>> {
                (**self).acknowledge(consumer, offsets)
            }

            fn remove_consumer(
                &self,
                consumer: &ConsumerName,
            ) -> BoxFuture<'_, Result<bool, ConsumerError>> {
                (**self).remove_consumer(consumer)
            }

            fn consumers(&self) -> BTreeMap<ConsumerName, Acknowledged> {
                (**self).consumers()
            }

            fn trim(
                &self,
                retention: Retention,
                now: Timestamp,
            ) -> BoxFuture<'_, Result<Trimmed, ReadError>> {
                (**self).trim(retention, now)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
