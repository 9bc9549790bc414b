//! Values and decisions: no I/O, no async, no clap. Everybody may use it.

pub mod clock;
pub mod company;
pub mod company_file;
pub mod count;
pub mod groups;
pub mod ledger;
pub mod metrics;
pub mod migration;
pub mod murmur2;
pub mod offsets;
pub mod pipeline;
pub mod posting;
pub mod record;
pub mod record_json;
pub mod replay;
pub mod secret;
pub mod suggest;
pub mod topic;
