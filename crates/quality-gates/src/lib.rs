//! May this change set pass? Gates over proposed artifacts.
