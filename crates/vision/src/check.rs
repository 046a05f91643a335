//! Whether a pipeline makes sense: names, ranges, order. Knows nothing of pictures.

use crate::pipeline::output_side;
use protocol::transform::TransformSpec;

/// What is wrong with a pipeline, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("transform {number} ({name}): {why}")]
pub struct PipelineError {
    /// Which step, from 1; 0 where the pipeline is empty.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it: names the parameter, where one is to blame.
    pub why: String,
}

/// Checks every parameter against its range; that [`TransformSpec::Normalize`] comes last; and that every picture ends
/// as a square of the same size.
///
/// # Errors
/// The first step that is wrong.
pub fn check(pipeline: &[TransformSpec]) -> Result<(), PipelineError> {
    for (at, step) in pipeline.iter().enumerate() {
        let mut verdict = check_step(step);
        if matches!(step, TransformSpec::Normalize { .. }) && at + 1 != pipeline.len() {
            verdict = Err("must be the last".into());
        }
        verdict.map_err(|why| PipelineError { number: at + 1, name: name(step), why })?;
    }
    if output_side(pipeline).is_none() {
        return Err(PipelineError {
            number: pipeline.len(),
            name: pipeline.last().map_or("none", name),
            why: "leaves pictures of different shapes; add a crop or an exact resize".into(),
        });
    }
    Ok(())
}

/// The name of a step, as in its JSON.
pub(crate) fn name(step: &TransformSpec) -> &'static str {
    match step {
        TransformSpec::Resize { .. } => "resize",
        TransformSpec::ResizeExact { .. } => "resize_exact",
        TransformSpec::CenterCrop { .. } => "center_crop",
        TransformSpec::HorizontalFlip { .. } => "horizontal_flip",
        TransformSpec::RandomCrop { .. } => "random_crop",
        TransformSpec::RandomResizedCrop { .. } => "random_resized_crop",
        TransformSpec::Rotation { .. } => "rotation",
        TransformSpec::ColorJitter { .. } => "color_jitter",
        TransformSpec::Normalize { .. } => "normalize",
    }
}

fn check_step(step: &TransformSpec) -> Result<(), String> {
    let side = |size: u32| within("size", size.into(), 1.0, 1024.0);
    match step {
        TransformSpec::Resize { size }
        | TransformSpec::ResizeExact { size }
        | TransformSpec::CenterCrop { size } => side(*size),
        TransformSpec::HorizontalFlip { probability } => within("probability", *probability, 0.0, 1.0),
        TransformSpec::RandomCrop { size, padding } => {
            side(*size)?;
            within("padding", f64::from(*padding), 0.0, 128.0)
        }
        TransformSpec::RandomResizedCrop { size, scale, ratio } => {
            side(*size)?;
            within("scale[0]", scale[0], 0.0, 1.0)?;
            within("scale[1]", scale[1], 0.0001, 1.0)?;
            within("ratio[0]", ratio[0], 0.01, 100.0)?;
            within("ratio[1]", ratio[1], 0.01, 100.0)?;
            ordered("scale", *scale)?;
            ordered("ratio", *ratio)
        }
        TransformSpec::Rotation { degrees } => within("degrees", *degrees, 0.0, 180.0),
        TransformSpec::ColorJitter { brightness, contrast, saturation, hue } => {
            within("brightness", *brightness, 0.0, 10.0)?;
            within("contrast", *contrast, 0.0, 10.0)?;
            within("saturation", *saturation, 0.0, 10.0)?;
            within("hue", *hue, 0.0, 0.5)
        }
        TransformSpec::Normalize { mean, std } => {
            if let Some(value) = mean.iter().find(|value| !value.is_finite()) {
                return Err(format!("mean has {value}, which is no finite number"));
            }
            match std.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
                Some(value) => Err(format!("std has {value}, which is not above 0")),
                None => Ok(()),
            }
        }
    }
}

fn within(parameter: &str, value: f64, low: f64, high: f64) -> Result<(), String> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(format!("{parameter} is {value}, not from {low} to {high}"))
    }
}

fn ordered(parameter: &str, [low, high]: [f64; 2]) -> Result<(), String> {
    if low <= high { Ok(()) } else { Err(format!("{parameter} begins at {low}, above its end, {high}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransformSpec::*;

    const WRONG: &str = "wrong pipelines are refused";

    #[test]
    fn what_is_wrong_is_named() {
        let resized_crop = |scale, ratio| RandomResizedCrop { size: 8, scale, ratio };
        let jitter = |brightness, hue| ColorJitter { brightness, contrast: 0.0, saturation: 0.0, hue };
        let cases = [
            (Resize { size: 0 }, "transform 1 (resize): size is 0, not from 1 to 1024"),
            (ResizeExact { size: 1025 }, "transform 1 (resize_exact): size is 1025, not from 1 to 1024"),
            (CenterCrop { size: 0 }, "transform 1 (center_crop): size is 0, not from 1 to 1024"),
            (
                HorizontalFlip { probability: 1.5 },
                "transform 1 (horizontal_flip): probability is 1.5, not from 0 to 1",
            ),
            (
                RandomCrop { size: 8, padding: 129 },
                "transform 1 (random_crop): padding is 129, not from 0 to 128",
            ),
            (
                resized_crop([0.5, 1.5], [1.0, 1.0]),
                "transform 1 (random_resized_crop): scale[1] is 1.5, not from 0.0001 to 1",
            ),
            (
                resized_crop([0.5, 0.25], [1.0, 1.0]),
                "transform 1 (random_resized_crop): scale begins at 0.5, above its end, 0.25",
            ),
            (
                resized_crop([0.5, 1.0], [0.0, 1.0]),
                "transform 1 (random_resized_crop): ratio[0] is 0, not from 0.01 to 100",
            ),
            (Rotation { degrees: 181.0 }, "transform 1 (rotation): degrees is 181, not from 0 to 180"),
            (Rotation { degrees: f64::NAN }, "transform 1 (rotation): degrees is NaN, not from 0 to 180"),
            (jitter(-0.5, 0.0), "transform 1 (color_jitter): brightness is -0.5, not from 0 to 10"),
            (jitter(0.0, 0.75), "transform 1 (color_jitter): hue is 0.75, not from 0 to 0.5"),
            (
                Normalize { mean: [0.0; 3], std: [1.0, 0.0, 1.0] },
                "transform 1 (normalize): std has 0, which is not above 0",
            ),
            (
                Normalize { mean: [f32::INFINITY; 3], std: [1.0; 3] },
                "transform 1 (normalize): mean has inf, which is no finite number",
            ),
        ];
        for (step, message) in cases {
            assert_eq!(check(&[step]).expect_err(WRONG).to_string(), message);
        }
    }

    #[test]
    fn a_pipeline_ends_at_a_square_and_then_normalises() {
        let normalize = Normalize { mean: [0.5; 3], std: [0.5; 3] };
        assert_eq!(check(&[CenterCrop { size: 8 }, normalize.clone()]), Ok(()));
        assert_eq!(check(&[ResizeExact { size: 9 }, Resize { size: 8 }]), Ok(()));
        let error = |pipeline: &[TransformSpec]| check(pipeline).expect_err(WRONG).to_string();
        assert_eq!(error(&[normalize, CenterCrop { size: 8 }]), "transform 1 (normalize): must be the last");
        for (pipeline, place) in [(vec![], "0 (none)"), (vec![Resize { size: 8 }], "1 (resize)")] {
            let message = format!(
                "transform {place}: leaves pictures of different shapes; add a crop or an exact resize"
            );
            assert_eq!(error(&pipeline), message);
        }
    }

    #[test]
    fn names_are_those_of_the_json() {
        let steps = [
            Resize { size: 1 },
            ResizeExact { size: 1 },
            CenterCrop { size: 1 },
            HorizontalFlip { probability: 0.0 },
            RandomCrop { size: 1, padding: 0 },
            RandomResizedCrop { size: 1, scale: [1.0; 2], ratio: [1.0; 2] },
            Rotation { degrees: 0.0 },
            ColorJitter { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0 },
            Normalize { mean: [0.0; 3], std: [1.0; 3] },
        ];
        for step in steps {
            assert_eq!(serde_json::to_value(&step).unwrap()["name"], name(&step));
        }
    }
}
