//! Showing a connection string without its password.

/// `dsn` with its password replaced by `***`; both forms, URL and `key=value`.
pub fn dsn(dsn: &str) -> String {
    match dsn.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", url(rest)),
        None => pairs(dsn),
    }
}

/// True when the connection string holds a password.
pub fn holds_password(text: &str) -> bool {
    dsn(text) != text
}

fn url(rest: &str) -> String {
    // The last `@` of all: a password may hold `@`, `/` or `?` when somebody forgot to escape them. Better to hide too
    // much than too little.
    let masked = match rest.rfind('@').and_then(|at| rest[..at].find(':').map(|colon| (colon, at))) {
        Some((colon, at)) => format!("{}:***{}", &rest[..colon], &rest[at..]),
        None => rest.to_owned(),
    };
    match masked.split_once('?') {
        Some((before, query)) => {
            let query: Vec<String> = query
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((name, _)) if is_password(name) => format!("{name}=***"),
                    _ => pair.to_owned(),
                })
                .collect();
            format!("{before}?{}", query.join("&"))
        }
        None => masked,
    }
}

fn is_password(name: &str) -> bool {
    matches!(name.trim(), "password" | "sslpassword" | "passfile")
}

fn pairs(text: &str) -> String {
    let mut shown = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some(equals) = rest.find('=') else {
            shown.push(rest.to_owned());
            break;
        };
        let name = rest[..equals].trim();
        let after = rest[equals + 1..].trim_start();
        let end = value_end(after);
        let value = if is_password(name) { "***" } else { &after[..end] };
        shown.push(format!("{name}={value}"));
        rest = after[end..].trim_start();
    }
    shown.join(" ")
}

fn value_end(text: &str) -> usize {
    let quoted = text.starts_with('\'');
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(usize::from(quoted)) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted => return at + 1,
            letter if !quoted && letter.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked_in_every_form() {
        let table = [
            ("postgres://kylo:secret@127.0.0.1:5432/kylo", "postgres://kylo:***@127.0.0.1:5432/kylo"),
            ("postgres://kylo@127.0.0.1/kylo", "postgres://kylo@127.0.0.1/kylo"),
            ("postgres://kylo:a@b/c@h/db", "postgres://kylo:***@h/db"),
            (
                "postgres://u:p@h/d?sslmode=require&password=x",
                "postgres://u:***@h/d?sslmode=require&password=***",
            ),
            ("postgresql:///kylo?host=/run", "postgresql:///kylo?host=/run"),
            ("host=h user=u password=secret dbname=d", "host=h user=u password=*** dbname=d"),
            ("host=h password='a b\\'c' dbname=d", "host=h password=*** dbname=d"),
            ("host = h password = secret", "host=h password=***"),
        ];
        for (given, expected) in table {
            assert_eq!(dsn(given), expected);
        }
        assert!(holds_password("postgres://u:p@h/d"));
        assert!(!holds_password("postgres://u@h/d"));
    }

    proptest::proptest! {
        #[test]
        fn no_password_survives(password in "[a-z0-9@:/?&= ']{8,20}") {
            let shown = dsn(&format!("postgres://user:{password}XYZZY@host/db"));
            proptest::prop_assert!(!shown.contains("XYZZY"), "{}", shown);
        }
    }
}
