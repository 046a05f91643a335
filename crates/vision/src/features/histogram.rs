//! How often each level of luma occurs.

/// Counts by level. Four tables take turns, as a run of equal levels would have one counter wait for itself.
pub(super) struct Histogram {
    tables: [[u32; 256]; 4],
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { tables: [[0; 256]; 4] }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, levels: &[u8]) {
        let [a, b, c, d] = &mut self.tables;
        let count = |table: &mut [u32; 256], level: u8| {
            let counter = &mut table[usize::from(level)];
            *counter = counter.wrapping_add(1);
        };
        let fours = levels.chunks_exact(4);
        for &level in fours.remainder() {
            count(a, level);
        }
        for four in fours {
            count(a, four[0]);
            count(b, four[1]);
            count(c, four[2]);
            count(d, four[3]);
        }
    }

    /// No more than the levels added, which are fewer than 2³²: the pixels of an image.
    fn counts(&self) -> impl Iterator<Item = u32> {
        (0..256).map(|level| self.tables.iter().map(|table| table[level]).sum())
    }

    fn total(&self) -> u64 {
        self.counts().map(u64::from).sum()
    }

    /// The lowest level that `percent` of all do not exceed.
    pub(super) fn percentile(&self, percent: u64) -> u8 {
        let wanted = (self.total() * percent).div_ceil(100).max(1);
        let mut reached = 0;
        let level = self.counts().position(|count| {
            reached += u64::from(count);
            reached >= wanted
        });
        level.map_or(0, |level| level as u8)
    }

    /// Standard deviation (of the population), levels.
    pub(super) fn std(&self) -> f64 {
        let total = self.total() as f64;
        let moment = |power: i32| {
            let sum = |(level, count): (usize, u32)| (level as f64).powi(power) * f64::from(count);
            self.counts().enumerate().map(sum).sum::<f64>() / total
        };
        (moment(2) - moment(1).powi(2)).max(0.0).sqrt()
    }

    /// Shannon entropy, bits.
    pub(super) fn entropy(&self) -> f64 {
        let total = self.total() as f64;
        let share = |count: u32| f64::from(count) / total;
        let bits: f64 =
            self.counts().filter(|&count| count > 0).map(|count| share(count) * share(count).log2()).sum();
        // One level alone would give -0.
        (-bits).max(0.0)
    }
}
