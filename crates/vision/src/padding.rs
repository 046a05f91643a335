//! What a transform reads beyond the edge of an image.

use protocol::transform::PaddingMode;

/// How places outside an image are filled: torchvision's padding mode and fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Padding {
    pub(crate) mode: PaddingMode,
    /// The grey level of [`PaddingMode::Constant`], 0 to 255.
    pub(crate) fill: u8,
}

impl Padding {
    pub(crate) const BLACK: Padding = Padding { mode: PaddingMode::Constant, fill: 0 };

    /// The row or column of an image that is seen at `at`, of `length` rows or columns (1 at least); `None` where
    /// that is the constant.
    pub(crate) fn source_index(self, at: i64, length: u32) -> Option<u32> {
        let last = i64::from(length) - 1;
        let place = match self.mode {
            _ if (0..=last).contains(&at) => at,
            PaddingMode::Constant => return None,
            PaddingMode::Edge => at.clamp(0, last),
            PaddingMode::Reflect if last == 0 => 0,
            PaddingMode::Reflect => {
                let within_period = at.rem_euclid(2 * last);
                within_period.min(2 * last - within_period)
            }
        };
        Some(place as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_a_constant_a_mirror_or_the_edge() {
        let row = |mode, length| {
            let places = (-5..7).map(|at| Padding { mode, fill: 9 }.source_index(at, length));
            places.map(|place| place.map_or('.', |place| char::from(b'a' + place as u8))).collect::<String>()
        };
        assert_eq!(row(PaddingMode::Constant, 3), ".....abc....");
        assert_eq!(row(PaddingMode::Reflect, 3), "babcbabcbabc");
        assert_eq!(row(PaddingMode::Edge, 3), "aaaaaabccccc");
        assert_eq!(row(PaddingMode::Reflect, 1), "aaaaaaaaaaaa");
    }
}
