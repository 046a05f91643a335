//! libtorch, PyTorch's C++ library, into the ignored folder `libtorch/` of the checkout: taken out of the
//! wheel of PyTorch on the Python package index. Owns which files of it are needed and how the folder is put
//! together; which version, and its hash, is the lock file's.
//!
//! The folder counts as there once it holds the stamp, which is written last and says which lock file's
//! entries it was made from. Whatever an interrupted set-up left is thrown away by the next.

use std::fs;
use std::path::Path;

use crate::Result;
use crate::checkout::{Checkout, own_libtorch};
use crate::lock::{self, LOCK, Wheel};
use crate::needs::cpp_compiler;
use crate::python::Python;
use crate::shell::{run, say, step};

const STAMP: &str = "made-from";
/// What the folder is put together in; inside, so that moving things out of it is a rename.
const PARTIAL: &str = "partial";

/// What a platform takes out of the wheels.
struct Parts {
    /// Libraries out of torch's wheel.
    torch: &'static [&'static str],
    /// Package and library: what `libtorch_cpu` insists on although only a GPU would use it.
    cuda: &'static [(&'static str, &'static str)],
    /// The wheel is made for CUDA: its `libtorch.so` drags in gigabytes of libraries, so an empty one with
    /// the same name takes its place. All that a CPU needs is in `libtorch_cpu.so`.
    stands_in_for_libtorch: bool,
}

const CUDA: &[(&str, &str)] =
    &[("nvidia-cuda-runtime", "libcudart.so.13"), ("nvidia-cuda-cupti", "libcupti.so.13")];

fn parts(os: &str, architecture: &str) -> Parts {
    match (os, architecture) {
        ("macos", _) => Parts {
            torch: &["libtorch.dylib", "libtorch_cpu.dylib", "libc10.dylib", "libomp.dylib"],
            cuda: &[],
            stands_in_for_libtorch: false,
        },
        (_, "aarch64") => Parts {
            torch: &[
                "libtorch_cpu.so",
                "libc10.so",
                "libgomp.so.1",
                "libarm_compute.so",
                "libarm_compute_graph.so",
                "libnvpl_blas_core.so.0",
                "libnvpl_blas_lp64_gomp.so.0",
                "libnvpl_lapack_core.so.0",
                "libnvpl_lapack_lp64_gomp.so.0",
            ],
            cuda: CUDA,
            stands_in_for_libtorch: true,
        },
        _ => Parts {
            torch: &["libtorch_cpu.so", "libc10.so", "libgomp.so.1"],
            cuda: CUDA,
            stands_in_for_libtorch: true,
        },
    }
}

/// The wheels to fetch, or `None` where a libtorch is there already: the user's own, or an earlier set-up's.
pub fn missing(checkout: &Checkout) -> Result<Option<Vec<Wheel>>> {
    if let Some(own) = own_libtorch(checkout) {
        return if own.join("lib").is_dir() && own.join("include").is_dir() {
            Ok(None)
        } else {
            Err(format!(
                "LIBTORCH is set to {}, which does not hold the folders lib and include of a libtorch; correct \
                 it, or unset it to have one fetched",
                own.display()
            ))
        };
    }
    let wheels = wanted_wheels()?;
    let there = fs::read_to_string(checkout.libtorch().join(STAMP));
    Ok(if there.is_ok_and(|stamp| stamp == stamp_of(&wheels)) { None } else { Some(wheels) })
}

/// Fetches the wheels and puts the folder together.
pub fn fetch(checkout: &Checkout, wheels: &[Wheel]) -> Result<()> {
    let folder = checkout.libtorch();
    if missing(checkout)?.is_none() {
        return Ok(()); // another set-up has done it while this one waited
    }
    let torch = wheel(wheels, "torch")?;
    let python = Python::prepare(checkout)?;
    let size = if cfg!(target_os = "macos") { "80 MB" } else { "up to 550 MB" };
    let downloads =
        step(&format!("downloading libtorch {} ({size}), for the trainer", torch.version), || {
            python.download(&wheels.iter().collect::<Vec<_>>())
        })?;
    step(&format!("unpacking libtorch into {}", folder.display()), || {
        let partial = folder.join(PARTIAL);
        remove(&partial)?;
        put_together(&python, wheels, &downloads, &partial)?;
        // From here on the folder is not a whole one, until the new stamp is there.
        remove(&folder.join(STAMP))?;
        for entry in ["lib", "include", "licences", "build-version"] {
            remove(&folder.join(entry))?;
            fs::rename(partial.join(entry), folder.join(entry)).map_err(failed_at(&folder.join(entry)))?;
        }
        remove(&partial)?;
        fs::write(partial.with_extension("stamp"), stamp_of(wheels)).map_err(failed_at(&folder))?;
        fs::rename(partial.with_extension("stamp"), folder.join(STAMP)).map_err(failed_at(&folder))
    })?;
    if let Err(reason) = remove(&downloads) {
        say(&format!("the downloads are no longer needed, but: {reason}"));
    }
    Ok(())
}

fn put_together(python: &Python, wheels: &[Wheel], downloads: &Path, folder: &Path) -> Result<()> {
    let parts = parts(std::env::consts::OS, std::env::consts::ARCH);
    let torch = wheel(wheels, "torch")?;
    let in_lib = |name: &str| format!("lib/{name}");
    let metadata = format!("torch-{}.dist-info/licenses", torch.version);
    let mut wanted: Vec<(String, String)> =
        parts.torch.iter().map(|name| (format!("torch/lib/{name}"), in_lib(name))).collect();
    wanted.push(("torch/include/".into(), "include/".into()));
    wanted.push((format!("{metadata}/LICENSE"), "licences/torch-LICENSE".into()));
    wanted.push((format!("{metadata}/NOTICE"), "licences/torch-NOTICE".into()));
    python.unpack(&downloads.join(&torch.file), folder, &wanted)?;

    for (package, library) in parts.cuda {
        let wheel = wheel(wheels, package)?;
        let licence =
            format!("{}-{}.dist-info/licenses/License.txt", package.replace('-', "_"), wheel.version);
        let wanted = [
            (format!("nvidia/cu13/lib/{library}"), in_lib(library)),
            (licence, format!("licences/{package}-LICENSE")),
        ];
        python.unpack(&downloads.join(&wheel.file), folder, &wanted)?;
    }
    if parts.stands_in_for_libtorch {
        run(cpp_compiler()
            .args(["-shared", "-nostdlib", "-x", "c++", "/dev/null", "-Wl,-soname,libtorch.so", "-o"])
            .arg(folder.join("lib/libtorch.so")))?;
        // The linker asks for it by this name; a compiler other than GCC does not bring one.
        std::os::unix::fs::symlink("libgomp.so.1", folder.join("lib/libgomp.so"))
            .map_err(failed_at(&folder.join("lib/libgomp.so")))?;
    }
    // The binding refuses a version that it was not written for.
    fs::write(folder.join("build-version"), format!("{}\n", torch.version)).map_err(failed_at(folder))
}

/// The wheels of the lock file that are libtorch, for the machine at hand.
fn wanted_wheels() -> Result<Vec<Wheel>> {
    let platform = lock::platform(std::env::consts::OS, std::env::consts::ARCH);
    let mut wheels = lock::wheels(LOCK, &platform)?;
    wheels.retain(|wheel| wheel.package != crate::assets::NODE);
    Ok(wheels)
}

fn wheel<'a>(wheels: &'a [Wheel], package: &str) -> Result<&'a Wheel> {
    wheels
        .iter()
        .find(|wheel| wheel.package == package)
        .ok_or_else(|| format!("libtorch.lock has no {package} for this platform"))
}

fn stamp_of(wheels: &[Wheel]) -> String {
    wheels.iter().map(|wheel| format!("{} {}\n", wheel.sha256, wheel.file)).collect()
}

/// Removes a file or a folder with all that is in it; one that is not there is no error.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed_at(path)(error)),
        _ => Ok(()),
    }
}

fn failed_at(path: &Path) -> impl Fn(std::io::Error) -> String + '_ {
    move |error| format!("could not write {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_every_hash() {
        let mut wheels = lock::wheels(LOCK, "linux-x86_64").unwrap();
        let before = stamp_of(&wheels);
        wheels[1].sha256 = "0".repeat(64);
        assert_ne!(stamp_of(&wheels), before);
    }

    #[test]
    fn the_lock_file_has_every_package_that_a_platform_takes_parts_of() {
        for (os, architecture) in [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64")] {
            let wheels = lock::wheels(LOCK, &lock::platform(os, architecture)).unwrap();
            let parts = parts(os, architecture);
            for (package, _) in parts.cuda {
                assert!(wheel(&wheels, package).is_ok(), "{os} {architecture}: {package}");
            }
            // A library is put in place of libtorch where the wheel's own is left out, and only there.
            let takes_libtorch = parts.torch.iter().any(|name| name.starts_with("libtorch."));
            assert_ne!(takes_libtorch, parts.stands_in_for_libtorch, "{os} {architecture}");
        }
    }

    #[test]
    fn removing_what_is_not_there_is_no_error() {
        let folder = std::env::temp_dir().join(format!("xtask-remove-{}", std::process::id()));
        fs::create_dir_all(folder.join("a/b")).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists());
        remove(&folder).unwrap();
    }
}
