//! The frame around each event of a file (TensorFlow's `TFRecord`): its length, a checksum of the length, the event, a checksum of the
//! event. Checksums are CRC-32C, rotated and moved by a constant, so that a checksum of checksums still says something.

use std::io::{self, ErrorKind, Read};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
/// A file whose next length is greater is damaged, even if its checksum fits: protocol buffers end at 2 GiB.
const LONGEST: u64 = 1 << 31;

/// Adds one framed event.
pub(super) fn append(file: &mut Vec<u8>, event: &[u8]) {
    let length = (event.len() as u64).to_le_bytes();
    file.extend_from_slice(&length);
    file.extend_from_slice(&masked_crc(&length).to_le_bytes());
    file.extend_from_slice(event);
    file.extend_from_slice(&masked_crc(event).to_le_bytes());
}

fn masked_crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An event that is whole.
    Event(Vec<u8>),
    /// The file ends here, between two events.
    End,
    /// The file ends within an event: it was cut off, or is still being written.
    CutOff,
    /// An event of so many bytes whose checksum doesn't fit; the one behind it may be whole.
    Damaged(usize),
    /// A length whose checksum doesn't fit: where the next event begins can't be known.
    Lost,
}

/// Reads the next event.
///
/// # Errors
/// The file can't be read.
pub(super) fn next(file: &mut impl Read) -> io::Result<Next> {
    let mut head = [0; 12];
    match read_up_to(file, &mut head)? {
        0 => return Ok(Next::End),
        12 => {}
        _ => return Ok(Next::CutOff),
    }
    let [length, crc] = [
        head[..8].try_into().map(u64::from_le_bytes),
        head[8..].try_into().map(|crc| u64::from(u32::from_le_bytes(crc))),
    ];
    let (Ok(length), Ok(crc)) = (length, crc) else { return Ok(Next::Lost) };
    if crc != u64::from(masked_crc(&head[..8])) || length > LONGEST {
        return Ok(Next::Lost);
    }
    let mut event = Vec::new();
    // The room grows with what is there, whatever length a file claims.
    if file.take(length).read_to_end(&mut event)? as u64 != length {
        return Ok(Next::CutOff);
    }
    let mut crc = [0; 4];
    if read_up_to(file, &mut crc)? != 4 {
        return Ok(Next::CutOff);
    }
    match u32::from_le_bytes(crc) == masked_crc(&event) {
        true => Ok(Next::Event(event)),
        false => Ok(Next::Damaged(event.len())),
    }
}

/// How much of `into` there was to fill.
fn read_up_to(file: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match file.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        let vectors: [(&[u8], u32); 4] =
            [(&[0; 32], 0x8a91_36aa), (&[0xff; 32], 0x62a8_ab43), (b"123456789", 0xe306_9283), (b"", 0)];
        for (bytes, crc) in vectors {
            assert_eq!(CRC.checksum(bytes), crc, "{bytes:?}");
        }
        // The first twelve bytes of any file that TensorBoard's own writer begins: an event of 24 bytes.
        assert_eq!(masked_crc(&24_u64.to_le_bytes()).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }

    fn read(bytes: &[u8]) -> Vec<Next> {
        let mut file = bytes;
        let mut all = Vec::new();
        loop {
            let read = next(&mut file).unwrap();
            let is_last = !matches!(read, Next::Event(_) | Next::Damaged(_));
            all.push(read);
            if is_last {
                return all;
            }
        }
    }

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_told() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        append(&mut file, b"");
        let [one, two] = [b"one".to_vec(), Vec::new()].map(Next::Event);
        assert_eq!(read(&file), [one, two, Next::End]);
        for length in [1, 11, 12, 14, 18, 20, 34] {
            assert_eq!(*read(&file[..length]).last().unwrap(), Next::CutOff, "{length}");
        }
        let damaged = |at: usize| {
            let mut file = file.clone();
            file[at] ^= 1;
            read(&file)
        };
        assert_eq!(damaged(13), [Next::Damaged(3), Next::Event(Vec::new()), Next::End]);
        assert_eq!(damaged(0), [Next::Lost]);
        assert_eq!(read(&[0xff; 40]), [Next::Lost]);
    }
}
