//! A number and its noun.

/// `1 row`, `2 rows`.
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1_usize, "row", "rows"), "1 row");
        assert_eq!(counted(0_u64, "row", "rows"), "0 rows");
        assert_eq!(counted(2_i64, "company", "companies"), "2 companies");
    }
}
