//! On drawn images, each with one thing about it.

use super::*;
use IssueKind::{Blank, Blurry, Bright, Dark, ExactDuplicate, ExifTurned, Grey, NearDuplicate, OddSize};
use vision::RandomStream;

const SIDE: u32 = 48;

/// Coloured boxes at random places: sharp, neither dark nor bright, like no other seed's.
fn boxes(seed: u64) -> RgbImage {
    let mut random = RandomStream::new(seed, 1, 1);
    let mut number = |below: u32| random.below(below);
    let mut image = RgbImage::from_pixel(SIDE, SIDE, image::Rgb([0, 1, 2].map(|_| 60 + number(120) as u8)));
    for _ in 0..12 {
        let (left, top, width, height) = (number(SIDE), number(SIDE), 4 + number(20), 4 + number(20));
        let colour = image::Rgb([0, 1, 2].map(|_| 20 + number(216) as u8));
        for y in top..(top + height).min(SIDE) {
            for x in left..(left + width).min(SIDE) {
                image.put_pixel(x, y, colour);
            }
        }
    }
    image
}

fn changed(image: &RgbImage, level: impl Fn(usize, u8) -> f64) -> RgbImage {
    let mut image = image.clone();
    for pixel in image.pixels_mut() {
        for channel in 0..3 {
            pixel.0[channel] = level(channel, pixel.0[channel]).round().clamp(0.0, 255.0) as u8;
        }
    }
    image
}

/// `count` samples of two classes in turn, in train but for every fifth of a class.
fn plain(count: i64) -> Vec<Sample> {
    let split = |id: i64| if id / 2 % 5 == 4 { Split::Val } else { Split::Train };
    (0..count).map(|id| Sample::of(id, (id % 2) as u32, split(id), &boxes(id as u64))).collect()
}

#[test]
fn a_plain_data_set_has_no_issues() {
    let report = report(&plain(200), &["a", "b"]);
    assert_eq!(report.issues.iter().map(|issue| issue.kind).collect::<Vec<_>>(), IssueKind::ALL);
    assert!(report.issues.iter().all(|issue| issue.samples.is_empty()), "{:?}", report.issues);
    assert_eq!((report.samples, report.groups.len()), (200, 0));
    assert_eq!(report.balance.ratio, Some(1.0));
    assert_eq!(report.balance.missing, []);
    assert_eq!(
        report.shortcuts.iter().map(|shortcut| shortcut.feature).collect::<Vec<_>>(),
        ShortcutFeature::ALL
    );
    for shortcut in &report.shortcuts {
        assert_eq!(
            (shortcut.severity, shortcut.chance, shortcut.samples),
            (Severity::None, 0.5, 160),
            "{shortcut:?}"
        );
        assert!(shortcut.lower <= shortcut.balanced_accuracy && shortcut.balanced_accuracy <= shortcut.upper);
    }
}

#[test]
fn every_kind_is_found_and_named_once() {
    let mut samples = plain(100);
    let mut add = |image: &RgbImage| {
        let id = samples.len() as i64;
        samples.push(Sample::of(id, 0, Split::Train, image));
        id
    };
    let dark = add(&changed(&boxes(1000), |_, level| f64::from(level) * 0.2));
    let bright = add(&RgbImage::from_fn(SIDE, SIDE, |x, y| {
        image::Rgb(if x < 10 && y < 10 { [90, 40, 20] } else { [250, 252, 250] })
    }));
    let blurry = add(&image::imageops::blur(&boxes(1002), 6.0));
    let blank = add(&RgbImage::from_pixel(SIDE, SIDE, image::Rgb([90, 120, 130])));
    // Equal in luma, not in colour: there is something to be seen.
    let coloured = add(&RgbImage::from_fn(SIDE, SIDE, |x, _| {
        image::Rgb(if x < 24 { [200, 50, 0] } else { [0, 152, 0] })
    }));
    let odd = add(&RgbImage::from_fn(SIDE * 4, SIDE / 2, |x, y| *boxes(1004).get_pixel(x % SIDE, y)));
    let grey = add(&image::DynamicImage::ImageLuma8(image::imageops::grayscale(&boxes(1005))).into_rgb8());
    let turned = add(&boxes(1006));
    samples[turned as usize].orientation = 6;
    let report = report(&samples, &["a", "b"]);
    for (kind, id) in [
        (Dark, dark),
        (Bright, bright),
        (Blurry, blurry),
        (Blank, blank),
        (OddSize, odd),
        (Grey, grey),
        (ExifTurned, turned),
    ] {
        assert_eq!(found(&report, kind), [id], "{}", kind.as_str());
        let score = report.found(kind)[0].score;
        assert!(score > 0.0 && score <= 1.0, "{}: {score}", kind.as_str());
    }
    assert_eq!(report.found(ExifTurned)[0].value, 6.0);
    assert_eq!(report.found(OddSize)[0].value, 8.0);
    assert!(!found(&report, Blank).contains(&coloured));
    assert_eq!((found(&report, ExactDuplicate), found(&report, NearDuplicate)), (vec![], vec![]));
}

#[test]
fn grey_is_no_issue_where_most_are_grey() {
    let mut samples = plain(20);
    for sample in &mut samples[..11] {
        sample.features.channel_range = 0;
    }
    assert!(found(&report(&samples, &["a", "b"]), Grey).is_empty());
    samples[0].features.channel_range = 90;
    assert_eq!(found(&report(&samples, &["a", "b"]), Grey), (1..11).collect::<Vec<_>>());
}

#[test]
fn groups_tell_wrong_labels_and_leaks_apart() {
    let mut samples = plain(40);
    let mut copy = |of: i64, id: i64, label: u32, split: Split, image: &RgbImage| {
        samples.push(Sample { file_hash: format!("file {of}"), ..Sample::of(id, label, split, image) });
    };
    copy(0, 100, 0, Split::Train, &boxes(0));
    copy(1, 101, 0, Split::Train, &boxes(1));
    copy(2, 102, 0, Split::Val, &boxes(2));
    copy(3, 103, 0, Split::Test, &boxes(3));
    let toned =
        |seed: u64| changed(&boxes(seed), |channel, level| f64::from(level) * 0.85 + 4.0 * channel as f64);
    copy(104, 104, 1, Split::Test, &toned(4));
    copy(105, 105, 1, Split::Train, &toned(3));
    samples.last_mut().unwrap().file_hash = "another".to_owned();
    let report = report(&samples, &["a", "b"]);
    let groups: Vec<_> = report
        .groups
        .iter()
        .map(|group| {
            (group.kind, group.ids.clone(), group.across_classes, group.across_splits, group.same_file)
        })
        .collect();
    assert_eq!(
        groups,
        [
            (ExactDuplicate, vec![0, 100], false, false, true),
            (ExactDuplicate, vec![1, 101], true, false, true),
            (ExactDuplicate, vec![2, 102], false, true, true),
            (ExactDuplicate, vec![3, 103], true, true, true),
            (NearDuplicate, vec![3, 103, 105], true, true, false),
            (NearDuplicate, vec![4, 104], true, true, false),
        ]
    );
    assert_eq!(found(&report, ExactDuplicate), [0, 1, 2, 3, 100, 101, 102, 103]);
    assert_eq!(found(&report, NearDuplicate), [3, 4, 103, 104, 105]);
}

#[test]
fn many_alike_are_one_group_in_bounded_time() {
    // A film: neighbours differ by a little noise, all are alike.
    let scene = boxes(7);
    let frame = |seed: usize| {
        let mut frame = scene.clone();
        for (place, level) in frame.iter_mut().enumerate() {
            *level = level.wrapping_add(u8::from((place * 31 + seed * 17).is_multiple_of(97)));
        }
        frame
    };
    let samples: Vec<Sample> =
        (0..1500).map(|id| Sample::of(id, 0, Split::Train, &frame(id as usize))).collect();
    let report = report(&samples, &["a"]);
    let near: Vec<_> = report.groups.iter().filter(|group| group.kind == NearDuplicate).collect();
    assert_eq!((near.len(), near[0].ids.len()), (1, 1500));
    assert_eq!(report.shortcuts, []);
}

#[test]
fn another_colour_is_another_image() {
    let lamp = |colour: [u8; 3]| {
        RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let far = (x as f32 - 24.0).hypot(y as f32 - 24.0);
            image::Rgb(if far < 14.0 { colour } else { [20, 20, 22] })
        })
    };
    // Of equal luma.
    let samples = [[200, 60, 40], [40, 139, 50]].map(lamp);
    let of = |id: usize| Sample::of(id as i64, id as u32, Split::Train, &samples[id]);
    assert_eq!(report(&[of(0), of(1)], &["red", "green"]).groups, []);
}

#[test]
fn balance_counts_train_and_names_what_is_missing() {
    let mut samples = plain(20);
    samples.retain(|sample| sample.label == 0 || sample.split == Split::Train);
    samples[1].label = 2;
    let balance = report(&samples, &["a", "b", "c", "d"]).balance;
    let count = |class: &str, count| Some(TrainCount { class: class.to_owned(), count });
    assert_eq!((balance.largest, balance.smallest), (count("a", 8), count("c", 1)));
    assert_eq!(balance.ratio, Some(8.0));
    let missing: Vec<_> =
        balance.missing.iter().map(|gap| (gap.class.as_str(), gap.splits.as_slice())).collect();
    assert_eq!(missing, [("b", &[Split::Val][..]), ("c", &[Split::Val]), ("d", &[Split::Train, Split::Val])]);
}

#[test]
fn each_cue_is_found_where_it_is_and_nowhere_else() {
    let strong = |samples: &[Sample]| {
        let report = report(samples, &["a", "b"]);
        let of_grade = |shortcut: &&Shortcut| shortcut.severity == Severity::Strong;
        report.shortcuts.iter().filter(of_grade).map(|shortcut| shortcut.feature).collect::<Vec<_>>()
    };
    let mut larger = plain(100);
    let mut heavier = plain(100);
    let mut framed = plain(100);
    for id in (1..100).step_by(2) {
        let image = boxes(id as u64);
        larger[id].width += 5 + id as u32 / 20;
        heavier[id].format = "jpeg";
        let mut with_frame = image.clone();
        for at in 0..SIDE {
            for (x, y) in [(at, 0), (at, SIDE - 1), (0, at), (SIDE - 1, at)] {
                with_frame.put_pixel(x, y, image::Rgb([120, 40, 200]));
            }
        }
        framed[id] = Sample { ..Sample::of(id as i64, 1, framed[id].split, &with_frame) };
    }
    // The area stands in the bytes per pixel too.
    assert_eq!(strong(&larger)[0], ShortcutFeature::Size);
    assert_eq!(strong(&heavier), [ShortcutFeature::File]);
    assert_eq!(strong(&framed), [ShortcutFeature::Border]);
}

#[test]
fn the_report_is_the_same_in_any_order_and_as_json() {
    let mut samples = plain(60);
    samples.push(Sample { id: 900, ..samples[3].clone() });
    let forwards = report(&samples, &["a", "b"]);
    samples.reverse();
    assert_eq!(report(&samples, &["a", "b"]), forwards);
    let json = serde_json::to_string(&forwards).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&read.issues, &read.groups, &read.balance),
        (&forwards.issues, &forwards.groups, &forwards.balance)
    );
    // Reading a number may miss its last bit.
    for (read, written) in read.shortcuts.iter().zip(&forwards.shortcuts) {
        assert!((read.balanced_accuracy - written.balanced_accuracy).abs() < 1e-12);
        assert_eq!(
            (read.feature, read.severity, &read.columns),
            (written.feature, written.severity, &written.columns)
        );
    }
    for kind in IssueKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(IssueKind::from_word(kind.as_str()), Some(kind));
    }
    for cue in ShortcutFeature::ALL {
        assert_eq!(serde_json::to_value(cue).unwrap(), cue.as_str());
    }
}

#[test]
fn nothing_to_examine() {
    let nothing = report(&[], &[]);
    assert_eq!((nothing.samples, nothing.groups.len(), nothing.shortcuts.len()), (0, 0, 0));
    assert_eq!((nothing.balance.ratio, nothing.balance.largest), (None, None));
}
