//! Which image format some bytes have, by their content (sniffing), and whether a JPEG is complete.

use image::ImageFormat;

/// What the content of a file shows of its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// There are no bytes.
    Empty,
    /// A format that can be decoded.
    Format(ImageFormat),
    /// An image format, or a format of documents, that can't be decoded here; its name.
    Unsupported(&'static str),
    /// No known image format.
    Unknown,
}

/// The format of these bytes.
pub(crate) fn sniff(bytes: &[u8]) -> Sniffed {
    if bytes.is_empty() {
        return Sniffed::Empty;
    }
    if let Some(name) = unsupported_format(bytes) {
        return Sniffed::Unsupported(name);
    }
    // TGA has no signature in front, but its second version has one at the end.
    let is_tga = bytes.ends_with(b"TRUEVISION-XFILE.\0");
    let format = image::guess_format(bytes).ok().or(is_tga.then_some(ImageFormat::Tga));
    format.map_or(Sniffed::Unknown, Sniffed::Format)
}

/// Whether a file that begins with these bytes is an image, be it of a format that can't be decoded here.
pub fn is_image(head: &[u8]) -> bool {
    matches!(sniff(head), Sniffed::Format(_) | Sniffed::Unsupported(_))
}

/// Formats that people have and that can't be decoded here. To call them "not an image" would be wrong.
fn unsupported_format(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(usize, &[u8], &str); 13] = [
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
    SIGNATURES.iter().find(matching).map(|(_, _, name)| *name)
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
pub(crate) fn jpeg_is_complete(bytes: &[u8]) -> bool {
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
    fn formats_are_recognized_by_content() {
        assert_eq!(sniff(b""), Sniffed::Empty);
        assert_eq!(sniff(b"hello"), Sniffed::Unknown);
        assert_eq!(sniff(b"GIF89a..."), Sniffed::Format(ImageFormat::Gif));
        assert_eq!(sniff(b"...TRUEVISION-XFILE.\0"), Sniffed::Format(ImageFormat::Tga));
        assert_eq!(sniff(b"\0\0\0\x18ftypheic\0\0"), Sniffed::Unsupported("heic"));
    }

    #[test]
    fn the_end_of_a_jpeg_is_the_marker_outside_of_segments() {
        let comment = b"\xff\xd8\xff\xfe\x00\x06ab\xff\xd9";
        assert!(!jpeg_is_complete(comment));
        assert!(jpeg_is_complete(
            &[comment.as_slice(), b"\xff\xda\x00\x02pixels\xff\x00\xff\xd0\xff\xff\xd9"].concat()
        ));
        assert!(!jpeg_is_complete(
            &[comment.as_slice(), b"\xff\xda\x00\x02pixels\xff\x00\xff\xd0\xff"].concat()
        ));
        assert!(!jpeg_is_complete(b"\xff\xd8\xff\xfe\xff\xff"));
        assert!(!jpeg_is_complete(b"\xff"));
    }
}
