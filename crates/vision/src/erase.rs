//! A rectangle of an image replaced.

use crate::RandomStream;
use crate::geometry::Area;
use image::RgbImage;
use protocol::transform::Erasure;

/// Replaces the area by one level, or by levels sampled uniformly from 0 to 255, as Zhong et al. (2017) have it.
/// (torchvision's noise is standard normal whatever the numbers stand for, which on 8-bit levels is next to black.)
pub(crate) fn erase(image: &mut RgbImage, area: Area, with: Erasure, fill: u8, random: &mut RandomStream) {
    let stride = image.width() as usize * 3;
    let rows = image.chunks_exact_mut(stride).skip(area.top as usize).take(area.height as usize);
    for row in rows {
        let levels = &mut row[area.left as usize * 3..][..area.width as usize * 3];
        match with {
            Erasure::Constant => levels.fill(fill),
            Erasure::Noise => random.fill(levels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_alone_is_replaced() {
        let plain = RgbImage::from_pixel(9, 7, image::Rgb([5; 3]));
        let area = Area { left: 2, top: 1, width: 4, height: 6 };
        let inside = |x: u32, y: u32| (2..6).contains(&x) && (1..7).contains(&y);
        let erased = |with, sample| {
            let mut image = plain.clone();
            erase(&mut image, area, with, 200, &mut RandomStream::new(1, 1, sample));
            image
        };
        let constant = erased(Erasure::Constant, 1);
        for (x, y, pixel) in constant.enumerate_pixels() {
            assert_eq!(pixel.0, [if inside(x, y) { 200 } else { 5 }; 3]);
        }
        let noise = erased(Erasure::Noise, 1);
        assert!(noise.enumerate_pixels().all(|(x, y, pixel)| inside(x, y) || pixel.0 == [5; 3]));
        assert_eq!(noise, erased(Erasure::Noise, 1));
        assert_ne!(noise, erased(Erasure::Noise, 2));
    }
}
