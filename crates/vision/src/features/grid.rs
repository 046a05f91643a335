//! An image reduced to 32 × 32 cells by exact averaging: a pixel that two cells share counts for both by area. So
//! the cells of an image and of the same image at another size agree, and their mean is the image's.

/// Cells along a side.
pub(super) const SIDE: usize = 32;

/// Luma of R, G, B (ITU-R BT.601).
pub(super) fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Mean levels of the cells, row by row.
pub(super) struct Grid {
    cells: Vec<[f32; 3]>,
}

impl Grid {
    /// Of the cell in column `x` of row `y`.
    pub(super) fn at(&self, x: usize, y: usize) -> [f32; 3] {
        self.cells[y * SIDE + x]
    }

    /// Of the whole image.
    pub(super) fn mean(&self) -> [f32; 3] {
        mean(self.cells.iter().copied())
    }

    /// Of the outermost cells.
    pub(super) fn border(&self) -> [f32; 3] {
        let is_outermost = |index: &usize| {
            let (x, y) = (index % SIDE, index / SIDE);
            x == 0 || y == 0 || x == SIDE - 1 || y == SIDE - 1
        };
        mean((0..SIDE * SIDE).filter(is_outermost).map(|index| self.cells[index]))
    }

    /// Of a cell of the grid with `side` × `side` cells; `side` divides [`SIDE`].
    pub(super) fn reduced(&self, side: usize, x: usize, y: usize) -> [f32; 3] {
        let cell = SIDE / side;
        mean((0..cell * cell).map(|index| self.at(x * cell + index % cell, y * cell + index / cell)))
    }
}

fn mean(cells: impl Iterator<Item = [f32; 3]>) -> [f32; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0);
    for cell in cells {
        sum = [sum[0] + cell[0], sum[1] + cell[1], sum[2] + cell[2]];
        count += 1;
    }
    sum.map(|channel| channel / count as f32)
}

/// Takes an image's rows in, from the top.
pub(super) struct GridBuilder {
    width: usize,
    height: usize,
    next_row: usize,
    cells: Vec<[f32; 3]>,
}

impl GridBuilder {
    pub(super) fn new(width: usize, height: usize) -> GridBuilder {
        GridBuilder { width, height, next_row: 0, cells: vec![[0.0; 3]; SIDE * SIDE] }
    }

    /// Takes in the next row, `width` RGB pixels.
    pub(super) fn add_row(&mut self, row: &[u8]) {
        let averages = averages(row, self.width);
        // In 32nds of a pixel, both the row and the cells have whole coordinates.
        let (top, bottom) = (self.next_row * SIDE, (self.next_row + 1) * SIDE);
        for y in top / self.height..bottom.div_ceil(self.height) {
            let shared = bottom.min((y + 1) * self.height) - top.max(y * self.height);
            let weight = shared as f32 / self.height as f32;
            for (cell, average) in self.cells[y * SIDE..(y + 1) * SIDE].iter_mut().zip(&averages) {
                for channel in 0..3 {
                    cell[channel] += weight * average[channel];
                }
            }
        }
        self.next_row += 1;
    }

    /// After the last row.
    pub(super) fn finish(self) -> Grid {
        Grid { cells: self.cells }
    }
}

/// A row of RGB pixels in [`SIDE`] cells of equal width.
fn averages(row: &[u8], width: usize) -> [[f32; 3]; SIDE] {
    // The part of a pixel that lies left of a boundary belongs to the cell before it.
    let part = |boundary: usize| {
        let (pixel, share) = (boundary * width / SIDE, (boundary * width % SIDE) as f32 / SIDE as f32);
        let levels = row.get(3 * pixel..3 * pixel + 3).unwrap_or(&[0; 3]);
        [0, 1, 2].map(|channel| share * f32::from(levels[channel]))
    };
    let mut before = [0.0; 3];
    std::array::from_fn(|cell| {
        let (first, end) = (cell * width / SIDE, (cell + 1) * width / SIDE);
        let whole = sums(&row[3 * first..3 * end]);
        let after = part(cell + 1);
        let average = [0, 1, 2].map(|channel| {
            (whole[channel] as f32 - before[channel] + after[channel]) * (SIDE as f32 / width as f32)
        });
        before = after;
        average
    })
}

/// Three plain sums: the compiler makes far less of an array.
fn sums(pixels: &[u8]) -> [u32; 3] {
    let (mut red, mut green, mut blue) = (0_u32, 0_u32, 0_u32);
    for pixel in pixels.chunks_exact(3) {
        red = red.wrapping_add(u32::from(pixel[0]));
        green = green.wrapping_add(u32::from(pixel[1]));
        blue = blue.wrapping_add(u32::from(pixel[2]));
    }
    [red, green, blue]
}
