//! Just enough of Rust's grammar to ask a source file which paths it names.

/// `source` with comments and the insides of texts blanked out, line breaks kept.
pub fn code_only(source: &str) -> String {
    let bytes: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    let blank = |code: &mut String, letter: char| code.push(if letter == '\n' { '\n' } else { ' ' });
    while at < bytes.len() {
        let rest = &bytes[at..];
        let end = match rest {
            ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => at + block_comment(rest),
            ['"', ..] => at + text(rest, 1),
            ['b', '"', ..] if !follows_word(&bytes, at) => at + text(rest, 2),
            ['r', '"' | '#', ..] | ['b', 'r', '"' | '#', ..] if !follows_word(&bytes, at) => {
                at + raw_text(rest)
            }
            ['\'', '\\', ..] => at + letter(rest),
            ['\'', _, '\'', ..] => at + 3,
            _ => at,
        };
        if end == at {
            code.push(bytes[at]);
            at += 1;
        } else {
            for letter in &bytes[at..end] {
                blank(&mut code, *letter);
            }
            at = end;
        }
    }
    code
}

fn follows_word(all: &[char], at: usize) -> bool {
    at > 0 && (all[at - 1].is_alphanumeric() || all[at - 1] == '_')
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn text(rest: &[char], opening: usize) -> usize {
    let mut at = opening;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_text(rest: &[char]) -> usize {
    let start = rest.iter().position(|c| *c == 'r').unwrap_or(0) + 1;
    let hashes = rest[start..].iter().take_while(|c| **c == '#').count();
    if rest.get(start + hashes) != Some(&'"') {
        // A raw name such as r#type.
        return 0;
    }
    let mut at = start + hashes + 1;
    while at < rest.len() {
        if rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

fn letter(rest: &[char]) -> usize {
    rest.iter().skip(2).position(|c| *c == '\'').map_or(rest.len(), |end| end + 3)
}

/// `code` without the items marked `#[cfg(test)]`: a test may use what it needs.
pub fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = item_end(rest);
        kept.extend(rest[..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    kept + rest
}

/// Where an item with its attributes ends: at its `;`, or at the brace that closes its first one.
fn item_end(item: &str) -> usize {
    let (mut braces, mut brackets) = (0i32, 0i32);
    for (at, letter) in item.char_indices() {
        match letter {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets -= 1,
            ';' if braces == 0 && brackets == 0 => return at + 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    item.len()
}

/// The names that directly follow `prefix::` in `code`, with their line: `crate::a::b` and `crate::{a::b, c}` give `a`,
/// and `a` and `c`.
pub fn after(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = code[at + prefix.len()..].trim_start();
        let Some(rest) = rest.strip_prefix("::") else { continue };
        let line = code[..at].matches('\n').count() + 1;
        for name in heads(rest.trim_start()) {
            found.push((line, name));
        }
    }
    found
}

fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    if !rest.starts_with('{') {
        return vec![word(rest)];
    }
    let (mut depth, mut heads, mut begins) = (0usize, Vec::new(), true);
    for (at, letter) in rest.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => begins = true,
            letter if depth == 1 && begins && (letter.is_alphabetic() || letter == '_') => {
                heads.push(word(&rest[at..]));
                begins = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// The lines on which `word` stands as a whole word (it may hold `::`).
pub fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .filter(|(at, _)| {
            !inside(code[..*at].chars().next_back()) && !inside(code[at + word.len()..].chars().next())
        })
        .map(|(at, _)| code[..at].matches('\n').count() + 1)
        .collect()
}
