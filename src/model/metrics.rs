//! Metrics as values, and their text: Prometheus' exposition format, version 0.0.4.
//!
//! A page is built anew for every scrape from what is known then; there is no registry. Names are whole words in
//! base units (seconds, bytes), counters end in `_total`.

use std::fmt::Write;

/// The content type of [`Page::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds in seconds for what takes from microseconds to a minute.
pub const SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0, 60.0,
];

/// Labels of a series: name and value, in the order in which they are shown.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// How many values fell under each bound, and their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, not cumulated, and one for what is above the last.
    counts: Vec<u64>,
    sum: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram::new(SECONDS)
    }
}

impl Histogram {
    /// An empty one; `bounds` rise.
    pub fn new(bounds: &'static [f64]) -> Self {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }
    /// Counts `value`, which stands for `weight` values like it (1, or more where only samples are taken).
    pub fn observe(&mut self, value: f64, weight: u64) {
        // A value on a bound belongs to that bound: `le` is "less or equal".
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket] += weight;
        self.sum += value * weight as f64;
    }
    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
    /// The sum of the values.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// All series of one name.
#[derive(Clone, Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    lines: String,
}

/// One answer to a scrape. Series of one name stand together whatever the order in which they are added. Nobody
/// may add the same labels to one name twice.
#[derive(Clone, Debug, Default)]
pub struct Page {
    families: Vec<Family>,
}

impl Page {
    /// A number that only grows while the process lives. `name` ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &'static str, labels: Labels, value: u64) {
        self.line(Kind::Counter, (name, help), labels, value as f64);
    }
    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &'static str, help: &'static str, labels: Labels, value: f64) {
        self.line(Kind::Gauge, (name, help), labels, value);
    }
    /// A histogram: its buckets, sum and count.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: Labels,
        histogram: &Histogram,
    ) {
        let lines = &mut self.family(Kind::Histogram, name, help).lines;
        let mut cumulated = 0;
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        for (bound, count) in bounds.zip(&histogram.counts) {
            cumulated += count;
            series(lines, name, "_bucket", labels, Some(bound), cumulated as f64);
        }
        series(lines, name, "_sum", labels, None, histogram.sum);
        series(lines, name, "_count", labels, None, cumulated as f64);
    }
    /// The whole page as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        for Family { name, help, kind, lines } in &self.families {
            // Writing to a string cannot fail.
            let _ = write!(text, "# HELP {name} {}\n# TYPE {name} {}\n{lines}", escaped(help), kind.word());
        }
        text
    }

    fn line(&mut self, kind: Kind, about: (&'static str, &'static str), labels: Labels, value: f64) {
        let (name, help) = about;
        series(&mut self.family(kind, name, help).lines, name, "", labels, None, value);
    }
    fn family(&mut self, kind: Kind, name: &'static str, help: &'static str) -> &mut Family {
        let found = self.families.iter().position(|family| family.name == name);
        let at = found.unwrap_or_else(|| {
            self.families.push(Family { name, help, kind, lines: String::new() });
            self.families.len() - 1
        });
        let family = &mut self.families[at];
        debug_assert_eq!(family.kind, kind, "{name} is of one kind");
        family
    }
}

/// Appends one line: `name{label="value"} 1`.
fn series(text: &mut String, name: &str, suffix: &str, labels: Labels, bound: Option<f64>, value: f64) {
    text.push_str(name);
    text.push_str(suffix);
    let mut before = '{';
    let mut label = |name: &str, value: &str| {
        text.push(before);
        before = ',';
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}=\"{}\"", escaped(value).replace('"', "\\\""));
    };
    for (name, value) in labels {
        label(name, value);
    }
    if let Some(bound) = bound {
        label("le", &number(bound));
    }
    if before == ',' {
        text.push('}');
    }
    text.push(' ');
    text.push_str(&number(value));
    text.push('\n');
}

/// The format's own words for what is no finite number.
fn number(value: f64) -> String {
    match value {
        value if value == f64::INFINITY => "+Inf".to_owned(),
        value if value == f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_is_the_exposition_format() {
        let mut page = Page::default();
        page.counter("a_total", "How many.", &[("worker", "txns")], 3);
        page.gauge("b", "A \\ and\na line.", &[], 0.5);
        // Added last, and yet beside its sisters.
        page.counter("a_total", "How many.", &[("worker", "a\"b\\c\nd"), ("kind", "")], u64::from(u32::MAX));
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        histogram.observe(0.1, 1);
        histogram.observe(0.5, 16);
        histogram.observe(7.0, 1);
        page.histogram("c_seconds", "Time.", &[("worker", "txns")], &histogram);
        page.gauge("d", "Odd.", &[], f64::NAN);
        page.gauge("d", "Odd.", &[("sign", "-")], f64::NEG_INFINITY);
        let expected = [
            "# HELP a_total How many.",
            "# TYPE a_total counter",
            "a_total{worker=\"txns\"} 3",
            "a_total{worker=\"a\\\"b\\\\c\\nd\",kind=\"\"} 4294967295",
            "# HELP b A \\\\ and\\na line.",
            "# TYPE b gauge",
            "b 0.5",
            "# HELP c_seconds Time.",
            "# TYPE c_seconds histogram",
            "c_seconds_bucket{worker=\"txns\",le=\"0.1\"} 1",
            "c_seconds_bucket{worker=\"txns\",le=\"1\"} 17",
            "c_seconds_bucket{worker=\"txns\",le=\"+Inf\"} 18",
            "c_seconds_sum{worker=\"txns\"} 15.1",
            "c_seconds_count{worker=\"txns\"} 18",
            "# HELP d Odd.",
            "# TYPE d gauge",
            "d NaN",
            "d{sign=\"-\"} -Inf",
            "",
        ];
        assert_eq!(page.render(), expected.join("\n"));
        assert_eq!((histogram.count(), histogram.sum()), (18, 15.1));
    }

    proptest! {
        /// Buckets are cumulated, the last is the count, and each counts what is less or equal to its bound.
        #[test]
        fn buckets_count_what_is_not_above_them(values in prop::collection::vec((0.0..100.0f64, 1..20u64), 0..40)) {
            let mut histogram = Histogram::default();
            for (value, weight) in &values {
                histogram.observe(*value, *weight);
            }
            let mut page = Page::default();
            page.histogram("h", "H.", &[], &histogram);
            let text = page.render();
            for line in text.lines().filter(|line| line.starts_with("h_bucket")) {
                let (bound, count) = line.trim_start_matches("h_bucket{le=\"").split_once("\"} ").unwrap();
                let bound: f64 = bound.parse().unwrap();
                let expected: u64 = values.iter().filter(|(v, _)| *v <= bound).map(|(_, w)| w).sum();
                prop_assert_eq!(count.parse::<u64>().unwrap(), expected, "{}", line);
            }
            prop_assert_eq!(histogram.count(), values.iter().map(|(_, weight)| weight).sum::<u64>());
        }

        /// Whatever a label holds, a series stays one line and its quotes close.
        #[test]
        fn no_label_breaks_the_line(value in any::<String>()) {
            let mut page = Page::default();
            page.gauge("g", "G.", &[("l", &value)], 1.0);
            let text = page.render();
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert_eq!(lines.len(), 4, "{}", text);
            let quoted = lines[2].strip_prefix("g{l=\"").and_then(|l| l.strip_suffix("\"} 1")).unwrap();
            let mut back = String::new();
            let mut chars = quoted.chars();
            while let Some(c) = chars.next() {
                prop_assert_ne!(c, '"');
                back.push(match c {
                    '\\' => match chars.next().unwrap() { 'n' => '\n', other => other },
                    other => other,
                });
            }
            prop_assert_eq!(back, value);
        }
    }
}
