//! Paths as a person types them, on the machine where Tintype runs.

use std::path::{Path, PathBuf};

/// What is offered at a time.
const MOST: usize = 50;
/// Endings of files that can be a data set by themselves.
const ENDINGS: [&str; 7] = [".zip", ".tar", ".tar.gz", ".tgz", ".parquet", ".csv", ".jsonl"];

/// The whole path that was typed; `~` is the home of whoever runs Tintype. Looks at no disk.
///
/// # Errors
/// Why it is none, in words.
pub fn path_from_text(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("choose files, give the path of a folder or a file on the server's machine, or choose a well-known data set".to_owned());
    }
    if let Some(below) = text.strip_prefix('~') {
        let Some(home) = home else {
            return Err("it is not known here which folder “~” is; give the whole path".to_owned());
        };
        return match below.strip_prefix('/') {
            Some(below) => Ok(home.join(below)),
            None if below.is_empty() => Ok(home.to_owned()),
            None => Err(format!("“{text}” is another person's folder; give its whole path")),
        };
    }
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        return Err(format!(
            "“{text}” does not say where it begins; give the whole path, such as /home/me/{}, or one from your home, such as ~/{0}",
            text.trim_start_matches("./")
        ));
    }
    Ok(path)
}

/// The folder that `~` stands for.
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// Folders (with a slash behind them) and archives whose path begins with what was typed, as it was typed. Hidden ones only where
/// their dot was typed.
pub fn complete(typed: &str, home: Option<&Path>) -> Vec<String> {
    let typed = typed.trim_start();
    let Some(slash) = typed.rfind('/') else {
        return if typed == "~" { vec!["~/".to_owned()] } else { Vec::new() };
    };
    let (folder, begun) = typed.split_at(slash + 1);
    let Ok(path) = path_from_text(folder, home) else { return Vec::new() };
    let mut found: Vec<String> = (std::fs::read_dir(path).into_iter().flatten().flatten())
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let fits = name.starts_with(begun) && (begun.starts_with('.') || !name.starts_with('.'));
            let is_folder = || entry.path().is_dir();
            let is_archive = || ENDINGS.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
            match fits {
                true if is_folder() => Some(format!("{folder}{name}/")),
                true if is_archive() => Some(format!("{folder}{name}")),
                _ => None,
            }
        })
        .collect();
    found.sort_unstable();
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_whole_or_from_home() {
        let home = Path::new("/home/me");
        let read = |text: &str| path_from_text(text, Some(home));
        assert_eq!(read(" /data/pets "), Ok(PathBuf::from("/data/pets")));
        assert_eq!(read("~/photos"), Ok(PathBuf::from("/home/me/photos")));
        assert_eq!(read("~"), Ok(PathBuf::from("/home/me")));
        let why = read("photos").unwrap_err();
        assert!(why.contains("“photos” does not say where it begins") && why.contains("~/photos"), "{why}");
        assert!(read("~you/photos").unwrap_err().contains("another person's folder"));
        assert!(path_from_text("~/photos", None).is_err());
        assert!(read("  ").unwrap_err().contains("choose files"));
    }

    #[test]
    fn folders_and_archives_are_offered_as_they_were_typed() {
        let home = tempfile::tempdir().unwrap();
        for folder in ["photos", "photos-old", ".hidden", "music"] {
            std::fs::create_dir(home.path().join(folder)).unwrap();
        }
        for file in ["photos.zip", "photos.txt", "photo.jpg"] {
            std::fs::write(home.path().join(file), "").unwrap();
        }
        let offer = |typed: &str| complete(typed, Some(home.path()));
        assert_eq!(offer("~/ph"), ["~/photos-old/", "~/photos.zip", "~/photos/"]);
        assert_eq!(offer("~/.h"), ["~/.hidden/"]);
        assert_eq!(
            offer(&format!("{}/mu", home.path().display())),
            [format!("{}/music/", home.path().display())]
        );
        assert!(offer("ph").is_empty() && offer("/no/such/").is_empty() && offer("").is_empty());
        assert_eq!(offer("~"), ["~/"]);
        assert_eq!(offer("~/").len(), 4);
    }
}
