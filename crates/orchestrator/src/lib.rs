//! When is what done? Queue, cycles, limits, health, tuning.
