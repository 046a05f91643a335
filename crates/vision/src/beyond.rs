//! What lies beyond the edge of a picture.

use protocol::transform::Outside;

/// What a step sees where the picture has no pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beyond {
    pub(crate) outside: Outside,
    /// The level of a constant outside.
    pub(crate) fill: u8,
}

impl Beyond {
    pub(crate) const BLACK: Beyond = Beyond { outside: Outside::Constant, fill: 0 };

    /// The row or column of a picture that is seen at `at`, of `length` rows or columns (1 at least); `None` where
    /// that is the constant.
    pub(crate) fn place(self, at: i64, length: u32) -> Option<u32> {
        let last = i64::from(length) - 1;
        let place = match self.outside {
            _ if (0..=last).contains(&at) => at,
            Outside::Constant => return None,
            Outside::Edge => at.clamp(0, last),
            Outside::Reflect if last == 0 => 0,
            Outside::Reflect => {
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
    fn the_outside_is_a_constant_a_mirror_or_the_edge() {
        let row = |outside, length| {
            let places = (-5..7).map(|at| Beyond { outside, fill: 9 }.place(at, length));
            places.map(|place| place.map_or('.', |place| char::from(b'a' + place as u8))).collect::<String>()
        };
        assert_eq!(row(Outside::Constant, 3), ".....abc....");
        assert_eq!(row(Outside::Reflect, 3), "babcbabcbabc");
        assert_eq!(row(Outside::Edge, 3), "aaaaaabccccc");
        assert_eq!(row(Outside::Reflect, 1), "aaaaaaaaaaaa");
    }
}
