//! The statements, and parts of statements, that stand in the source of `src/store`.

use std::path::Path;

/// What a statement begins with.
const BEGINNINGS: [&str; 6] = ["select ", "insert ", "update ", "delete ", "with ", "pragma "];
/// Columns by which galleries are ordered and filtered are parts of their own.
const COLUMNS: [&str; 3] = ["measures.", "samples.", "predictions."];

/// One space for any white space.
pub(crate) fn normalized(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a literal is part of an executed statement; what is filled into it (`{name}`) may be anything.
pub(crate) fn is_in(literal: &str, executed: &str) -> bool {
    let mut rest = executed;
    literal.split(['{', '}']).step_by(2).map(normalized).all(|part| match rest.find(&part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Each with its file and line.
pub(crate) fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, literal) in literals(code) {
            if is_sql(&code[..at], &literal) {
                let line = code[..at].matches('\n').count() + 1;
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                found.push((format!("{name}:{line}"), literal));
            }
        }
    }
    found
}

/// Whether a literal is SQL, by how it begins or by where it stands.
fn is_sql(before: &str, literal: &str) -> bool {
    let words = normalized(literal);
    let before = before.trim_end();
    BEGINNINGS.iter().any(|beginning| (words.clone() + " ").starts_with(beginning))
        || (before.ends_with("push(") || before.ends_with("push(format!(")) && !words.is_empty()
        || before.ends_with("=>") && COLUMNS.iter().any(|column| words.contains(column))
}

/// Every string literal outside comments, with where it begins.
fn literals(code: &str) -> Vec<(usize, String)> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += code[at..].find('\n').unwrap_or(code.len() - at);
            }
            // A letter in single quotes; a lifetime has none behind it.
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => at += 4,
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 3,
            b'"' => {
                let is_raw = at > 0 && bytes[at - 1] == b'r';
                let mut end = at + 1;
                while bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' && !is_raw { 2 } else { 1 };
                }
                let text = &code[at + 1..end];
                // A backslash at a line's end joins it with the next.
                let text =
                    if is_raw { text.to_owned() } else { text.replace("\\\n", " ").replace("\\\"", "\"") };
                let start = if is_raw { at - 1 } else { at };
                found.push((start, text));
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    found
}

#[test]
fn literals_are_found_and_compared() {
    let code = r##"// "a comment" it's
        let a = 'x'; query("select 1"); r"select '\'"; push(" and x = "); Measure::Bytes => "samples.bytes", "no SQL""##;
    let sql: Vec<String> = literals(code)
        .into_iter()
        .filter(|(at, text)| is_sql(&code[..*at], text))
        .map(|(_, text)| text)
        .collect();
    assert_eq!(sql, ["select 1", r"select '\'", " and x = ", "samples.bytes"]);
    assert!(is_in("select {COLUMNS} from runs {ORDER}", "select id, name from runs order by id"));
    assert!(!is_in("select {COLUMNS} from runs where", "select id from runs"));
    assert!(is_in(" and x = ", "select 1 where y = 2 and x = ?"));
}
