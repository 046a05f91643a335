//! Whether a pipeline makes sense: names, ranges, order. Knows nothing of pictures.

use crate::pipeline::output_side;
use protocol::transform::TransformSpec;

/// More steps than anybody needs would only take time.
const MOST_STEPS: usize = 64;
/// Pixels a side by which a picture may grow: memory has an end.
const MOST_PADDING: u32 = 1024;

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
    check_steps(pipeline)?;
    if output_side(pipeline).is_none() {
        return Err(PipelineError {
            number: pipeline.len(),
            name: pipeline.last().map_or("none", TransformSpec::name),
            why: "leaves pictures of different shapes; add a crop or an exact resize".into(),
        });
    }
    Ok(())
}

/// The same but for the last: enough for a picture to be looked at.
///
/// # Errors
/// The first step that is wrong.
pub fn check_steps(pipeline: &[TransformSpec]) -> Result<(), PipelineError> {
    if pipeline.len() > MOST_STEPS {
        let why = format!("is one of {}, and {MOST_STEPS} steps are the most", pipeline.len());
        return Err(PipelineError { number: MOST_STEPS + 1, name: pipeline[MOST_STEPS].name(), why });
    }
    let mut padded = 0;
    for (at, step) in pipeline.iter().enumerate() {
        if let TransformSpec::Pad { padding, .. } = step {
            padded += padding;
            if padded > MOST_PADDING {
                let why = format!("pads by {padded} pixels in all, and {MOST_PADDING} are the most");
                return Err(PipelineError { number: at + 1, name: step.name(), why });
            }
        }
    }
    for (at, step) in pipeline.iter().enumerate() {
        let verdict = if matches!(step, TransformSpec::Normalize { .. }) && at + 1 != pipeline.len() {
            Err("must be the last".to_owned())
        } else {
            check_step(step)
        };
        verdict.map_err(|why| PipelineError { number: at + 1, name: step.name(), why })?;
    }
    Ok(())
}

/// The ranges are the catalogue's, whose words begin with the step's name, which is said already.
fn check_step(step: &TransformSpec) -> Result<(), String> {
    let prefix = format!("{}: ", step.name());
    step.check().map_err(|why| why.strip_prefix(&prefix).unwrap_or(&why).to_owned())
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
        for (step, message) in cases {
            assert_eq!(check(&[step]).expect_err(WRONG).to_string(), message);
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
                "transform {place}: leaves pictures of different shapes; add a crop or an exact resize"
            );
            assert_eq!(error(&pipeline), message);
        }
    }
}
