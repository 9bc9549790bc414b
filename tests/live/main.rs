//! Live tests: the real binary on a real Kafka and a real PostgreSQL. `make test` starts both.
//!
//! Every test has a world of its own (a database, topics, groups, a folder), so that they run side by side and
//! leave nothing behind. Without servers they fail: no test passes by not running.

mod support;

mod demo;
mod killed;
mod ledger;
mod looking;
mod made_again;
mod metrics;
mod newcomer;
mod own_consumer;
mod poison;
mod postgres;
mod posting;
mod prompt;
mod send;
mod smoke;
