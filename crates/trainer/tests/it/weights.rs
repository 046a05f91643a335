//! Weights from files: PyTorch's own in both forms, and those that are damaged or mean harm.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tch::Kind;
use tintype_trainer::weights;

fn reference(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    std::fs::read(path).unwrap()
}

const FILES: [&str; 2] = ["tensors.pth", "tensors-legacy.pth"];

#[test]
fn both_of_pytorchs_forms_give_the_tensors_that_were_saved() {
    type Expected = BTreeMap<String, (Vec<i64>, Vec<f64>)>;
    let expected: Expected = serde_json::from_slice(&reference("tensors.json")).unwrap();
    for file in FILES {
        let tensors = weights::from_bytes(&reference(file)).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, (shape, numbers)) in &expected {
            let tensor = &tensors[name];
            assert_eq!(tensor.size(), *shape, "{name} of {file}");
            let whole = name.ends_with("num_batches_tracked");
            assert_eq!(tensor.kind(), if whole { Kind::Int64 } else { Kind::Float }, "{name}");
            let ours = Vec::<f64>::try_from(&tensor.to_kind(Kind::Double).reshape([-1])).unwrap();
            assert_eq!(ours, *numbers, "{name} of {file}");
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_in_words() {
    for file in FILES {
        let bytes = reference(file);
        for length in 0..bytes.len() {
            let why = weights::from_bytes(&bytes[..length]).err();
            assert!(why.is_some_and(|why| why.starts_with("it ")), "{file} cut off at {length}");
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_read_or_refused_and_nothing_else() {
    for file in FILES {
        let bytes = reference(file);
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                // It must come back: no panic, no endless loop, no memory beyond the file's.
                let _ = weights::from_bytes(&changed);
            }
        }
    }
}

/// A file of the older form whose dictionary is `pickle`.
fn legacy(pickle: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
    bytes.extend(b"\x80\x02}X\x0d\0\0\0little_endian\x88s.");
    bytes.extend(pickle);
    bytes.extend(b"\x80\x02].");
    bytes
}

#[test]
fn what_is_not_a_state_dict_is_refused_by_name_and_not_run() {
    let nested = [b"\x80\x02".to_vec(), b")".to_vec(), b"\x85".repeat(1_000_000), b".".to_vec()].concat();
    let endless = [b"\x80\x02}".to_vec(), b"N0".repeat(10)].concat();
    for (pickle, expected) in [
        (&b"\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R."[..], "posix.system"),
        (b"\x80\x02}X\x05\0\0\0epochK\x07s.", "“epoch” is a whole number"),
        (b"\x80\x02].", "a list, not a dictionary"),
        (b"\x80\x02X\xff\xff\xff\xff.", "cut off"),
        (b"\x80\x02}h\x07.", "recalls"),
        (b"\x80\x02}\x94.", "operation (0x94)"),
        (&nested, "a tuple, not a dictionary"),
        (&endless, "operation (0x30)"),
    ] {
        let why = weights::from_bytes(&legacy(pickle)).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
    assert!(weights::from_bytes(&legacy(b"\x80\x02}.")).unwrap().is_empty());
}

#[test]
fn a_tensor_that_claims_more_than_its_storage_holds_is_refused() {
    // A storage of one number, and tensors that would be larger than any memory.
    let file = |shape: &[u8], stride: &[u8], count: &[u8]| {
        let mut pickle = b"\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((".to_vec();
        pickle.extend(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu");
        pickle.extend(
            [count, b"NtQK\0(", shape, b"t(", stride, b"t\x89NtRs.\x80\x02]X\x01\0\0\x000a."].concat(),
        );
        let mut bytes = legacy(&pickle);
        bytes.truncate(bytes.len() - 4); // The list of no storages.
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
        weights::from_bytes(&bytes)
    };
    let one = file(b"K\x01", b"K\x01", b"K\x01").unwrap();
    assert_eq!(one["a"].double_value(&[0]), 1.0);
    assert!(file(b"K\x02", b"K\x01", b"K\x01").unwrap_err().contains("a reaches beyond its storage"));
    assert!(file(b"K\x01", b"K\x01", b"K\x02").unwrap_err().contains("another size"));
    assert!(file(b"J\xff\xff\xff\xff", b"K\x01", b"K\x01").unwrap_err().contains("reaches beyond"));
    let huge = b"J\xff\xff\xff\x7f".repeat(3);
    assert!(file(&huge, &b"K\0".repeat(3), b"K\x01").unwrap_err().contains("reaches beyond"));
    assert!(file(&huge, &huge, b"K\x01").unwrap_err().contains("reaches beyond"));
}
