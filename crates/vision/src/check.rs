//! Whether a pipeline makes sense: names, ranges, order. Knows nothing of images.

use crate::pipeline::output_side;
use protocol::transform::TransformSpec;

/// More transforms than anybody needs would only take time.
const MAX_TRANSFORMS: usize = 64;
/// Pixels a side by which an image may grow: memory has an end.
const MAX_PADDING: u32 = 1024;

/// What is wrong with a pipeline, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("transform {number} ({name}): {why}")]
pub struct PipelineError {
    /// Which transform, from 1; 0 where the pipeline is empty.
    pub number: usize,
    /// The transform's name; `none` where the pipeline is empty.
    pub name: &'static str,
    /// What is wrong with it: names the parameter, where one is to blame.
    pub why: String,
}

/// Checks every parameter against its range; that [`TransformSpec::Normalize`] comes last; and that every image ends
/// as a square of the same size.
///
/// # Errors
/// The first transform that is wrong.
pub fn check(pipeline: &[TransformSpec]) -> Result<(), PipelineError> {
    check_transforms(pipeline)?;
    if output_side(pipeline).is_none() {
        return Err(PipelineError {
            number: pipeline.len(),
            name: pipeline.last().map_or("none", TransformSpec::name),
            why: "leaves images of different shapes; add a crop or an exact resize".into(),
        });
    }
    Ok(())
}

/// The same but for the last: enough for an image to be looked at.
///
/// # Errors
/// The first transform that is wrong.
pub fn check_transforms(pipeline: &[TransformSpec]) -> Result<(), PipelineError> {
    if pipeline.len() > MAX_TRANSFORMS {
        let why = format!("is one of {}, and {MAX_TRANSFORMS} transforms are the most", pipeline.len());
        return Err(PipelineError { number: MAX_TRANSFORMS + 1, name: pipeline[MAX_TRANSFORMS].name(), why });
    }
    let mut padded = 0;
    for (at, transform) in pipeline.iter().enumerate() {
        if let TransformSpec::Pad { padding, .. } = transform {
            padded += padding;
            if padded > MAX_PADDING {
                let why = format!("pads by {padded} pixels in all, and {MAX_PADDING} are the most");
                return Err(PipelineError { number: at + 1, name: transform.name(), why });
            }
        }
    }
    for (at, transform) in pipeline.iter().enumerate() {
        let result = if matches!(transform, TransformSpec::Normalize { .. }) && at + 1 != pipeline.len() {
            Err("must be the last".to_owned())
        } else {
            check_parameters(transform)
        };
        result.map_err(|why| PipelineError { number: at + 1, name: transform.name(), why })?;
    }
    Ok(())
}

/// Checks the parameters by the catalogue. Its messages begin with the transform's name, which [`PipelineError`] gives already.
fn check_parameters(transform: &TransformSpec) -> Result<(), String> {
    let prefix = format!("{}: ", transform.name());
    transform.check().map_err(|why| why.strip_prefix(&prefix).unwrap_or(&why).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransformSpec::*;

    const WRONG: &str = "wrong pipelines are refused";

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (TransformSpec::resize(0), "transform 1 (resize): size is 0, not a whole number from 1 to 1024"),
            (
                HorizontalFlip { probability: 1.5 },
                "transform 1 (horizontal_flip): probability is 1.5, not a number from 0 to 1",
            ),
            (
                TransformSpec::random_resized_crop(8, [0.5, 0.25], [1.0, 1.0]),
                "transform 1 (random_resized_crop): scale begins at 0.5, above its end, 0.25",
            ),
        ];
        for (transform, message) in cases {
            assert_eq!(check(&[transform]).expect_err(WRONG).to_string(), message);
        }
    }

    #[test]
    fn a_pipeline_ends_at_a_square_and_then_normalises() {
        let normalize = Normalize { mean: [0.5; 3], std: [0.5; 3] };
        assert_eq!(check(&[CenterCrop { size: 8 }, normalize.clone()]), Ok(()));
        assert_eq!(check(&[TransformSpec::resize_exact(9), TransformSpec::resize(8)]), Ok(()));
        let error = |pipeline: &[TransformSpec]| check(pipeline).expect_err(WRONG).to_string();
        assert_eq!(error(&[normalize, CenterCrop { size: 8 }]), "transform 1 (normalize): must be the last");
        for (pipeline, place) in [(vec![], "0 (none)"), (vec![TransformSpec::resize(8)], "1 (resize)")] {
            let message = format!(
                "transform {place}: leaves images of different shapes; add a crop or an exact resize"
            );
            assert_eq!(error(&pipeline), message);
        }
    }
}
