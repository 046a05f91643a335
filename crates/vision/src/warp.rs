//! Turned, sheared, seen from an angle: each pixel of the result is looked up where it comes from, as
//! `torchvision.transforms.v2` does it on 8-bit images. What is mixed of four pixels is so in whole numbers, which is
//! fast, and the same everywhere; what is taken from the nearest one, by torch's own operations.

use crate::padding::Padding;
use image::RgbImage;

/// Binary places of a coordinate: of 1024 additions the error is below a millionth of a pixel.
const PLACE_BITS: u32 = 32;
/// Binary places of a weight: a product of two, times a level, fits 32 bits.
const WEIGHT_BITS: u32 = 11;
const ONE: i64 = 1 << WEIGHT_BITS;
/// Of all four weights together.
const FULL: u64 = 1 << (2 * WEIGHT_BITS);

/// Where a pixel of the result comes from: `x = a x' + b y' + c`, `y = d x' + e y' + f`, all from the middle of the
/// image, right and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Matrix(pub(crate) [f64; 6]);

/// A place, shape and size of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pose {
    /// Counter-clockwise.
    pub(crate) degrees: f64,
    /// Pixels, right and down.
    pub(crate) translate: [f64; 2],
    pub(crate) scale: f64,
    /// Degrees, across and down.
    pub(crate) shear: [f64; 2],
    /// What stays in place but for the translation: pixels from the middle of the image, right and down.
    pub(crate) center: [f64; 2],
}

impl Default for Pose {
    fn default() -> Pose {
        Pose { degrees: 0.0, translate: [0.0; 2], scale: 1.0, shear: [0.0; 2], center: [0.0; 2] }
    }
}

impl Matrix {
    /// A turn, counter-clockwise.
    pub(crate) fn rotation(degrees: f64) -> Matrix {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Matrix([cos, -sin, 0.0, sin, cos, 0.0])
    }

    /// Sheared down, then across, scaled, turned, all about the centre, then shifted.
    ///
    /// Forward this is R(angle) S(scale) Y(shear down) X(shear across), with X = [1, -tan; 0, 1], Y = [1, 0; -tan, 1]:
    /// torchvision's order. As the determinant of all but S is 1, its inverse only exchanges and negates.
    pub(crate) fn inverse_of(pose: Pose) -> Matrix {
        // Downwards being positive, torchvision's affine turns clockwise.
        let angle = (-pose.degrees).to_radians();
        let [across, down] = pose.shear.map(f64::to_radians);
        let a = (angle - down).cos() / down.cos();
        let b = -(a * across.tan() + angle.sin());
        let c = (angle - down).sin() / down.cos();
        let d = angle.cos() - c * across.tan();
        let [a, b, c, d] = [d, -b, -c, a].map(|value| value / pose.scale);
        let [x, y] = [0, 1].map(|axis| pose.center[axis] + pose.translate[axis]);
        Matrix([a, b, pose.center[0] - a * x - b * y, c, d, pose.center[1] - c * x - d * y])
    }

    /// Width and height of what holds all of an image that is placed by this matrix, which is a turn; rounded up
    /// from where its middle stays, which may cost a pixel, as in torchvision.
    fn holding(&self, width: u32, height: u32) -> (u32, u32) {
        // In 32 bits and cut to a ten-thousandth of a pixel, like torchvision, so that the same whole number comes out.
        let matrix = self.0.map(|value| value as f32);
        let (half_width, half_height) = (width as f32 * 0.5, height as f32 * 0.5);
        let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)];
        let length = |row: &[f32], half: f32| {
            let places =
                corners.map(|(x, y)| x * half_width * row[0] + y * half_height * row[1] + row[2] + half);
            let cut = |place: f32| (place * 1e4).trunc() * 1e-4;
            let most = cut(places.into_iter().fold(f32::MIN, f32::max)).ceil();
            let least = cut(places.into_iter().fold(f32::MAX, f32::min)).floor();
            (most - least).max(1.0) as u32
        };
        (length(&matrix[..3], half_width), length(&matrix[3..], half_height))
    }
}

/// Turned counter-clockwise about the middle, bilinear; `expand` makes room for all of it.
pub(crate) fn rotated(image: &RgbImage, degrees: f64, padding: Padding, expand: bool) -> RgbImage {
    let matrix = Matrix::rotation(degrees);
    let (width, height) = image.dimensions();
    let (width, height) = match expand {
        true if degrees % 180.0 == 0.0 => (width, height),
        true if degrees % 90.0 == 0.0 => (height, width),
        true => matrix.holding(width, height),
        false => (width, height),
    };
    transformed(image, width, height, matrix, padding)
}

/// Every pixel of the result mixed from the four around where it comes from by the matrix.
pub(crate) fn transformed(
    image: &RgbImage,
    width: u32,
    height: u32,
    Matrix([a, b, c, d, e, f]): Matrix,
    padding: Padding,
) -> RgbImage {
    let middle = |length: u32| (f64::from(length) - 1.0) / 2.0;
    let (from_middle_x, from_middle_y) = (middle(image.width()) + c, middle(image.height()) + f);
    let (middle_x, middle_y) = (middle(width), middle(height));
    let (delta_x, delta_y) = (fixed(a), fixed(d));
    resampled(image, width, height, padding, |y| {
        let dy = f64::from(y) - middle_y;
        let mut place =
            (fixed(from_middle_x - a * middle_x + b * dy), fixed(from_middle_y - d * middle_x + e * dy));
        std::iter::repeat_with(move || {
            let here = place;
            place = (place.0 + delta_x, place.1 + delta_y);
            here
        })
    })
}

/// Every pixel of the result taken from the one nearest to where it comes from by the matrix, to the bit as torch
/// finds it on a processor: in 32 bits, from -1 at one side of the image to 1 at the other, then in pixels. A last bit
/// decides about places half-way between two pixels, of which a shear by 0.2 has whole rows.
///
/// Found by comparing coordinates with those of torch 2.11 (MKL 2024.2), bit for bit, on one processor, of AMD:
/// * Its sum is taken in this order, and each operation rounded, as here. So it is, too, with MKL's kernels for Intel where
///   `MKL_CBWR` is `COMPATIBLE`. Without, those (run here by telling MKL that the processor is Intel's) fuse `y * b`
///   with the sum before it, and some of the places half-way go to the other pixel: torchvision differs from itself.
/// * Whether the conversion from there to pixels is fused makes no difference to the nearest.
pub(crate) fn nearest(image: &RgbImage, Matrix(matrix): Matrix, fill: u8) -> RgbImage {
    let (width, height) = image.dimensions();
    let [half_width, half_height] = [width, height].map(|length| length as f32 * 0.5);
    let [a, b, c, d, e, f] = matrix.map(|value| value as f32);
    let across = [a, b, c].map(|value| value / half_width);
    let down = [d, e, f].map(|value| value / half_height);
    let xs: Vec<f32> = (0..width).map(|x| x as f32 + 0.5 - half_width).collect();
    // A row's places before its pixels: the first loop is then done several at a time.
    let (mut columns, mut rows) = (vec![0; xs.len()], vec![0; xs.len()]);
    let mut target = RgbImage::new(width, height);
    for (y, pixels) in (0_u32..).zip(target.chunks_exact_mut(width as usize * 3)) {
        let y = y as f32 + 0.5 - half_height;
        for ([a, b, c], half, places) in [(across, half_width, &mut columns), (down, half_height, &mut rows)]
        {
            for (place, x) in places.iter_mut().zip(&xs) {
                *place = rounded((x * a + y * b + c + 1.0) * half - 0.5);
            }
        }
        for (pixel, (column, row)) in pixels.as_chunks_mut().0.iter_mut().zip(columns.iter().zip(&rows)) {
            *pixel = image.get_pixel_checked(*column, *row).map_or([fill; 3], |found| found.0);
        }
    }
    target
}

/// To the nearest whole number, from half-way to the even one. What is below 0, or far away, wraps to more than any
/// image has pixels across.
fn rounded(place: f32) -> u32 {
    // So large that a sum with it has no room for a fraction; the sum's bits then count from this number's.
    const WHOLE: f32 = 1.5 * (1 << 23) as f32;
    (place + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits())
}

/// Corners: upper left, upper right, lower right, lower left; x, y.
pub(crate) type Corners = [[f64; 2]; 4];

/// The image's corner pixels moved to `corners`, in perspective, bilinear. Where four corners give no view (two of
/// them are one point, or three on a line), the image stays.
pub(crate) fn perspective(image: &RgbImage, corners: &Corners, padding: Padding) -> RgbImage {
    let (width, height) = image.dimensions();
    let [right, bottom] = [width, height].map(|length| f64::from(length) - 1.0);
    let Some([a, b, c, d, e, f, g, h]) =
        homography(corners, &[[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    else {
        return image.clone();
    };
    resampled(image, width, height, padding, |y| {
        // torchvision puts the middles of the pixels into the equations, though it solved them for corner pixels.
        let y = f64::from(y) + 0.5;
        (0..width).map(move |x| {
            let x = f64::from(x) + 0.5;
            let nearness = 1.0 / (g * x + h * y + 1.0);
            let place = |a: f64, b: f64, c: f64| fixed((a * x + b * y + c) * nearness - 0.5);
            (place(a, b, c), place(d, e, f))
        })
    })
}

/// The coefficients by which `x' = (a x + b y + c) / (g x + h y + 1)`, `y' = (d x + e y + f) / (g x + h y + 1)` lead
/// from four points to four others; `None` where there are none. Cut to 32 bits, as torchvision does.
fn homography(from: &Corners, to: &Corners) -> Option<[f64; 8]> {
    let mut rows: [[f64; 9]; 8] = std::array::from_fn(|at| {
        let ([x, y], [to_x, to_y]) = (from[at / 2], to[at / 2]);
        if at % 2 == 0 {
            [x, y, 1.0, 0.0, 0.0, 0.0, -to_x * x, -to_x * y, to_x]
        } else {
            [0.0, 0.0, 0.0, x, y, 1.0, -to_y * x, -to_y * y, to_y]
        }
    });
    // Gauss and Jordan's elimination with the largest pivot of a column.
    for column in 0..8 {
        let size = |at: &usize| rows[*at][column].abs();
        let pivot = (column..8).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) < 1e-9 {
            return None;
        }
        rows.swap(column, pivot);
        let pivot_row = rows[column].map(|value| value / rows[column][column]);
        rows[column] = pivot_row;
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[column];
            if at != column && factor != 0.0 {
                row.iter_mut().zip(pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    Some(rows.map(|row| f64::from(row[8] as f32)))
}

/// A coordinate in whole numbers. What is further away than any image is wide is far enough.
fn fixed(value: f64) -> i64 {
    (value.clamp(-1e8, 1e8) * (1_u64 << PLACE_BITS) as f64).round() as i64
}

/// Every pixel of the result mixed where `places` says, row by row.
fn resampled<P: Iterator<Item = (i64, i64)>>(
    image: &RgbImage,
    width: u32,
    height: u32,
    padding: Padding,
    places: impl Fn(u32) -> P,
) -> RgbImage {
    let mut target = RgbImage::new(width, height);
    for (y, row) in (0..).zip(target.chunks_exact_mut(width as usize * 3)) {
        let (pixels, _) = row.as_chunks_mut::<3>();
        for (pixel, (x, y)) in pixels.iter_mut().zip(places(y)) {
            *pixel = bilinear(image, x, y, padding);
        }
    }
    target
}

#[inline]
fn bilinear(image: &RgbImage, x: i64, y: i64, padding: Padding) -> [u8; 3] {
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (left, top) = (x >> PLACE_BITS, y >> PLACE_BITS);
    let share = |place: i64| (place >> (PLACE_BITS - WEIGHT_BITS)) & (ONE - 1);
    let weights = Weights::new(share(x), share(y));
    if (0..width - 1).contains(&left) && (0..height - 1).contains(&top) {
        let stride = image.width() as usize * 3;
        let upper = top as usize * stride + left as usize * 3;
        let (upper, lower) = (&image.as_raw()[upper..], &image.as_raw()[upper + stride..]);
        weights.mixed_within(&upper[..6], &lower[..6])
    } else {
        weights.mixed_at_the_edge(image, left, top, padding)
    }
}

/// How much each of four neighbours counts, [`FULL`] in all: upper left, upper right, lower left, lower right.
struct Weights([u32; 4]);

impl Weights {
    fn new(right: i64, low: i64) -> Weights {
        let (left, high) = (ONE - right, ONE - low);
        Weights([left * high, right * high, left * low, right * low].map(|weight| weight as u32))
    }

    fn mixed_within(&self, upper: &[u8], lower: &[u8]) -> [u8; 3] {
        let [a, b, c, d] = self.0;
        std::array::from_fn(|channel| {
            let sum = a * u32::from(upper[channel])
                + b * u32::from(upper[channel + 3])
                + c * u32::from(lower[channel])
                + d * u32::from(lower[channel + 3]);
            ((sum + (1 << (2 * WEIGHT_BITS - 1))) >> (2 * WEIGHT_BITS)) as u8
        })
    }

    /// With a constant beyond the edge, neighbours there count as black, and what they are mixed with is blended with
    /// the constant by the share that is inside: torchvision blends with the fill after it has sampled zeros.
    fn mixed_at_the_edge(&self, image: &RgbImage, left: i64, top: i64, padding: Padding) -> [u8; 3] {
        let columns = [left, left + 1].map(|x| padding.source_index(x, image.width()));
        let rows = [top, top + 1].map(|y| padding.source_index(y, image.height()));
        let (mut sums, mut inside) = ([0_u64; 3], 0_u64);
        for (weight, (row, column)) in self.0.into_iter().zip([(0, 0), (0, 1), (1, 0), (1, 1)]) {
            if let (Some(x), Some(y)) = (columns[column], rows[row]) {
                inside += u64::from(weight);
                for (sum, level) in sums.iter_mut().zip(image.get_pixel(x, y).0) {
                    *sum += u64::from(weight) * u64::from(level);
                }
            }
        }
        let constant = u64::from(padding.fill) * FULL * (FULL - inside);
        sums.map(|sum| ((sum * inside + constant + FULL * FULL / 2) >> (4 * WEIGHT_BITS)) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::transform::PaddingMode;

    fn sample_image(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]))
    }

    #[test]
    fn a_turn_by_a_quarter_moves_the_right_side_up() {
        let mut image = RgbImage::new(5, 5);
        image.put_pixel(4, 2, image::Rgb([200, 0, 0]));
        let turned = rotated(&image, 90.0, Padding::BLACK, false);
        assert_eq!(turned.get_pixel(2, 0).0, [200, 0, 0]);
    }

    #[test]
    fn a_turned_image_that_may_grow_is_there_as_a_whole() {
        let image = sample_image(20, 10);
        for (degrees, size) in [(0.0, (20, 10)), (90.0, (10, 20)), (-180.0, (20, 10)), (-90.0, (10, 20))] {
            assert_eq!(rotated(&image, degrees, Padding::BLACK, true).dimensions(), size, "{degrees}");
        }
        let there_and_back =
            rotated(&rotated(&image, 90.0, Padding::BLACK, true), -90.0, Padding::BLACK, true);
        assert_eq!(there_and_back, image);
    }

    #[test]
    fn a_pose_at_rest_changes_nothing_and_a_turned_one_turns() {
        let image = sample_image(13, 9);
        for center in [[0.0, 0.0], [-6.5, -4.5]] {
            let matrix = Matrix::inverse_of(Pose { center, ..Pose::default() });
            assert_eq!(transformed(&image, 13, 9, matrix, Padding::BLACK), image);
            assert_eq!(nearest(&image, matrix, 0), image);
        }
        let pose = Pose { degrees: 33.0, ..Pose::default() };
        let turned = transformed(&image, 13, 9, Matrix::inverse_of(pose), Padding::BLACK);
        assert_eq!(turned, rotated(&image, 33.0, Padding::BLACK, false));
    }

    #[test]
    fn places_are_rounded_to_the_even_neighbour_and_never_into_the_image_from_outside() {
        for (place, whole) in
            [(-0.5, 0), (0.49, 0), (0.5, 0), (0.51, 1), (1.5, 2), (2.5, 2), (4e6, 4_000_000)]
        {
            assert_eq!(rounded(place), whole, "{place}");
        }
        for outside in [-0.51, -1.0, -4e6, 5e6, -5e6, 2e7, -2e7, f32::MAX, f32::MIN, f32::INFINITY, f32::NAN]
        {
            assert!(rounded(outside) > 4_000_000, "{outside}");
        }
    }

    #[test]
    fn an_image_of_one_level_stays_so_where_the_padding_is_made_of_it() {
        let image = RgbImage::from_pixel(11, 7, image::Rgb([77, 3, 250]));
        let pose = Pose { degrees: 50.0, translate: [30.0, -9.0], scale: 0.2, ..Pose::default() };
        let corners = [[3.0, 2.0], [9.0, 1.0], [8.0, 5.0], [1.0, 6.0]];
        for mode in [PaddingMode::Reflect, PaddingMode::Edge] {
            let padding = Padding { mode, fill: 0 };
            let posed = transformed(&image, 11, 7, Matrix::inverse_of(pose), padding);
            assert_eq!(posed, image);
            assert_eq!(perspective(&image, &corners, padding), image);
        }
    }

    #[test]
    fn corners_that_give_no_view_leave_the_image_as_it_is() {
        for image in [sample_image(1, 1), sample_image(1, 8), sample_image(6, 1)] {
            let [right, bottom] = [image.width(), image.height()].map(|length| f64::from(length) - 1.0);
            let corners = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
            assert_eq!(perspective(&image, &corners, Padding::BLACK), image);
        }
        let image = sample_image(8, 8);
        assert_eq!(perspective(&image, &[[4.0; 2]; 4], Padding::BLACK), image);
    }
}
