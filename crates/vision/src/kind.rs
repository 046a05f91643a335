//! What kind of picture some bytes are, told by their content, and whether a JPEG is all there.

use crate::decode::DecodeError;
use image::ImageFormat;

/// The kind of picture, where it is one that can be read.
pub(crate) fn kind_of(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    if let Some(format) = unreadable_kind(bytes) {
        let why = "convert it to JPEG or PNG first".into();
        return Err(DecodeError::Unsupported { format, why });
    }
    // TGA has no signature in front, but its second version has one at the end.
    let is_tga = bytes.ends_with(b"TRUEVISION-XFILE.\0");
    image::guess_format(bytes).ok().or(is_tga.then_some(ImageFormat::Tga)).ok_or(DecodeError::NotAnImage)
}

/// Whether a file that begins with these bytes is an image, be it of a kind that can't be read here.
pub fn is_image(head: &[u8]) -> bool {
    matches!(kind_of(head), Ok(_) | Err(DecodeError::Unsupported { .. }))
}

/// Kinds that people have and that can't be read here. To call them "not a picture" would be wrong.
fn unreadable_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(usize, &[u8], &str); 13] = [
        (4, b"ftypheic", "heic"),
        (4, b"ftypheix", "heic"),
        (4, b"ftypheim", "heic"),
        (4, b"ftyphevc", "heic"),
        (4, b"ftypmif1", "heif"),
        (4, b"ftypavif", "avif"),
        (4, b"ftypavis", "avif"),
        (4, b"jP  \r\n\x87\n", "jpeg 2000"),
        (4, b"JXL \r\n\x87\n", "jpeg xl"),
        (0, b"\xff\x0a", "jpeg xl"),
        (0, b"8BPS", "photoshop"),
        (0, b"<svg", "svg"),
        (0, b"%PDF-", "pdf"),
    ];
    let matching = |(at, signature, _): &&(usize, &[u8], &str)| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(signature))
    };
    KINDS.iter().find(matching).map(|(_, _, name)| *name)
}

/// `jpeg`, `png` …
pub(crate) fn name_of(format: ImageFormat) -> &'static str {
    format.extensions_str().first().map_or("unknown", |name| match *name {
        "jpg" => "jpeg",
        "pbm" => "pnm",
        name => name,
    })
}

/// Whether the end marker is there: walks over the segments, so that the end of a thumbnail within one does not count.
pub(crate) fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2; // the start marker
    loop {
        let Some(ahead) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0xff)) else {
            return false;
        };
        at += ahead + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xd9) => return true,
            // Segments that give their length; what is between them, coded pixels above all, is searched.
            Some(0xc0..=0xcf | 0xda..=0xef | 0xfe) => match bytes.get(at + 1..at + 3) {
                Some(length) => at += 1 + usize::from(length[0]) * 256 + usize::from(length[1]),
                None => return false,
            },
            Some(0xff) => {}    // filling: this may be the start of a marker
            Some(_) => at += 1, // a stuffed 0xff among the coded pixels, or a restart
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert!(matches!(kind_of(b""), Err(DecodeError::Empty)));
        assert!(matches!(kind_of(b"hello"), Err(DecodeError::NotAnImage)));
        assert!(matches!(kind_of(b"GIF89a..."), Ok(ImageFormat::Gif)));
        assert!(matches!(kind_of(b"...TRUEVISION-XFILE.\0"), Ok(ImageFormat::Tga)));
        assert_eq!(
            kind_of(b"\0\0\0\x18ftypheic\0\0").unwrap_err().to_string(),
            "a heic picture that can't be read here: convert it to JPEG or PNG first"
        );
    }

    #[test]
    fn the_end_of_a_jpeg_is_the_marker_outside_of_segments() {
        let comment = b"\xff\xd8\xff\xfe\x00\x06ab\xff\xd9";
        assert!(!jpeg_is_whole(comment));
        assert!(jpeg_is_whole(
            &[comment.as_slice(), b"\xff\xda\x00\x02pixels\xff\x00\xff\xd0\xff\xff\xd9"].concat()
        ));
        assert!(!jpeg_is_whole(
            &[comment.as_slice(), b"\xff\xda\x00\x02pixels\xff\x00\xff\xd0\xff"].concat()
        ));
        assert!(!jpeg_is_whole(b"\xff\xd8\xff\xfe\xff\xff"));
        assert!(!jpeg_is_whole(b"\xff"));
    }
}
