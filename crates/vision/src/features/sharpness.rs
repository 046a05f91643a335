//! How sharp an image is at the size at which it is looked at: pixels are averaged in whole blocks until the longer
//! side has at most 256, so that a photo's file size matters little and noise and JPEG's blocks even less.

const LONGER_SIDE: usize = 256;

/// Levels are kept in quarters: rounding to whole ones would look like sharpness in a dark image.
const QUARTERS: u32 = 4;

/// The reduced image; takes rows of luma in, from the top.
pub(super) struct Canvas {
    /// Pixels of a block along a side.
    block: usize,
    width: usize,
    /// Sums of the blocks whose rows are being added, and how many rows were.
    sums: Vec<u32>,
    rows_added: usize,
    /// Quarter levels, row by row.
    levels: Vec<u16>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Canvas {
        let block = width.max(height).div_ceil(LONGER_SIDE);
        let (across, down) = (width / block, height / block);
        Canvas {
            block,
            width: across,
            sums: vec![0; across],
            rows_added: 0,
            levels: Vec::with_capacity(across * down),
        }
    }

    /// Adds a row. Columns and rows that fill no block are left out.
    pub(super) fn add_row(&mut self, lumas: &[u8]) {
        for (sum, block) in self.sums.iter_mut().zip(lumas.chunks_exact(self.block)) {
            let added = block.iter().fold(0_u32, |sum, &luma| sum.wrapping_add(u32::from(luma)));
            *sum = sum.wrapping_add(added);
        }
        self.rows_added += 1;
        if self.rows_added == self.block {
            let area = (self.block * self.block) as u32;
            let quarters = |sum: &u32| ((QUARTERS * sum + area / 2) / area) as u16;
            self.levels.extend(self.sums.iter().map(quarters));
            self.sums.fill(0);
            self.rows_added = 0;
        }
    }

    /// The 99th percentile (nearest rank) of |4 × pixel - its four neighbours| over all pixels that have them, levels.
    /// `None` where none has.
    pub(super) fn strong_laplacian(&self) -> Option<f32> {
        let rows: Vec<&[u16]> = self.levels.chunks_exact(self.width.max(1)).collect();
        let mut counts = vec![0_u32; 4 * 255 * QUARTERS as usize + 1];
        for three in rows.windows(3) {
            let (above, row, below) = (three[0], three[1], three[2]);
            for ((beside, &above), &below) in row.windows(3).zip(&above[1..]).zip(&below[1..]) {
                let [left, middle, right] = [0, 1, 2].map(|at| i32::from(beside[at]));
                let neighbours =
                    left.wrapping_add(right).wrapping_add(i32::from(above)).wrapping_add(i32::from(below));
                let strength = (4 * middle).wrapping_sub(neighbours).unsigned_abs() as usize;
                counts[strength] = counts[strength].wrapping_add(1);
            }
        }
        let total: u32 = counts.iter().sum();
        let mut above = 0;
        let strongest = (0..counts.len()).rev().find(|&strength| {
            above += counts[strength];
            above > total / 100
        })?;
        Some(strongest as f32 / QUARTERS as f32)
    }
}
