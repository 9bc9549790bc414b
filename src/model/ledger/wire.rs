//! Transactions as JSON carries them: read without failing on a wrong type, then checked field by field, so that
//! a fault can name the transaction's id and the field.

use super::money::{MoneyError, parse_cents, parse_whole_cents};
use super::transaction::{Txn, parse_date};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Longest description, in bytes: what is compared and indexed must fit an index entry of PostgreSQL.
pub const MAX_DESCRIPTION: usize = 1500;

/// A text field: absent (or null), a text, or something else.
#[derive(Debug, Default)]
pub(crate) enum Text<'a> {
    #[default]
    Absent,
    Is(Cow<'a, str>),
    Wrong,
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text::Is(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text::Is(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text::Absent)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text::Wrong)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text::Wrong)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text::Wrong)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text::Wrong)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text::Wrong)
            }
            // Objects, and numbers too: serde_json hands exact numbers over as a map of one entry.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text::Wrong)
            }
        }
        deserializer.deserialize_any(Seen)
    }
}

/// A transaction as it came.
#[derive(Debug, Deserialize)]
pub(crate) struct WireTxn<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    /// Only the webhook's body has it.
    #[serde(borrow, default)]
    pub(crate) company_id: Text<'a>,
    #[serde(borrow, default)]
    date: Text<'a>,
    #[serde(borrow, default)]
    amount: Option<&'a RawValue>,
    #[serde(borrow, default)]
    amount_cents: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    currency: Text<'a>,
    #[serde(borrow, default)]
    counterparty: Text<'a>,
    #[serde(borrow, default)]
    memo: Text<'a>,
    #[serde(borrow, default)]
    category: Text<'a>,
}

/// What is wrong with one field of one transaction. Holds the id, never another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Place in the message, from 1.
    pub position: usize,
    /// The transaction's id, when it has one; cut to 100 characters.
    pub id: Option<String>,
    /// The field.
    pub field: &'static str,
    /// What is wrong with it: `is missing`.
    pub reason: String,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "transaction {id:?}: {} {}", self.field, self.reason),
            None => write!(f, "transaction number {}: {} {}", self.position, self.field, self.reason),
        }
    }
}

type Reason = Cow<'static, str>;

impl<'a> Text<'a> {
    fn optional(self) -> Result<Option<Cow<'a, str>>, Reason> {
        match self {
            Text::Absent => Ok(None),
            Text::Wrong => Err("is not a string".into()),
            Text::Is(text) if text.as_bytes().contains(&0) => Err("holds a NUL character".into()),
            Text::Is(text) => Ok(Some(text)),
        }
    }
    pub(crate) fn required(self) -> Result<Cow<'a, str>, Reason> {
        self.optional()?.ok_or_else(|| "is missing".into())
    }
    /// Required, and not the empty text.
    pub(crate) fn named(self) -> Result<Cow<'a, str>, Reason> {
        self.required().and_then(|text| if text.is_empty() { Err("is empty".into()) } else { Ok(text) })
    }
}

impl<'a> WireTxn<'a> {
    /// Checks every field; the first fault ends it. `position` counts from 1.
    pub(crate) fn check(self, position: usize) -> Result<Txn<'a>, FieldFault> {
        let id = match self.id.named() {
            Ok(id) => id,
            Err(reason) => {
                return Err(FieldFault { position, id: None, field: "id", reason: reason.into_owned() });
            }
        };
        let fault = |id: &str, field, reason: Reason| FieldFault {
            position,
            id: Some(id.chars().take(100).collect()),
            field,
            reason: reason.into_owned(),
        };
        let checked = (|| {
            let at = |field| move |reason| (field, reason);
            let date = self.date.required().map_err(at("date"))?;
            let date = parse_date(&date).ok_or(("date", "is not a day written YYYY-MM-DD".into()))?;
            let cents = cents(self.amount, self.amount_cents)?;
            let description = self.description.required().map_err(at("description"))?;
            if description.len() > MAX_DESCRIPTION {
                return Err(("description", format!("is longer than {MAX_DESCRIPTION} bytes").into()));
            }
            Ok(Txn {
                id: Cow::Borrowed(""),
                date,
                cents,
                currency: match self.currency.optional().map_err(at("currency"))? {
                    Some(currency) if currency.is_empty() => return Err(("currency", "is empty".into())),
                    Some(currency) => currency,
                    None => Cow::Borrowed("USD"),
                },
                description,
                counterparty: self.counterparty.optional().map_err(at("counterparty"))?,
                memo: self.memo.optional().map_err(at("memo"))?,
                category: self.category.optional().map_err(at("category"))?,
            })
        })();
        match checked {
            Ok(txn) => Ok(Txn { id, ..txn }),
            Err((field, reason)) => Err(fault(&id, field, reason)),
        }
    }
}

fn cents(amount: Option<&RawValue>, whole: Option<&RawValue>) -> Result<i64, (&'static str, Reason)> {
    let reason = |field: &'static str| {
        move |error: MoneyError| match error {
            MoneyError::NotANumber => (field, "is not a JSON number".into()),
            other => (field, other.to_string().into()),
        }
    };
    let amount = amount.map(|raw| parse_cents(raw.get()).map_err(reason("amount"))).transpose()?;
    let whole = whole.map(|raw| match parse_whole_cents(raw.get()) {
        Err(MoneyError::NotANumber) => Err(("amount_cents", "is not an integer".into())),
        other => other.map_err(reason("amount_cents")),
    });
    match (amount, whole.transpose()?) {
        (None, None) => Err(("amount", "is missing".into())),
        (Some(cents), None) | (None, Some(cents)) => Ok(cents),
        (Some(a), Some(b)) if a == b => Ok(a),
        (Some(_), Some(_)) => Err(("amount_cents", "differs from amount".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<Txn<'_>, String> {
        let wire: WireTxn<'_> = serde_json::from_str(json).unwrap();
        wire.check(3).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_whole_transaction() {
        let txn = check(
            r#"{"id":"t1","date":"2025-08-26","amount":-1.234e1,"description":"STAR\u0042UCKS","memo":null,
                "category":"food","extra":{"deep":[1,2.5]}}"#,
        )
        .unwrap();
        assert_eq!((txn.id.as_ref(), txn.cents, txn.description.as_ref()), ("t1", -1234, "STARBUCKS"));
        assert_eq!((txn.currency.as_ref(), txn.memo, txn.category.as_deref()), ("USD", None, Some("food")));
        assert_eq!(txn.date.to_string(), "2025-08-26");
        assert!(matches!(txn.id, Cow::Borrowed(_)), "texts without escapes are borrowed");
    }

    #[test]
    fn faults_name_id_and_field_but_no_value() {
        let with = |field: &str| {
            format!(r#"{{"id":"t7","date":"2025-08-26","amount":1,"description":"d",{field}}}"#)
        };
        let table = [
            (r#"{"date":"2025-08-26"}"#.to_owned(), "transaction number 3: id is missing"),
            (r#"{"id":7}"#.to_owned(), "transaction number 3: id is not a string"),
            (r#"{"id":""}"#.to_owned(), "transaction number 3: id is empty"),
            (r#"{"id":"t7"}"#.to_owned(), "transaction \"t7\": date is missing"),
            (
                r#"{"id":"t7","date":"26.08.2025"}"#.to_owned(),
                "transaction \"t7\": date is not a day written YYYY-MM-DD",
            ),
            (r#"{"id":"t7","date":"2025-08-26"}"#.to_owned(), "transaction \"t7\": amount is missing"),
            (
                r#"{"amount":1.005,"id":"t7","date":"2025-08-26","description":"secret"}"#.to_owned(),
                "transaction \"t7\": amount has more than two decimal places",
            ),
            (
                r#"{"amount":"1.00","id":"t7","date":"2025-08-26"}"#.to_owned(),
                "transaction \"t7\": amount is not a JSON number",
            ),
            (
                r#"{"amount":1e400,"id":"t7","date":"2025-08-26"}"#.to_owned(),
                "transaction \"t7\": amount is too large for 64 bits of cents",
            ),
            (with(r#""amount_cents":99"#), "transaction \"t7\": amount_cents differs from amount"),
            (with(r#""amount_cents":1.5"#), "transaction \"t7\": amount_cents is not an integer"),
            (with(r#""memo":[1,{"a":2}]"#), "transaction \"t7\": memo is not a string"),
            (with(r#""currency":1.5"#), "transaction \"t7\": currency is not a string"),
            (with(r#""category":{"a":1}"#), "transaction \"t7\": category is not a string"),
            (with(r#""memo":"a\u0000b""#), "transaction \"t7\": memo holds a NUL character"),
        ];
        for (json, expected) in table {
            assert_eq!(check(&json).unwrap_err(), expected, "{json}");
        }
        let long = "x".repeat(MAX_DESCRIPTION + 1);
        let json = format!(r#"{{"id":"t7","date":"2025-08-26","amount":1,"description":"{long}"}}"#);
        assert_eq!(check(&json).unwrap_err(), "transaction \"t7\": description is longer than 1500 bytes");
    }
}
