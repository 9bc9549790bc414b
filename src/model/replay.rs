//! Which dead letters a replay sends back, and where to: decided per letter, without looking at anything else.

use serde::Serialize;

/// What is known about a dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// `permanent`, `transient`, `poison`, `crash`; `None` when the record does not say.
    pub class: Option<String>,
    /// The short, stable word of the reason.
    pub kind: Option<String>,
    /// The reason in one line.
    pub reason: Option<String>,
    /// The topic it was first read from.
    pub origin_topic: Option<String>,
    /// Its key, when that is text.
    pub key: Option<String>,
    /// How often it was sent back before.
    pub replays: u32,
}

/// Which letters are meant; an empty list leaves nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Classes.
    pub classes: Vec<String>,
    /// Kinds.
    pub kinds: Vec<String>,
    /// Origin topics.
    pub topics: Vec<String>,
    /// Keys.
    pub keys: Vec<String>,
}

impl Filter {
    /// True when every list is empty or names the letter's value.
    pub fn lets(&self, letter: &Letter) -> bool {
        let named = |list: &[String], value: &Option<String>| {
            list.is_empty() || value.as_ref().is_some_and(|value| list.contains(value))
        };
        named(&self.classes, &letter.class)
            && named(&self.kinds, &letter.kind)
            && named(&self.topics, &letter.origin_topic)
            && named(&self.keys, &letter.key)
    }
}

/// What a replay does with a letter. Only a letter that was sent is done; the others stay where they are, and
/// every later run sees them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Back to this topic.
    Send(String),
    /// Sent back as often as allowed already.
    AtLimit,
    /// Left out by a filter.
    Filtered,
    /// Nothing says where it came from.
    NoTarget,
}

impl Verdict {
    /// The word used in tables.
    pub fn as_str(&self) -> &'static str {
        match self {
            Verdict::Send(_) => "send",
            Verdict::AtLimit => "at-limit",
            Verdict::Filtered => "left-out",
            Verdict::NoTarget => "no-target",
        }
    }
}

/// Decides about one letter. `to_topic` overrides its origin.
pub fn judge(letter: &Letter, filter: &Filter, to_topic: Option<&str>, max_retries: u32) -> Verdict {
    if !filter.lets(letter) {
        return Verdict::Filtered;
    }
    if letter.replays >= max_retries {
        return Verdict::AtLimit;
    }
    match to_topic.or(letter.origin_topic.as_deref()) {
        Some(topic) => Verdict::Send(topic.to_owned()),
        None => Verdict::NoTarget,
    }
}

/// Letters with the same fate for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The dead-letter topic.
    pub topic: String,
    /// `send`, `at-limit`, `left-out` or `no-target`.
    pub action: &'static str,
    /// Where to, for `send`.
    pub target: Option<String>,
    /// Class of the failure.
    pub class: Option<String>,
    /// Kind of the failure.
    pub kind: Option<String>,
    /// How many.
    pub records: u64,
}

/// Adds one letter to the histogram.
pub fn tally(routes: &mut Vec<Route>, topic: &str, letter: &Letter, verdict: &Verdict) {
    let target = match verdict {
        Verdict::Send(target) => Some(target.as_str()),
        _ => None,
    };
    let action = verdict.as_str();
    let same = |route: &&mut Route| {
        route.topic == topic
            && route.action == action
            && route.target.as_deref() == target
            && route.class == letter.class
            && route.kind == letter.kind
    };
    match routes.iter_mut().find(same) {
        Some(route) => route.records += 1,
        None => routes.push(Route {
            topic: topic.to_owned(),
            action,
            target: target.map(str::to_owned),
            class: letter.class.clone(),
            kind: letter.kind.clone(),
            records: 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(class: &str, origin: Option<&str>, replays: u32) -> Letter {
        Letter {
            class: Some(class.to_owned()),
            kind: Some("bad-json".to_owned()),
            origin_topic: origin.map(str::to_owned),
            key: Some("710".to_owned()),
            replays,
            ..Letter::default()
        }
    }

    #[test]
    fn verdict_table() {
        let all = Filter::default();
        let poison = Filter { classes: vec!["poison".to_owned()], ..Filter::default() };
        let send = |topic: &str| Verdict::Send(topic.to_owned());
        let table = [
            (letter("permanent", Some("in"), 0), &all, None, 3, send("in")),
            (letter("permanent", Some("in"), 2), &all, None, 3, send("in")),
            (letter("permanent", Some("in"), 3), &all, None, 3, Verdict::AtLimit),
            (letter("permanent", Some("in"), 0), &all, None, 0, Verdict::AtLimit),
            (letter("permanent", Some("in"), 0), &all, Some("other"), 3, send("other")),
            (letter("permanent", None, 0), &all, Some("other"), 3, send("other")),
            (letter("permanent", None, 0), &all, None, 3, Verdict::NoTarget),
            (letter("permanent", Some("in"), 9), &poison, None, 3, Verdict::Filtered),
            (letter("poison", Some("in"), 0), &poison, None, 3, send("in")),
            (Letter::default(), &poison, Some("other"), 3, Verdict::Filtered),
        ];
        for (letter, filter, to_topic, max, expected) in table {
            assert_eq!(judge(&letter, filter, to_topic, max), expected, "{letter:?}");
        }
    }

    #[test]
    fn every_filter_must_let_it_through() {
        let one = letter("permanent", Some("in"), 0);
        let list = |word: &str| vec![word.to_owned()];
        let fits = Filter {
            classes: list("permanent"),
            kinds: list("bad-json"),
            topics: list("in"),
            keys: list("710"),
        };
        assert!(fits.lets(&one));
        for filter in [
            Filter { classes: list("x"), ..fits.clone() },
            Filter { kinds: list("x"), ..fits.clone() },
            Filter { topics: list("x"), ..fits.clone() },
            Filter { keys: list("x"), ..fits },
        ] {
            assert!(!filter.lets(&one), "{filter:?}");
        }
    }

    #[test]
    fn same_fate_and_reason_is_one_route() {
        let mut routes = Vec::new();
        let one = letter("permanent", Some("in"), 0);
        for verdict in [Verdict::Send("in".into()), Verdict::Send("in".into()), Verdict::AtLimit] {
            tally(&mut routes, "in.dlq", &one, &verdict);
        }
        let seen: Vec<_> = routes.iter().map(|route| (route.action, route.records)).collect();
        assert_eq!(seen, [("send", 2), ("at-limit", 1)]);
    }
}
