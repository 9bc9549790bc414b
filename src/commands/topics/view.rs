//! What the commands of `kylo topics` share: small texts, and reading `KEY=VALUE`.

use crate::error::Error;

/// Reads `KEY=VALUE` of a flag.
pub fn key_value(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is wanted".to_owned()),
    }
}

/// The parts in one cell; `-` for none.
pub fn joined(parts: &[String], separator: &str) -> String {
    if parts.is_empty() { "-".to_owned() } else { parts.join(separator) }
}

/// One error of several, of the first one's kind; `None` without any.
pub fn together(mut errors: Vec<Error>, what: &str) -> Option<Error> {
    if errors.len() <= 1 {
        return errors.pop();
    }
    let mut all = Error::new(errors[0].kind(), format!("{} {what}", errors.len()));
    for error in &errors {
        all = all.cause(error.to_string());
        for hint in error.hints() {
            all = all.hint(hint);
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_first_equals_sign_splits() {
        assert_eq!(key_value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(key_value("a="), Ok(("a".to_owned(), String::new())));
        assert!(key_value("=b").is_err() && key_value("a").is_err());
    }

    #[test]
    fn several_errors_become_one() {
        assert_eq!(together(Vec::new(), "x"), None);
        let one = Error::denied("creating a");
        assert_eq!(together(vec![one.clone()], "x"), Some(one.clone()));
        let both =
            together(vec![one, Error::failed("creating b").hint("h")], "topics were not created").unwrap();
        assert_eq!(both.kind(), ErrorKind::Denied);
        assert_eq!(both.to_string(), "2 topics were not created: creating a: creating b");
        assert_eq!(both.hints(), ["h"]);
    }
}
