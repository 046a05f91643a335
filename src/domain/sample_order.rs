//! What is drawn by seed for a sample goes by its path within its data set: neither the folder where the data set lies nor the
//! number that a database gave the sample has a say. The order of an epoch, which goes by places, is [`vision::shuffled`].

/// A sample's place in an order: 64 bits, evenly spread, a function of seed and path alone.
pub fn rank(seed: u64, path: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(path.as_bytes());
    first_bits(&hasher.finalize())
}

/// What keys a sample's random draws, together with a run's seed and the epoch: 63 bits, not negative.
pub fn draw_key(path: &str) -> i64 {
    (first_bits(&blake3::hash(path.as_bytes())) >> 1).cast_signed()
}

fn first_bits(hash: &blake3::Hash) -> u64 {
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_numbers_never_change() {
        // Another rank is another hold-out, another key other draws: runs would not repeat.
        assert_eq!(rank(3, "cat/01.png"), 13_421_182_424_512_227_178);
        assert_eq!(draw_key("cat/01.png"), 569_361_182_000_036_355);
        assert!((0..1000).all(|at| draw_key(&format!("{at}.png")) >= 0));
    }
}
