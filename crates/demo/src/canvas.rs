//! Shapes painted over each other on a square of 64 pixels. Knows nothing of cats.

use crate::dice::Dice;
use image::RgbImage;

/// Side of an image, pixels.
pub(crate) const SIDE: u32 = 64;
/// Points looked at along each side of a pixel.
const SAMPLES: u32 = 3;

/// A place in a figure's own square: from -1 to 1, x to the right, y down.
pub(crate) type Xy = (f32, f32);
/// Red, green, blue, 0 to 1.
pub(crate) type Rgb = [f32; 3];

/// An outline.
pub(crate) enum Shape {
    /// Centre, radii, clockwise turn in degrees.
    Ellipse(Xy, Xy, f32),
    /// Corners.
    Polygon(Vec<Xy>),
    /// A thick line with round ends: from, to, width.
    Line(Xy, Xy, f32),
}

impl Shape {
    fn contains(&self, (x, y): Xy) -> bool {
        match self {
            Shape::Ellipse((cx, cy), (rx, ry), degrees) => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                let (dx, dy) = (x - cx, y - cy);
                let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
                u * u + v * v <= 1.0
            }
            Shape::Polygon(corners) => {
                let mut inside = false;
                for (at, &(ax, ay)) in corners.iter().enumerate() {
                    let (bx, by) = corners[(at + 1) % corners.len()];
                    if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                        inside = !inside;
                    }
                }
                inside
            }
            Shape::Line((ax, ay), (bx, by), width) => {
                let (dx, dy) = (bx - ax, by - ay);
                let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
                let (px, py) = (ax + along * dx - x, ay + along * dy - y);
                px * px + py * py <= width * width / 4.0
            }
        }
    }
}

/// What a shape is filled with.
#[derive(Clone, Copy)]
pub(crate) enum Paint {
    /// One colour.
    Plain(Rgb),
    /// Two colours in stripes across: count over the figure, and slant.
    Stripes(Rgb, Rgb, f32, f32),
    /// Spots of the second colour on the first: size, and a number that places them.
    Spots(Rgb, Rgb, f32, f32),
}

impl Paint {
    fn at(&self, (x, y): Xy) -> Rgb {
        match *self {
            Paint::Plain(colour) => colour,
            Paint::Stripes(one, other, count, slant) => {
                if ((x * slant + y) * count).rem_euclid(1.0) < 0.5 {
                    one
                } else {
                    other
                }
            }
            Paint::Spots(one, other, size, place) => {
                let wave = ((x + place) / size).sin() + ((y * 1.3 - place) / size).sin();
                if wave > 0.9 { other } else { one }
            }
        }
    }

    /// The colour that most of it has.
    pub(crate) fn main(&self) -> Rgb {
        match *self {
            Paint::Plain(colour) | Paint::Stripes(colour, ..) | Paint::Spots(colour, ..) => colour,
        }
    }
}

/// Shapes in the order of painting.
pub(crate) type Figure = Vec<(Shape, Paint)>;

/// Where a figure stands.
pub(crate) struct Pose {
    /// Its centre, in the image's square.
    pub(crate) centre: Xy,
    /// Half its height, in the image's square.
    pub(crate) size: f32,
    /// Width by height.
    pub(crate) stretch: f32,
    /// Clockwise, degrees.
    pub(crate) turn: f32,
    /// Whether left and right are exchanged.
    pub(crate) mirrored: bool,
}

impl Pose {
    /// A place of the image in the figure's square.
    fn undo(&self, (x, y): Xy) -> Xy {
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let (dx, dy) = ((x - self.centre.0) / self.size, (y - self.centre.1) / self.size);
        let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
        (u / self.stretch * if self.mirrored { -1.0 } else { 1.0 }, v)
    }
}

/// Paints a figure before its background, in a light of its own, with a little noise.
pub(crate) fn paint(background: &Figure, figure: &Figure, pose: &Pose, dice: &mut Dice) -> RgbImage {
    let light = dice.between(0.75, 1.15);
    let slope = (dice.between(-0.15, 0.15), dice.between(-0.15, 0.15));
    let warmth = dice.between(-0.05, 0.05);
    let noise = dice.between(0.005, 0.035);
    let mut image = RgbImage::new(SIDE, SIDE);
    for (px, py, pixel) in image.enumerate_pixels_mut() {
        let mut sum = [0.0; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let place = |pixel: u32, part: u32| {
                (pixel as f32 + (part as f32 + 0.5) / SAMPLES as f32) / SIDE as f32 * 2.0 - 1.0
            };
            let point = (place(px, sample % SAMPLES), place(py, sample / SAMPLES));
            let own = pose.undo(point);
            let top = |figure: &Figure, at: Xy| {
                figure.iter().rev().find(|(shape, _)| shape.contains(at)).map(|(_, paint)| paint.at(at))
            };
            let colour = top(figure, own).or_else(|| top(background, point)).unwrap_or([0.5; 3]);
            for (sum, value) in sum.iter_mut().zip(colour) {
                *sum += value;
            }
        }
        let (x, y) = (px as f32 / SIDE as f32 - 0.5, py as f32 / SIDE as f32 - 0.5);
        let shade = light + slope.0 * x + slope.1 * y;
        let grain = dice.between(-noise, noise);
        let tint = [1.0 + warmth, 1.0, 1.0 - warmth];
        for (channel, value) in pixel.0.iter_mut().enumerate() {
            let mean = sum[channel] / (SAMPLES * SAMPLES) as f32;
            *value = ((mean * shade * tint[channel] + grain).clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
    image
}

/// A colour from hue (degrees), saturation and value.
pub(crate) fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let k = (offset + hue / 60.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}

/// Whether a colour is green to the eye: neither grey nor of another hue.
#[cfg(test)]
pub(crate) fn is_green([red, green, blue]: Rgb) -> bool {
    green > red * 1.15 && green > blue * 1.15 && green > 0.15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_hold_what_is_in_them() {
        let tilted = Shape::Ellipse((0.0, 0.0), (1.0, 0.2), 90.0);
        assert!(tilted.contains((0.0, 0.9)) && !tilted.contains((0.9, 0.0)));
        let triangle = Shape::Polygon(vec![(0.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]);
        assert!(triangle.contains((0.0, 0.0)) && !triangle.contains((0.9, -0.5)));
        let line = Shape::Line((-1.0, 0.0), (1.0, 0.0), 0.2);
        assert!(line.contains((0.5, 0.09)) && !line.contains((0.5, 0.11)));
    }

    #[test]
    fn hues_are_where_they_belong() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert_eq!(hsv(120.0, 1.0, 0.5), [0.0, 0.5, 0.0]);
        assert_eq!(hsv(240.0, 0.0, 0.3), [0.3; 3]);
        assert!(is_green(hsv(110.0, 0.6, 0.5)) && !is_green(hsv(30.0, 0.6, 0.5)));
    }

    #[test]
    fn a_turned_pose_is_undone() {
        let pose = Pose { centre: (0.2, 0.0), size: 0.5, stretch: 1.0, turn: 90.0, mirrored: false };
        let (x, y) = pose.undo((0.2, 0.5));
        assert!((x - 1.0).abs() < 1e-6 && y.abs() < 1e-6, "{x} {y}");
    }
}
