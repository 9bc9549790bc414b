//! Normalisation: the form in which descriptions and rule sources are compared.

/// Lower case, every run of characters that are neither letters nor digits becomes one space, trimmed:
/// `" POS PURCHASE  #ATM LOAD!!! "` is `pos purchase atm load`.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        collapse(text.chars().map(|char| char.to_ascii_lowercase()), &mut out);
    } else {
        // The whole text is lowered first: a capital sigma's lower case depends on what follows it.
        collapse(text.to_lowercase().chars(), &mut out);
    }
    out
}

fn collapse(chars: impl Iterator<Item = char>, out: &mut String) {
    let mut gap = false;
    for char in chars {
        if char.is_alphanumeric() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(char);
        } else {
            gap = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normal_forms() {
        for (text, expected) in [
            (" POS PURCHASE  #ATM LOAD!!! ", "pos purchase atm load"),
            ("Starbucks*1234", "starbucks 1234"),
            ("STARBUCKS", "starbucks"),
            ("", ""),
            ("!!!", ""),
            ("a_b-c", "a b c"),
            ("CAFÉ – Ñandú", "café ñandú"),
            ("東京*駅１２", "東京 駅１２"),
            ("tab\tnew\nline", "tab new line"),
        ] {
            assert_eq!(normalise(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn twice_is_once(text in "\\PC{0,60}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn ascii_takes_the_same_way(text in "[ -~]{0,60}") {
            let mut slow = String::new();
            collapse(text.to_lowercase().chars(), &mut slow);
            prop_assert_eq!(normalise(&text), slow);
        }

        #[test]
        fn only_words_and_single_spaces_are_left(text in "\\PC{0,60}") {
            let normal = normalise(&text);
            prop_assert!(!normal.starts_with(' ') && !normal.ends_with(' ') && !normal.contains("  "));
            prop_assert!(normal.chars().all(|char| char == ' ' || char.is_alphanumeric()));
        }
    }
}
