//! What JPEG takes from an image: saved and read again, without the file in between, whose coding loses nothing.
//!
//! Follows libjpeg (and so Pillow and torchvision) to the level: baseline, colour at half the resolution (4:2:0),
//! the tables of ITU-T T.81 Annex K scaled by quality, the transform of Loeffler, Ligtenberg and Moschytz (1989) in
//! whole numbers, and colour brought back to full size by a triangle filter.

use image::RgbImage;

/// Annex K.1, rows of an 8 × 8 block.
#[rustfmt::skip]
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// Annex K.2.
#[rustfmt::skip]
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// A table for a quality of 1 to 100.
fn scaled(table: &[u16; 64], quality: u32) -> [i32; 64] {
    let quality = quality.clamp(1, 100) as i32;
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    table.map(|entry| ((i32::from(entry) * percent + 50) / 100).clamp(1, 255))
}

/// One channel, its sides filled up to whole blocks.
struct Plane {
    levels: Vec<u8>,
    stride: usize,
}

impl Plane {
    fn row(&self, row: usize) -> &[u8] {
        &self.levels[row * self.stride..][..self.stride]
    }

    /// The last row repeated until there are whole blocks.
    fn fill_rows(&mut self) {
        let rows = self.levels.len() / self.stride;
        let last = self.levels.len() - self.stride;
        for _ in rows..rows.next_multiple_of(8) {
            self.levels.extend_from_within(last..last + self.stride);
        }
    }

    /// Each block transformed, rounded to multiples of the table's entries, and transformed back.
    fn quantize(&mut self, table: &[i32; 64]) {
        for top in (0..self.levels.len()).step_by(8 * self.stride) {
            for corner in (top..top + self.stride).step_by(8) {
                let rows = (0..8).map(|row| corner + row * self.stride);
                let mut block = [0; 64];
                for (values, at) in block.chunks_exact_mut(8).zip(rows.clone()) {
                    for (value, level) in values.iter_mut().zip(&self.levels[at..at + 8]) {
                        *value = i32::from(*level) - 128;
                    }
                }
                forward(&mut block);
                for (value, entry) in block.iter_mut().zip(table) {
                    // The transform gives eight times the coefficient. Rounded, halves away from 0.
                    let divisor = 8 * entry;
                    let multiple = (value.abs() + divisor / 2) / divisor;
                    *value = value.signum() * multiple * entry;
                }
                inverse(&mut block);
                for (values, at) in block.chunks_exact(8).zip(rows) {
                    for (value, level) in values.iter().zip(&mut self.levels[at..at + 8]) {
                        *level = (value + 128).clamp(0, 255) as u8;
                    }
                }
            }
        }
    }
}

/// Saved at this quality (1 to 100) and read again.
pub(crate) fn round_trip(image: &RgbImage, quality: u32) -> RgbImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let [mut luma, blue, red] = split(image);
    luma.fill_rows();
    luma.quantize(&scaled(&LUMA, quality));
    let table = scaled(&CHROMA, quality);
    let [blue, red] = [blue, red].map(|plane| {
        let mut half = halved(&plane);
        half.fill_rows();
        half.quantize(&table);
        half
    });
    let mut target = RgbImage::new(image.width(), image.height());
    let half = (width.div_ceil(2), height.div_ceil(2));
    let mut rows = [vec![0; 2 * half.0], vec![0; 2 * half.0]];
    let mut sums = vec![0; half.0];
    for (y, pixels) in target.chunks_exact_mut(width * 3).enumerate() {
        enlarge_row(&blue, half, y, &mut sums, &mut rows[0]);
        enlarge_row(&red, half, y, &mut sums, &mut rows[1]);
        let (pixels, _) = pixels.as_chunks_mut::<3>();
        for (((pixel, luma), blue), red) in pixels.iter_mut().zip(luma.row(y)).zip(&rows[0]).zip(&rows[1]) {
            *pixel = to_rgb(i32::from(*luma), i32::from(*blue) - 128, i32::from(*red) - 128);
        }
    }
    target
}

/// Half of one in 16 binary places.
const HALF: i32 = 1 << 15;

/// Luma, blue and red difference (ITU-T T.871), in 16 binary places; the last column repeated to a multiple of 16,
/// the last row to an even number.
fn split(image: &RgbImage) -> [Plane; 3] {
    let stride = (image.width() as usize).next_multiple_of(16);
    let rows = (image.height() as usize).next_multiple_of(2);
    let mut planes = [(); 3].map(|()| Plane { levels: Vec::with_capacity((rows + 6) * stride), stride });
    let last_row = image.height() as usize - 1;
    for y in 0..rows {
        let source = &image.as_raw()[y.min(last_row) * image.width() as usize * 3..];
        let (pixels, _) = source[..image.width() as usize * 3].as_chunks::<3>();
        let [luma, blue, red] = &mut planes;
        for pixel in pixels {
            let [r, g, b] = pixel.map(i32::from);
            luma.levels.push(((19595 * r + 38470 * g + 7471 * b + HALF) >> 16) as u8);
            let offset = (128 << 16) + HALF - 1;
            blue.levels.push(((-11059 * r - 21709 * g + 32768 * b + offset) >> 16) as u8);
            red.levels.push(((32768 * r - 27439 * g - 5329 * b + offset) >> 16) as u8);
        }
        for plane in &mut planes {
            let last = plane.levels[plane.levels.len() - 1];
            plane.levels.resize((y + 1) * stride, last);
        }
    }
    planes
}

fn to_rgb(luma: i32, blue: i32, red: i32) -> [u8; 3] {
    let r = luma + ((91881 * red + HALF) >> 16);
    let g = luma + ((-22554 * blue - 46802 * red + HALF) >> 16);
    let b = luma + ((116_130 * blue + HALF) >> 16);
    [r, g, b].map(|level| level.clamp(0, 255) as u8)
}

/// Each two by two levels' mean, halves rounded down and up in turn along a row.
fn halved(plane: &Plane) -> Plane {
    let stride = plane.stride / 2;
    let mut levels = Vec::with_capacity((plane.levels.len() / 4).next_multiple_of(8 * stride));
    for rows in plane.levels.chunks_exact(2 * plane.stride) {
        let (upper, lower) = rows.split_at(plane.stride);
        let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
        levels.extend(pairs.enumerate().map(|(at, (upper, lower))| {
            let sum: u16 = upper.iter().chain(lower).map(|level| u16::from(*level)).sum();
            ((sum + 1 + (at as u16 & 1)) >> 2) as u8
        }));
    }
    Plane { levels, stride }
}

/// Row `y` of a plane in twice its size: each level is three quarters the nearest and one quarter the next one, down
/// and across. `half` is the plane's width and height without what fills its blocks.
fn enlarge_row(plane: &Plane, (width, height): (usize, usize), y: usize, sums: &mut [i32], row: &mut [u8]) {
    let near = plane.row(y / 2);
    // An image of up to four columns is enlarged by repetition.
    if width <= 2 {
        for (pair, level) in row.chunks_exact_mut(2).zip(near) {
            pair.fill(*level);
        }
        return;
    }
    let next = if y.is_multiple_of(2) { (y / 2).saturating_sub(1) } else { (y / 2 + 1).min(height - 1) };
    for ((sum, near), next) in sums.iter_mut().zip(near).zip(plane.row(next)) {
        *sum = 3 * i32::from(*near) + i32::from(*next);
    }
    for (at, pair) in row.chunks_exact_mut(2).enumerate() {
        let (before, after) = (sums[at.saturating_sub(1)], sums[(at + 1).min(width - 1)]);
        pair[0] = ((3 * sums[at] + before + 8) >> 4) as u8;
        pair[1] = ((3 * sums[at] + after + 7) >> 4) as u8;
    }
}

/// Binary places of the factors of the transform.
const FACTOR_BITS: u32 = 13;
/// Additional binary places between its two passes.
const PASS_BITS: u32 = 2;

/// The transform's factors, named as in libjpeg: √2 times sines and cosines of sixteenths of a half turn, and sums of
/// those.
mod factor {
    const fn fixed(value: f64) -> i32 {
        (value * (1 << super::FACTOR_BITS) as f64 + 0.5) as i32
    }
    pub(super) const FIX_0_298631336: i32 = fixed(0.298_631_336);
    pub(super) const FIX_0_390180644: i32 = fixed(0.390_180_644);
    pub(super) const FIX_0_541196100: i32 = fixed(0.541_196_100);
    pub(super) const FIX_0_765366865: i32 = fixed(0.765_366_865);
    pub(super) const FIX_0_899976223: i32 = fixed(0.899_976_223);
    pub(super) const FIX_1_175875602: i32 = fixed(1.175_875_602);
    pub(super) const FIX_1_501321110: i32 = fixed(1.501_321_110);
    pub(super) const FIX_1_847759065: i32 = fixed(1.847_759_065);
    pub(super) const FIX_1_961570560: i32 = fixed(1.961_570_560);
    pub(super) const FIX_2_053119869: i32 = fixed(2.053_119_869);
    pub(super) const FIX_2_562915447: i32 = fixed(2.562_915_447);
    pub(super) const FIX_3_072711026: i32 = fixed(3.072_711_026);
}

fn rounded(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

/// Turns of the odd half, shared by both directions.
fn odd_half([a, b, c, d]: [i32; 4]) -> [i32; 4] {
    use factor::*;
    let both = (a + c + b + d) * FIX_1_175875602;
    let (outer, inner) = (-(a + d) * FIX_0_899976223, -(b + c) * FIX_2_562915447);
    let (even, odd) = (both - (a + c) * FIX_1_961570560, both - (b + d) * FIX_0_390180644);
    [
        a * FIX_0_298631336 + outer + even,
        b * FIX_2_053119869 + inner + odd,
        c * FIX_3_072711026 + inner + even,
        d * FIX_1_501321110 + outer + odd,
    ]
}

/// Levels → coefficients, eight times as large as they are.
fn forward(block: &mut [i32; 64]) {
    for row in 0..8 {
        forward_line(block, row * 8, 1, |value| value << PASS_BITS, FACTOR_BITS - PASS_BITS);
    }
    for column in 0..8 {
        forward_line(block, column, 8, |value| rounded(value, PASS_BITS), FACTOR_BITS + PASS_BITS);
    }
}

fn forward_line(block: &mut [i32; 64], at: usize, stride: usize, plain: impl Fn(i32) -> i32, bits: u32) {
    let [v0, v1, v2, v3, v4, v5, v6, v7] = std::array::from_fn(|k| block[at + k * stride]);
    let (sum0, sum1, sum2, sum3) = (v0 + v7, v1 + v6, v2 + v5, v3 + v4);
    let (outer, inner) = (sum0 + sum3, sum1 + sum2);
    let (outer_off, inner_off) = (sum0 - sum3, sum1 - sum2);
    let turn = (inner_off + outer_off) * factor::FIX_0_541196100;
    let [c7, c5, c3, c1] = odd_half([v3 - v4, v2 - v5, v1 - v6, v0 - v7]);
    let coefficients = [
        plain(outer + inner),
        rounded(c1, bits),
        rounded(turn + outer_off * factor::FIX_0_765366865, bits),
        rounded(c3, bits),
        plain(outer - inner),
        rounded(c5, bits),
        rounded(turn - inner_off * factor::FIX_1_847759065, bits),
        rounded(c7, bits),
    ];
    for (k, value) in coefficients.into_iter().enumerate() {
        block[at + k * stride] = value;
    }
}

/// Coefficients → levels about 0.
fn inverse(block: &mut [i32; 64]) {
    for column in 0..8 {
        inverse_line(block, column, 8, FACTOR_BITS - PASS_BITS);
    }
    for row in 0..8 {
        inverse_line(block, row * 8, 1, FACTOR_BITS + PASS_BITS + 3);
    }
}

fn inverse_line(block: &mut [i32; 64], at: usize, stride: usize, bits: u32) {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = std::array::from_fn(|k| block[at + k * stride]);
    let turn = (c2 + c6) * factor::FIX_0_541196100;
    let (low, high) = (turn - c6 * factor::FIX_1_847759065, turn + c2 * factor::FIX_0_765366865);
    let (sum, difference) = ((c0 + c4) << FACTOR_BITS, (c0 - c4) << FACTOR_BITS);
    let even = [sum + high, difference + low, difference - low, sum - high];
    let [o3, o2, o1, o0] = odd_half([c7, c5, c3, c1]);
    for (k, (even, odd)) in even.into_iter().zip([o0, o1, o2, o3]).enumerate() {
        block[at + k * stride] = rounded(even + odd, bits);
        block[at + (7 - k) * stride] = rounded(even - odd, bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_that_of_the_definition() {
        let level = |x: usize, y: usize| ((x * 37 + y * 91 + x * y * 13) % 256) as i32 - 128;
        let mut block = std::array::from_fn(|at| level(at % 8, at / 8));
        let levels = block;
        forward(&mut block);
        for (at, found) in block.into_iter().enumerate() {
            let (u, v) = (at % 8, at / 8);
            let share = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            let wave =
                |x: usize, k: usize| ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos();
            let sum: f64 = (0..64).map(|at| f64::from(levels[at]) * wave(at % 8, u) * wave(at / 8, v)).sum();
            let defined = 8.0 * share(u) * share(v) / 4.0 * sum;
            assert!((f64::from(found) - defined).abs() < 2.0, "{u} {v}: {found} {defined}");
        }
        // Coefficients rounded to whole ones: levels come back to within rounding.
        block.iter_mut().for_each(|value| *value = rounded(*value, 3));
        inverse(&mut block);
        assert!(block.iter().zip(&levels).all(|(back, level)| back.abs_diff(*level) <= 2));
    }

    #[test]
    fn images_of_any_size_keep_it_and_lose_more_at_lower_quality() {
        for size in [(1, 1), (7, 3), (17, 16), (4, 9), (5, 9), (33, 50)] {
            let plain = RgbImage::from_pixel(size.0, size.1, image::Rgb([90, 100, 110]));
            let saved = round_trip(&plain, 90);
            assert_eq!(saved.dimensions(), size);
            assert!(saved.iter().zip(plain.iter()).all(|(a, b)| a.abs_diff(*b) < 4), "{size:?}");
        }
        let image =
            RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 4) as u8, (x * y) as u8, (y * 5) as u8]));
        let lost = |quality| {
            let saved = round_trip(&image, quality);
            saved.iter().zip(image.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
        };
        assert!(lost(5) > lost(30) && lost(30) > lost(75) && lost(75) > lost(100));
    }
}
