//! The only module that names the SQL drivers: connections, pools, migrations and every SQL text of kylo.
//!
//! Handlers see a [`Lease`] or a [`Transaction`] and call the functions of this room; no driver type leaves it.

pub mod census;
pub mod company;
mod connect;
mod database;
mod dsn;
#[cfg(unix)]
pub mod embedded;
mod error;
pub mod ledger;
pub mod migrate;
mod pool;
pub mod posting;
pub mod rollout;
pub mod sheet_posts;
mod tls;

pub use connect::Reached;
pub use database::{create_database, drop_database};
pub use dsn::{Dsn, SslMode};
pub use error::Error;
pub use pool::{Lease, PoolLimits, Pools, Transaction};
