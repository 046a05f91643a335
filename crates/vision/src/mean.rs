//! The mean of many images: what a class looks like where it always looks the same.

use crate::geometry::Area;
use crate::resize::{Kernel, resized};
use image::RgbImage;

/// Adds images up. The sums are whole numbers, so neither the order nor the threads that add make a difference.
#[derive(Clone, Debug)]
pub struct MeanImage {
    side: u32,
    /// Levels summed up, RGB pixels row by row.
    sums: Vec<u64>,
    count: u64,
}

impl MeanImage {
    /// Of no images yet, `side` × `side` pixels (1 to 1024 count).
    pub fn new(side: u32) -> MeanImage {
        let side = side.clamp(1, 1024);
        MeanImage { side, sums: vec![0; 3 * (side * side) as usize], count: 0 }
    }

    /// Adds an image, whatever its shape: it is stretched to the square, so that nothing of it is left out.
    pub fn add(&mut self, image: &RgbImage) {
        let small = resized(image, Area::whole(image), self.side, self.side, Kernel::SMOOTH);
        for (sum, level) in self.sums.iter_mut().zip(small.as_raw()) {
            *sum += u64::from(*level);
        }
        self.count += 1;
    }

    /// Adds all that another has.
    ///
    /// # Panics
    /// Where the other is of another size.
    #[must_use]
    pub fn with(mut self, other: &MeanImage) -> MeanImage {
        assert_eq!(self.side, other.side, "mean images of different sizes");
        for (sum, more) in self.sums.iter_mut().zip(&other.sums) {
            *sum += more;
        }
        self.count += other.count;
        self
    }

    /// The mean, each level rounded; `None` of no images.
    pub fn finish(&self) -> Option<RgbImage> {
        let count = self.count;
        let levels = self.sums.iter().map(|sum| ((sum + count / 2) / count.max(1)) as u8).collect();
        RgbImage::from_raw(self.side, self.side, levels).filter(|_| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_the_levels_whoever_adds_them() {
        let flat = |levels| RgbImage::from_pixel(6, 3, image::Rgb(levels));
        let images = [flat([0, 10, 255]), flat([1, 20, 255]), flat([1, 30, 0]), flat([1, 41, 0])];
        let mut all = MeanImage::new(2);
        assert_eq!(all.finish(), None);
        images.iter().for_each(|image| all.add(image));
        // 0.75, 25.25 and 127.5 are rounded, halves up.
        assert_eq!(all.finish().unwrap(), RgbImage::from_pixel(2, 2, image::Rgb([1, 25, 128])));
        let half = |part: &[RgbImage]| {
            let mut half = MeanImage::new(2);
            part.iter().for_each(|image| half.add(image));
            half
        };
        let (first, second) = images.split_at(1);
        assert_eq!(half(second).with(&half(first)).finish(), all.finish());
    }

    #[test]
    fn an_image_of_the_same_size_is_added_as_it_is() {
        let image = RgbImage::from_fn(8, 8, |x, y| image::Rgb([x as u8 * 30, y as u8 * 30, 7]));
        let mut mean = MeanImage::new(8);
        mean.add(&image);
        assert_eq!(mean.finish(), Some(image));
    }
}
