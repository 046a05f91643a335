//! The random parameters of transforms whose distributions are not simply uniform, as `torchvision.transforms.v2`
//! samples them. How many random numbers are taken may depend on the image's size, never on its levels.

use crate::RandomStream;
use crate::geometry::Area;
use crate::warp::{Corners, Pose};

/// The area of `RandomResizedCrop`: ten tries at a share of the area and a log-uniform aspect ratio, then the largest
/// middle part whose ratio is allowed.
pub(crate) fn inception_area(
    width: u32,
    height: u32,
    scale: [f64; 2],
    ratio: [f64; 2],
    random: &mut RandomStream,
) -> Area {
    let pixels = f64::from(width) * f64::from(height);
    for _ in 0..10 {
        let target = pixels * random.uniform(scale[0], scale[1]);
        let aspect = random.uniform(ratio[0].ln(), ratio[1].ln()).exp();
        let wide = (target * aspect).sqrt().round_ties_even() as u32;
        let high = (target / aspect).sqrt().round_ties_even() as u32;
        if (1..=width).contains(&wide) && (1..=height).contains(&high) {
            let top = random.below(height - high + 1);
            let left = random.below(width - wide + 1);
            return Area { left, top, width: wide, height: high };
        }
    }
    let aspect = f64::from(width) / f64::from(height);
    let (wide, high) = if aspect < ratio[0] {
        (width, ((f64::from(width) / ratio[0]).round_ties_even() as u32).clamp(1, height))
    } else if aspect > ratio[1] {
        (((f64::from(height) * ratio[1]).round_ties_even() as u32).clamp(1, width), height)
    } else {
        (width, height)
    };
    Area { left: (width - wide) / 2, top: (height - high) / 2, width: wide, height: high }
}

/// The rectangle of `RandomErasing`, whose `ratio` is height ÷ width: ten tries at one that is smaller than the
/// image both ways; `None` where none was.
pub(crate) fn erased_area(
    width: u32,
    height: u32,
    scale: [f64; 2],
    ratio: [f64; 2],
    random: &mut RandomStream,
) -> Option<Area> {
    let pixels = f64::from(width) * f64::from(height);
    (0..10).find_map(|_| {
        let target = pixels * random.uniform(scale[0], scale[1]);
        let aspect = random.uniform(ratio[0].ln(), ratio[1].ln()).exp();
        let high = (target * aspect).sqrt().round_ties_even() as u32;
        let wide = (target / aspect).sqrt().round_ties_even() as u32;
        (high < height && wide < width).then(|| {
            let top = random.below(height - high + 1);
            let left = random.below(width - wide + 1);
            Area { left, top, width: wide, height: high }
        })
    })
}

/// The corners of `RandomPerspective`: each moved inwards by whole pixels, up to `distortion` × half the side.
pub(crate) fn corners(width: u32, height: u32, distortion: f64, random: &mut RandomStream) -> Corners {
    let (right, bottom) = (width - 1, height - 1);
    let most = |length: u32| (distortion * f64::from(length / 2)) as u32 + 1;
    // Upper left, upper right, lower right, lower left; of each first x, then y.
    [(false, false), (true, false), (true, true), (false, true)].map(|(is_right, is_low)| {
        let (x, y) = (random.below(most(width)), random.below(most(height)));
        let x = if is_right { right.saturating_sub(x) } else { x };
        let y = if is_low { bottom.saturating_sub(y) } else { y };
        [f64::from(x), f64::from(y)]
    })
}

/// What `RandomAffine` samples, in its order: angle, shift in whole pixels, scale, shear.
pub(crate) fn pose(
    (width, height): (u32, u32),
    degrees: [f64; 2],
    translate: [f64; 2],
    scale: [f64; 2],
    shear: [[f64; 2]; 2],
    random: &mut RandomStream,
) -> Pose {
    let degrees = random.uniform(degrees[0], degrees[1]);
    let [x, y] = [(translate[0], width), (translate[1], height)].map(|(share, length)| {
        let most = share * f64::from(length);
        // Adding 0 takes the sign from a zero, which people would see.
        random.uniform(-most, most).round_ties_even() + 0.0
    });
    let scale = random.uniform(scale[0], scale[1]);
    let shear = shear.map(|[low, high]| random.uniform(low, high));
    Pose { degrees, translate: [x, y], scale, shear, center: [0.0; 2] }
}

/// The order of `ColorJitter`'s four changes.
pub(crate) fn order(random: &mut RandomStream) -> [usize; 4] {
    let mut order = [0, 1, 2, 3];
    for at in (1..4).rev() {
        order.swap(at, random.below(at as u32 + 1) as usize);
    }
    order
}
