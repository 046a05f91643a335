//! MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019): what is done to a batch rather than to a picture, as
//! `torchvision.transforms.v2` does it. The partner of sample `i` is sample `i - 1`, that of the first is the last:
//! the batch has to be shuffled. Labels are mixed by the share that stays of the sample itself: `lambda` of its own
//! label and `1 - lambda` of its partner's.

use crate::Draw;

/// A part of every picture of a batch, pixels; right and bottom are not within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutBox {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Column behind the last.
    pub right: u32,
    /// Row behind the last.
    pub bottom: u32,
}

/// The share that stays of each sample in [`mixup`]: Beta(`alpha`, `alpha`), `alpha` above 0.
pub fn draw_lambda(alpha: f64, draw: &mut Draw) -> f64 {
    // The share of one of two Gamma draws in their sum, by logarithms: for a small alpha both may be tiny.
    let (one, other) = (log_gamma_draw(alpha, draw), log_gamma_draw(alpha, draw));
    1.0 / (1.0 + (other - one).exp())
}

/// The logarithm of a draw from Gamma(`shape`, 1): Marsaglia and Tsang's (2000) for a shape above 1, made smaller by
/// a power of a uniform draw.
fn log_gamma_draw(shape: f64, draw: &mut Draw) -> f64 {
    let d = shape + 1.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    // In 0..1, but never 0, under logarithms.
    let unit = |draw: &mut Draw| 1.0 - draw.uniform(0.0, 1.0);
    loop {
        let x = draw.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && unit(draw).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln() + unit(draw).ln() / shape;
        }
    }
}

/// The part of [`cutmix`], and the share that stays of each sample: a box of `1 - Beta(alpha, alpha)` of the area
/// about a random pixel, cut at the edges, after which the share is what it really is.
pub fn draw_cut_box(alpha: f64, height: u32, width: u32, draw: &mut Draw) -> (CutBox, f64) {
    let reach = 0.5 * (1.0 - draw_lambda(alpha, draw)).sqrt();
    let mut side = |length: u32| {
        let middle = draw.below(length);
        let half = (reach * f64::from(length)) as u32;
        (middle.saturating_sub(half), (middle + half).min(length))
    };
    let ((left, right), (top, bottom)) = (side(width), side(height));
    let cut = f64::from(right - left) * f64::from(bottom - top);
    let lambda = 1.0 - cut / (f64::from(width) * f64::from(height));
    (CutBox { left, top, right, bottom }, lambda)
}

/// `lambda` of each sample and `1 - lambda` of the one before it. The batch holds samples of `per_sample` values.
pub fn mixup(batch: &mut [f32], per_sample: usize, lambda: f64) {
    let (own, other) = (lambda as f32, (1.0 - lambda) as f32);
    each_with_partner(batch, per_sample, |sample, partner| {
        for (value, partner) in sample.iter_mut().zip(partner) {
            *value = partner * other + *value * own;
        }
    });
}

/// In each sample the box replaced by that of the sample before it. The batch holds samples of this shape: channels,
/// height, width; the box lies within.
pub fn cutmix(batch: &mut [f32], [channels, height, width]: [usize; 3], cut: CutBox) {
    let [left, top, right, bottom] = [cut.left, cut.top, cut.right, cut.bottom].map(|side| side as usize);
    each_with_partner(batch, channels * height * width, |sample, partner| {
        for row in (0..channels).flat_map(|channel| channel * height + top..channel * height + bottom) {
            let places = row * width + left..row * width + right;
            sample[places.clone()].copy_from_slice(&partner[places]);
        }
    });
}

/// Calls with each sample and the one before it, both as they were.
fn each_with_partner(batch: &mut [f32], per_sample: usize, change: impl Fn(&mut [f32], &[f32])) {
    let samples = batch.len() / per_sample.max(1);
    if samples == 0 {
        return;
    }
    let last = batch[(samples - 1) * per_sample..samples * per_sample].to_vec();
    // From the end, so that a partner is not changed yet.
    for at in (1..samples).rev() {
        let (before, from_here) = batch.split_at_mut(at * per_sample);
        change(&mut from_here[..per_sample], &before[(at - 1) * per_sample..]);
    }
    change(&mut batch[..per_sample], &last);
}
