//! kylo: one toolkit for the people who run an event bus on Kafka or Redpanda.
//!
//! The binary is one call into [`main`]. Users of the library find the consumer runtime in [`engine`] and the
//! built-in handlers in [`handlers`]. ARCHITECTURE.md says what each module is for and what it may use.

pub mod app;
pub mod consent;
pub mod engine;
pub mod error;
pub mod handlers;
pub mod http;
pub mod kafka;
pub mod model;
#[doc(hidden)]
pub mod mutants;
pub mod postgres;
pub mod settings;
pub mod sheets;
pub mod shutdown;
pub mod ui;

mod cli;
mod commands;

pub use cli::main;
