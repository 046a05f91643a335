use super::*;
use ::parquet::basic::Compression;
use ::parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use serde_json::json;
use std::sync::Arc;

/// A shard with images, labels and nothing else; named as `names` say.
fn shard(images: &[(Vec<u8>, i64)], names: Option<&[&str]>, compression: Compression) -> Vec<u8> {
    let schema = parse_message_type(
        "message schema { optional group image { optional binary bytes; } required int64 label; }",
    )
    .unwrap();
    let said = names.map(|names| {
        let said = json!({"info": {"features": {"label": {"_type": "ClassLabel", "names": names}}}});
        vec![KeyValue::new("huggingface".to_owned(), said.to_string())]
    });
    let properties =
        WriterProperties::builder().set_compression(compression).set_key_value_metadata(said).build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).unwrap();
    for rows in images.chunks(4) {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let bytes: Vec<ByteArray> = rows.iter().map(|(bytes, _)| ByteArray::from(bytes.clone())).collect();
        column.typed::<ByteArrayType>().write_batch(&bytes, Some(&vec![2; rows.len()]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let labels: Vec<i64> = rows.iter().map(|(_, label)| *label).collect();
        column.typed::<Int64Type>().write_batch(&labels, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn rows(count: usize) -> Vec<(Vec<u8>, i64)> {
    (0..count).map(|at| (image(at), at as i64 % 2)).collect()
}

fn import_shards(shards: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Result<Imported, ImportError>) {
    let files: Vec<_> = shards.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
    import_files(&files, &Options::default())
}

#[test]
fn what_python_writes_is_read() {
    let (_folder, imported) = import_reference("hub");
    assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("parquet", "zebra ant bee"));
    assert_eq!((counts(&imported), rejected(&imported)), ([9, 0, 3], vec![]));
    assert_eq!(imported.split_note, "as the files' names say");
    let said =
        |path: &str| imported.samples.iter().find(|sample| sample.path == path).unwrap().metadata.clone();
    assert_eq!(
        said("train/ant/000001.png"),
        object(&json!({"file": "1.png", "place": "garden", "weight": 0.1}))
    );
    assert_eq!(said("train/zebra/000006.png"), object(&json!({"file": "0.png", "weight": 0})));
    assert!(imported.samples.iter().all(|sample| (sample.width, sample.height) == (8, 6)));
}

#[test]
fn every_usual_packing_is_read_and_the_bytes_are_kept() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(Default::default())]
    {
        let shards =
            [("data/train-00000-of-00001.parquet", shard(&rows(10), Some(&["cat", "dog"]), compression))];
        let (_folder, imported) = import_shards(&shards);
        let imported = imported.unwrap();
        assert_eq!((imported.classes.join(" ").as_str(), counts(&imported)), ("cat dog", [10, 0, 0]));
        assert_eq!(std::fs::read(imported.root.join("train/dog/000009.png")).unwrap(), image(9));
    }
}

#[test]
fn a_packing_that_is_not_known_is_named() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/formats/packed/gzip.parquet");
    let error =
        import_with(&path, Path::new("/nowhere/at/all"), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("it is packed by GZIP; write it again, packed by Snappy or Zstandard"), "{error}");
}

#[test]
fn one_shard_given_by_its_path_is_split_by_us() {
    let folder = folder(&[("train.parquet".to_owned(), shard(&rows(10), None, Compression::SNAPPY))]);
    let imported =
        import_with(&folder.path().join("train.parquet"), &folder.path().join("out"), &Options::default())
            .unwrap();
    assert_eq!((imported.classes.join(" ").as_str(), counts(&imported)), ("0 1", [8, 2, 0]));
}

#[test]
fn rows_that_are_no_use_are_listed() {
    let mut rows = rows(4);
    rows.extend([(image(9), 2), (image(9), -1), (Vec::new(), 0), (b"no image".to_vec(), 1)]);
    let shards = [("test.parquet", shard(&rows, Some(&["cat", "dog"]), Compression::SNAPPY))];
    let imported = import_shards(&shards).1.unwrap();
    assert_eq!(
        rejected(&imported),
        [
            ("test.parquet, row 5", "it has label 2, and there are 2 names"),
            ("test.parquet, row 6", "its label is −1, which says that it has none"),
            ("test.parquet, row 7", "it holds no image"),
            ("test/dog/000004.bin", "not an image: its content is of no known image format"),
        ]
    );
}

#[test]
fn cut_or_changed_anywhere_it_does_no_harm() {
    let whole = shard(&rows(5), Some(&["cat", "dog"]), Compression::SNAPPY);
    let files = [("a.parquet".to_owned(), whole.clone())];
    import_variants(&files, 0, cuts(&whole), |length, result| {
        assert!(matches!(result, Err(ImportError::Malformed { .. })), "cut to {length}: {result:?}");
    });
    let changed = (0..whole.len()).step_by(3).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        bytes
    });
    import_variants(&files, 0, changed, |number, result| match result {
        Ok(imported) => assert!(imported.samples.len() <= 5),
        Err(
            ImportError::Malformed { .. } | ImportError::NotADataSet { .. } | ImportError::TooLarge { .. },
        ) => {}
        Err(other) => panic!("change {number}: {other}"),
    });
}

#[test]
fn shards_that_do_not_belong_together_are_told() {
    let good = || shard(&rows(4), None, Compression::SNAPPY);
    let error =
        import_shards(&[("large/train.parquet", good()), ("small/train.parquet", good())]).1.unwrap_err();
    assert!(error.to_string().contains("small/train.parquet is of another data set"), "{error}");
    assert!(import_shards(&[("set/train/0.parquet", good()), ("set/test/0.parquet", good())]).1.is_ok());
    let limits = Limits { max_unpacked_bytes: 100, ..Limits::default() };
    let files = [("train.parquet".to_owned(), good())];
    let error = import_files(&files, &Options { limits, ..Options::default() }).1.unwrap_err();
    assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
}

#[test]
fn a_table_that_has_images_and_paths_may_be_read_both_ways() {
    let schema = parse_message_type(
        "message schema { optional group image { optional binary bytes; } required binary label (UTF8); required binary path (UTF8); }",
    )
    .unwrap();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = |texts: [&str; 2]| texts.map(ByteArray::from);
    for (values, levels) in [
        ([0, 1].map(|at| ByteArray::from(image(at))), Some([2_i16; 2])),
        (texts(["cat", "dog"]), None),
        (texts(["1.png", "2.png"]), None),
    ] {
        let mut column = group.next_column().unwrap().unwrap();
        let levels = levels.as_ref().map(<[i16; 2]>::as_slice);
        column.typed::<ByteArrayType>().write_batch(&values, levels, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    let mut files = images(&["1.png", "2.png"]);
    files.push(("a.parquet".to_owned(), writer.into_inner().unwrap()));
    let source = folder(&files);
    for path in [source.path().to_owned(), source.path().join("a.parquet")] {
        for (format, name, other) in [
            (DatasetFormat::Parquet, "parquet", DatasetFormat::Manifest),
            (DatasetFormat::Manifest, "manifest-parquet", DatasetFormat::Parquet),
        ] {
            let options = Options { format: Some(format), ..Options::default() };
            let into = tempfile::tempdir().unwrap();
            let imported = import_with(&path, &into.path().join("data"), &options).unwrap();
            assert_eq!((imported.format, imported.readings, imported.samples.len()), (name, vec![other], 2));
        }
    }
    // A column of images is none of paths, though it be called “image”.
    let only = [("a.parquet".to_owned(), shard(&rows(4), None, Compression::SNAPPY))];
    assert_eq!(import_files(&only, &Options::default()).1.unwrap().readings, []);
    let options = Options { format: Some(DatasetFormat::Manifest), ..Options::default() };
    let error = import_files(&only, &options).1.unwrap_err().to_string();
    assert!(
        error.contains("It looks like Parquet with images: a.parquet has images in its column “image”"),
        "{error}"
    );
}

#[test]
fn a_table_of_paths_may_be_parquet_too() {
    let schema = parse_message_type(
        "message schema { required binary path (UTF8); required binary label (UTF8); required int64 age; }",
    )
    .unwrap();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for texts in [["1.png", "2.png", "3.png"], ["cat", "dog", "cat"]] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts.map(ByteArray::from), None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[3, 4, 5], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let mut files = images(&["1.png", "2.png"]);
    files.push(("labels.parquet".to_owned(), writer.into_inner().unwrap()));
    let imported = import_files(&files, &Options::default()).1.unwrap();
    assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("manifest-parquet", "cat dog"));
    assert_eq!(imported.samples[1].metadata, object(&json!({"age": 4})));
    assert_eq!(
        rejected(&imported)[0].1,
        "row 3 of labels.parquet: there is no such file, or it can't be used"
    );
}
