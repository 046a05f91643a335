//! Which training samples make an epoch, in which order: a function of seed and epoch.

use protocol::spec::Sampling;

/// A place in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleDraw {
    /// Which sample, by its position among those of the training split.
    pub position: usize,
    /// How often it came before in the same epoch.
    pub repeat: u32,
}

/// The order of an epoch of samples with these labels.
pub fn order(sampling: Sampling, labels: &[u32], seed: u64, epoch: u32) -> Vec<SampleDraw> {
    let shuffled = vision::shuffled(labels.len(), seed, epoch);
    if sampling == Sampling::Shuffled {
        return shuffled.into_iter().map(|position| SampleDraw { position, repeat: 0 }).collect();
    }
    // Of each class its samples in a new order.
    let mut classes: Vec<Vec<usize>> =
        vec![Vec::new(); labels.iter().max().map_or(0, |most| *most as usize + 1)];
    for &position in &shuffled {
        classes[labels[position] as usize].push(position);
    }
    classes.retain(|positions| !positions.is_empty());
    let (count, all) = (classes.len(), labels.len());
    let mut draws = Vec::with_capacity(all);
    for (number, positions) in classes.iter().enumerate() {
        // What does not divide goes to other classes in each epoch.
        let has_one_more = (number + epoch as usize) % count < all % count;
        for at in 0..all / count + usize::from(has_one_more) {
            let repeat = (at / positions.len()) as u32;
            draws.push(SampleDraw { position: positions[at % positions.len()], repeat });
        }
    }
    // The same shuffle as of the samples would be no new one: the classes would lie as the samples did.
    vision::shuffled(all, seed.rotate_left(32) ^ 1, epoch).into_iter().map(|at| draws[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn shuffled_takes_each_once() {
        let order = order(Sampling::Shuffled, &[0, 1, 1, 0, 2], 7, 3);
        let positions: HashSet<usize> = order.iter().map(|draw| draw.position).collect();
        assert_eq!((positions.len(), order.len()), (5, 5));
        assert!(order.iter().all(|draw| draw.repeat == 0));
    }

    #[test]
    fn balanced_takes_as_many_of_each_class() {
        // 16 of class 0, 3 of class 1, none of class 2, 1 of class 3.
        let labels: Vec<u32> = (0..20)
            .map(|at| {
                if at < 16 {
                    0
                } else if at < 19 {
                    1
                } else {
                    3
                }
            })
            .collect();
        let mut seen = HashSet::new();
        for epoch in 1..=12 {
            let draws = order(Sampling::Balanced, &labels, 7, epoch);
            assert_eq!(draws.len(), 20);
            let of = |label| draws.iter().filter(|draw| labels[draw.position] == label).count();
            let mut counts = [of(0), of(1), of(3)];
            counts.sort_unstable();
            assert_eq!(counts, [6, 7, 7]);
            // None is drawn twice in the same way.
            let different: HashSet<(usize, u32)> =
                draws.iter().map(|draw| (draw.position, draw.repeat)).collect();
            assert_eq!(different.len(), 20);
            seen.extend(draws.iter().map(|draw| draw.position));
            assert_eq!(draws, order(Sampling::Balanced, &labels, 7, epoch));
            assert_ne!(draws, order(Sampling::Balanced, &labels, 7, epoch + 1));
            // No class behind the other.
            let first: HashSet<u32> = draws[..10].iter().map(|draw| labels[draw.position]).collect();
            assert!(first.len() > 1, "{draws:?}");
        }
        assert_eq!(seen.len(), 20, "what one epoch leaves out others take");
    }
}
