//! What happened, in which order: change events, filters, priorities, a durable log.
