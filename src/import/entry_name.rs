//! Names: which entries of an archive may be unpacked, and which files are nobody's images.

use std::fmt::Write;

/// The path below the unpacking folder that an archive's entry may be written to, `/` separated, or why it may
/// not be (to follow the entry's name in a sentence). Empty for the top folder itself, as in `./`.
///
/// A backslash separates folders as a slash does, on every system: some Windows programs write it so, and
/// whatever hides behind one is then checked like any other part.
pub(super) fn safe_path(name: &str) -> Result<String, &'static str> {
    if name.is_empty() {
        return Err("has no name");
    }
    if name.contains('\0') {
        return Err("has a NUL in its name");
    }
    if name.starts_with(['/', '\\']) {
        return Err("has an absolute path; pack the folder with relative ones");
    }
    let mut parts = Vec::new();
    for part in name.split(['/', '\\']) {
        match part.as_bytes() {
            [] | [b'.'] => {}
            [b'.', b'.'] => return Err("leads out of its folder by “..”"),
            [letter, b':', ..] if letter.is_ascii_alphabetic() => {
                return Err(
                    "begins a part of its path with a drive letter; pack the folder with relative paths",
                );
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Whether a file or folder of this name is skipped without a word: hidden ones, and what operating systems
/// leave behind.
pub(super) fn is_clutter(name: &str) -> bool {
    name.starts_with('.')
        || ["__MACOSX", "Thumbs.db", "desktop.ini"].iter().any(|clutter| name.eq_ignore_ascii_case(clutter))
}

/// Bytes as text; what is not UTF-8 becomes `%XX`, so that different names stay different.
pub(super) fn text_from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(text, "%{byte:02X}").expect("writing into a string cannot fail");
        }
    }
    text
}

/// A class's name as the name of a folder on every system; different names stay different.
///
/// What some system refuses or reads otherwise becomes `%XX`, and a long name is cut and ends in a hash.
pub(super) fn file_name_for(name: &str) -> String {
    const MAX_BYTES: usize = 100;
    let mut safe = String::with_capacity(name.len());
    let last = name.chars().count().saturating_sub(1);
    for (at, letter) in name.chars().enumerate() {
        let at_an_end =
            (at == 0 && (letter == '.' || letter == ' ')) || (at == last && " .".contains(letter));
        if letter.is_control() || "/\\:*?\"<>|%".contains(letter) || at_an_end {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                write!(safe, "%{byte:02X}").expect("writing into a string cannot fail");
            }
        } else {
            safe.push(letter);
        }
    }
    if safe.is_empty() || is_clutter(&safe) {
        // No other name has a bare per cent sign at its end.
        safe.push('%');
    }
    if safe.len() > MAX_BYTES {
        let mut end = MAX_BYTES;
        while !safe.is_char_boundary(end) {
            end -= 1;
        }
        safe.truncate(end);
        write!(safe, "%{}", &blake3::hash(name.as_bytes()).to_hex()[..16])
            .expect("writing into a string cannot fail");
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_pass() {
        for (name, path) in [
            ("cat/1.jpg", "cat/1.jpg"),
            ("./cat//1.jpg", "cat/1.jpg"),
            ("cat\\1.jpg", "cat/1.jpg"),
            ("./", ""),
            ("cat/..jpg", "cat/..jpg"),
            ("cat/12:30.jpg", "cat/12:30.jpg"),
            ("Käse/日本.png", "Käse/日本.png"),
        ] {
            assert_eq!(safe_path(name).as_deref(), Ok(path), "{name}");
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "..",
            "../x",
            "cat/../../x",
            "cat/..",
            "..\\x",
            "cat\\..\\..\\x",
            "\\x",
            "\\\\host\\x",
            "C:\\x",
            "c:x",
            "./C:/x",
            "cat/c:x",
            "a\0b",
        ] {
            assert!(safe_path(name).is_err(), "{name:?} was let through");
        }
    }

    #[test]
    fn odd_bytes_are_kept_apart() {
        assert_eq!(text_from_bytes("Käse".as_bytes()), "Käse");
        assert_eq!(text_from_bytes(b"K\xE4se"), "K%E4se");
        assert_ne!(text_from_bytes(b"\xE4"), text_from_bytes(b"\xF6"));
    }

    #[test]
    fn clutter_is_known() {
        for name in [".DS_Store", ".git", "__MACOSX", "Thumbs.db", "thumbs.db", "desktop.ini"] {
            assert!(is_clutter(name), "{name}");
        }
        assert!(!is_clutter("cat.0.jpg") && !is_clutter("_cat"));
    }

    #[test]
    fn class_names_become_folder_names() {
        for (name, folder) in [
            ("Ankle boot", "Ankle boot"),
            ("T-shirt/top", "T-shirt%2Ftop"),
            ("日本 Käse", "日本 Käse"),
            ("..", "%2E%2E"),
            (".hidden", "%2Ehidden"),
            ("100%", "100%25"),
            ("a\\b:c\n", "a%5Cb%3Ac%0A"),
            ("", "%"),
            ("desktop.ini", "desktop.ini%"),
        ] {
            assert_eq!(file_name_for(name), folder, "{name:?}");
            assert_eq!(safe_path(&file_name_for(name)).as_deref(), Ok(folder), "{name:?}");
            assert!(!is_clutter(folder), "{name:?}");
        }
        let [a, b] = ["a", "b"].map(|end| file_name_for(&("ä".repeat(300) + end)));
        assert!(a != b && a.len() < 130, "{a}");
    }
}
