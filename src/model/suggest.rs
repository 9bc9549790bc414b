//! "did you mean": the known name nearest to the one that was typed.

/// The nearest of `among` to `typed`, when it is near enough to be a typo rather than another word.
pub fn nearest<'a>(typed: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    among
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&typed, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// The line of a hint: ``did you mean `txns`?``
pub fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// The error for a `what` (topic, group) of a name that does not exist among `known`, with a hint that names the
/// nearest one, or else `list`, the command that shows them.
pub fn not_found<'a>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> crate::error::Error {
    let error = crate::error::Error::failed(format!("{what} {name:?} does not exist"));
    match nearest(name, known) {
        Some(near) => error.hint(did_you_mean(near)),
        None => error.hint(format!("`{list}` shows those that do")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_near_and_other_words_are_not() {
        let names = ["txns", "promote", "kafka.brokers", "database.url"];
        let table = [
            ("txn", Some("txns")),
            ("TXNS", Some("txns")),
            ("promot", Some("promote")),
            ("kafka.broker", Some("kafka.brokers")),
            ("databse.url", Some("database.url")),
            ("zebra", None),
            ("", None),
        ];
        for (typed, expected) in table {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
    }
}
