//! How we go on when something fails: retry, breakers, bulkheads, limits, fallbacks, checkpoints.
