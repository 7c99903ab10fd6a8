mod bulkhead;
mod rate;
mod semaphore;
mod timeout;

#[cfg(test)]
mod tests;

pub use self::bulkhead::{Bulkhead, BulkheadPermit, BulkheadRefusal, BulkheadSettings};
pub use self::rate::{RateLimit, RateLimitSettings, RateLimited};
pub use self::timeout::{TimedOut, Timeout};
