//! The histogram of confidences above a gallery: right and wrong stacked, a bar opens its images.

use super::format::counted;
use super::gallery_link::with;
use crate::store::predictions::{CONFIDENCE_BINS, ConfidenceBin};
use crate::web::api::predictions::PredictionsQuery;

/// Of the drawing, in its own units.
const HEIGHT: f64 = 56.0;
const BAR_WIDTH: usize = 10;

/// A histogram.
pub(crate) struct Histogram {
    pub(crate) bars: Vec<Bar>,
    /// The gallery without a range of confidence, for the script that lets a range be drawn.
    pub(crate) gallery: String,
    /// The chosen part: left end and width in bins; `None` where all is shown.
    pub(crate) chosen: Option<(f64, f64)>,
}

/// A bin.
pub(crate) struct Bar {
    pub(crate) x: usize,
    /// Top and height of the correct ones, and of the wrong ones above them.
    pub(crate) correct: (f64, f64),
    pub(crate) wrong: (f64, f64),
    pub(crate) label: String,
    pub(crate) href: String,
}

impl Bar {
    /// Its left edge in the drawing.
    pub(crate) fn left(&self) -> usize {
        self.x * BAR_WIDTH
    }
}

impl Histogram {
    pub(crate) fn new(
        bins: &[ConfidenceBin; CONFIDENCE_BINS],
        here: &str,
        query: &PredictionsQuery,
    ) -> Histogram {
        let greatest = bins.iter().map(|bin| bin.correct + bin.wrong).max().unwrap_or(0).max(1) as f64;
        let edge = |at: usize| at as f64 / CONFIDENCE_BINS as f64;
        let bars = bins.iter().enumerate().filter(|(_, bin)| bin.correct + bin.wrong > 0);
        let bars = bars.map(|(x, bin)| {
            // A square root keeps few mistakes in sight beside very many correct ones.
            let total = (bin.correct + bin.wrong) as f64;
            let height = (total / greatest).sqrt() * HEIGHT;
            let wrong = height * bin.wrong as f64 / total;
            let (from, to) = (edge(x), edge(x + 1));
            Bar {
                x,
                correct: (HEIGHT - height + wrong, height - wrong),
                wrong: (HEIGHT - height, wrong),
                label: format!(
                    "confidence {:.0}–{:.0} %: {}, {} wrong",
                    from * 100.0,
                    to * 100.0,
                    counted(bin.correct + bin.wrong, "image", "images"),
                    bin.wrong
                ),
                href: with(here, query, &[("confidence", &format!("{from}..{to}"))]),
            }
        });
        let range = query.confidence_range().ok().flatten();
        Histogram {
            bars: bars.collect(),
            gallery: with(here, query, &[("confidence", "")]),
            chosen: range.map(|(above, up_to)| {
                (above * CONFIDENCE_BINS as f64, (up_to - above) * CONFIDENCE_BINS as f64)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_parts_and_opens_its_range() {
        let mut bins = [ConfidenceBin::default(); CONFIDENCE_BINS];
        bins[19] = ConfidenceBin { correct: 96, wrong: 4 };
        bins[9] = ConfidenceBin { correct: 0, wrong: 25 };
        let query = PredictionsQuery { split: "test".into(), actual: "cat".into(), ..Default::default() };
        let histogram = Histogram::new(&bins, "/p", &query);
        let [low, high] = &histogram.bars[..] else { panic!("two bins hold something") };
        assert_eq!((low.x, high.x), (9, 19));
        assert_eq!((low.correct.1, low.wrong), (0.0, (28.0, 28.0)));
        assert!((high.wrong.1 + high.correct.1 - 56.0).abs() < 1e-9);
        assert_eq!(high.href, "/p?split=test&actual=cat&confidence=0.95..1");
        assert!(high.label.contains("100 images, 4 wrong"), "{}", high.label);
        assert_eq!(histogram.chosen, None);
    }
}
