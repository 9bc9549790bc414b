//! The switch of the planted bugs that prove the tests awake; compiled in only with the feature `mutants`.
//!
//! A hook asks [`planted`] by name. Without the feature the answer is a constant `false`, and the hook is gone.

#[cfg(feature = "mutants")]
use std::sync::OnceLock;

/// True when the bug `name` was asked for by `KYLO_MUTANT`.
#[cfg(feature = "mutants")]
pub fn planted(name: &str) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("KYLO_MUTANT").ok()).as_deref() == Some(name)
}

/// No bug is planted.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub const fn planted(_name: &str) -> bool {
    false
}
