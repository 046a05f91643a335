//! How a run is told from the others: by a colour and by how its line is drawn, in tables as in charts.

use serde::Serialize;

/// Colours of runs in the style sheet.
const COLORS: usize = 8;
/// Strokes and gaps of a line; none: drawn through.
const DASHES: [&[u8]; 4] = [&[], &[8, 4], &[2, 3], &[9, 3, 2, 3]];

/// A colour and a kind of line: 32 of them differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunStyle {
    /// Which colour of the style sheet.
    pub(crate) color: usize,
    /// Strokes and gaps, pixels.
    pub(crate) dash: &'static [u8],
}

impl RunStyle {
    /// Of the run at this place. Neighbours differ in both.
    pub(crate) fn at(place: usize) -> RunStyle {
        RunStyle { color: place % COLORS, dash: DASHES[(place + place / COLORS) % DASHES.len()] }
    }

    /// As SVG writes it.
    pub(crate) fn dasharray(&self) -> String {
        self.dash.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn runs_are_told_apart_by_colour_and_by_line() {
        let styles: BTreeSet<(usize, String)> =
            (0..32).map(RunStyle::at).map(|style| (style.color, style.dasharray())).collect();
        assert_eq!(styles.len(), 32);
        for place in 0..100 {
            let (one, next) = (RunStyle::at(place), RunStyle::at(place + 1));
            assert!(one.color != next.color && one.dash != next.dash, "{place}");
        }
        assert_eq!((RunStyle::at(0).dasharray(), RunStyle::at(1).dasharray()), (String::new(), "8 4".into()));
    }
}
