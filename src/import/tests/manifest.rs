use super::*;
use serde_json::json;

/// Images in one folder, and a table beside it.
fn with_table(name: &str, table: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = images(&["images/1.png", "images/2.png", "images/3.png", "images/deep/4.png"]);
    files.push((name.to_owned(), table.as_bytes().to_vec()));
    files
}

fn imported(name: &str, table: &str) -> Imported {
    import_files(&with_table(name, table), &Options::default()).1.unwrap()
}

#[test]
fn every_way_to_write_the_same_table() {
    let csv = "path,label,split,age,place\nimages/1.png,cat,train,3,\"a, b\"\nimages/2.png,dog,TEST,,home\n\
               images/3.png,cat,validation,007,\nimages/deep/4.png,dog,train,1.5,\n";
    let separated = |mark| csv.replace("\"a, b\"", "a").replace(',', mark);
    let lines = "{\"file_name\": \"images/1.png\", \"label\": \"cat\", \"split\": \"train\", \"age\": 3, \"place\": \"a, b\"}\n\n\
                 {\"file_name\": \"images/2.png\", \"label\": \"dog\", \"split\": \"test\", \"place\": \"home\"}\n\
                 {\"file_name\": \"images/3.png\", \"label\": \"cat\", \"split\": \"val\", \"age\": \"007\", \"place\": null}\n\
                 {\"file_name\": \"images/deep/4.png\", \"label\": \"dog\", \"split\": \"train\", \"age\": 1.5}";
    for (name, table, format) in [
        ("labels.csv", csv.to_owned(), "manifest-csv"),
        ("labels.CSV", format!("\u{feff}{}", csv.replace('\n', "\r\n")), "manifest-csv"),
        ("labels.csv", separated(";"), "manifest-csv"),
        ("labels.tsv", separated("\t"), "manifest-tsv"),
        ("labels.jsonl", lines.to_owned(), "manifest-jsonl"),
        ("train.csv", csv.replace("path,label", "IMAGE,Class"), "manifest-csv"),
    ] {
        let imported = imported(name, &table);
        assert_eq!((imported.format, counts(&imported)), (format, [2, 1, 1]), "{table}");
        assert_eq!((imported.classes.join(" ").as_str(), rejected(&imported)), ("cat dog", vec![]));
        assert_eq!(imported.split_note, "as the table says");
        let said: Vec<_> = imported.samples.iter().map(|sample| sample.metadata.clone()).collect();
        let place = if table.contains("\"a, b\"") { "a, b" } else { "a" };
        assert_eq!(
            said,
            [
                object(&json!({"age": 3, "place": place})),
                object(&json!({"place": "home"})),
                object(&json!({"age": "007"})),
                object(&json!({"age": 1.5})),
            ]
        );
    }
}

#[test]
fn without_splits_they_are_held_out() {
    let imported = imported("any.csv", "filename,category\n1.png,1\n2.png,10\n./images/3.png,9\n4.png,10\n");
    assert_eq!(imported.classes, ["1", "9", "10"], "numbers in their order");
    assert!(imported.split_note.starts_with("held out by seed 0"));
    assert_eq!(imported.samples[3].path, "images/deep/4.png", "found by the end of its path");
}

#[test]
fn a_table_for_each_split() {
    let mut files = images(&["train/1.png", "train/2.png", "test/1.png"]);
    files.push(("train.csv".into(), b"file,label\ntrain/1.png,a\ntrain/2.png,b".to_vec()));
    files.push(("test.csv".into(), b"file,label\ntest/1.png,a".to_vec()));
    let imported = import_files(&files, &Options::default()).1.unwrap();
    assert_eq!((counts(&imported), rejected(&imported)), ([2, 0, 1], vec![]));
    // As the hub has it: a table within each split's folder.
    let mut files = images(&["train/1.png", "train/2.png", "test/1.png"]);
    files.push(("train/metadata.csv".into(), b"file_name,label\n1.png,a\n2.png,b".to_vec()));
    files.push(("test/metadata.jsonl".into(), b"{\"file_name\": \"1.png\", \"label\": \"b\"}".to_vec()));
    assert_eq!(counts(&import_files(&files, &Options::default()).1.unwrap()), [2, 0, 1]);
    files.push(("more.csv".into(), b"path,label\ntest/1.png,a".to_vec()));
    let error = import_files(&files, &Options::default()).1.unwrap_err().to_string();
    assert!(error.contains("is a table of images too; give the path of one"), "{error}");
}

#[test]
fn rows_that_are_no_use_are_listed() {
    let table = "path,label,split\nimages/1.png,cat,train\nimages/2.png,dog,train\nimages/9.png,cat,train\n\
                 images/3.png,,train\n,cat,train\nimages/3.png,cat,holdout\nimages/3.png,cat,\nimages/1.png,dog,train\n\
                 ../../etc/passwd,cat,train\n/etc/passwd,cat,train\nC:\\x.png,cat,train\nimages/../../x.png,cat,train\n\
                 images/3.png,cat\nimages/../images/3.png,cat,train\n";
    let imported = imported("labels.csv", table);
    assert_eq!(imported.samples.len(), 3);
    let row = |number: u32, why: &str| format!("row {number} of labels.csv: {why}");
    let outside = "its path is absolute and not below the table's folder";
    let out = "its path leads out of the folder by “..”";
    let expected = [
        ("../../etc/passwd", row(10, out)),
        ("/etc/passwd", row(11, outside)),
        ("C:\\x.png", row(12, outside)),
        ("images/../../x.png", row(13, out)),
        ("images/1.png", row(9, "row 2 of labels.csv names this file already")),
        ("images/3.png", row(5, "it has no label")),
        ("images/3.png", row(7, "its split “holdout” is unknown; there are train, val and test")),
        ("images/3.png", row(8, "it has no split")),
        ("images/9.png", row(4, "there is no such file, or it can't be used")),
        ("labels.csv", row(6, "it names no file")),
        ("labels.csv", row(14, "it has 2 cells, and the head has 3")),
        ("labels.csv", "one image is named by no row: images/deep/4.png".to_owned()),
    ];
    let mut rejected = rejected(&imported);
    rejected
        .sort_by_key(|(path, why)| (path.to_owned(), expected.iter().position(|(_, known)| known == why)));
    assert_eq!(rejected, expected.each_ref().map(|(path, why)| (*path, why.as_str())));
}

#[test]
fn an_archive_may_bring_its_table() {
    let around = tempfile::tempdir().unwrap();
    let archive = around.path().join("set.zip");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&archive).unwrap());
    for (name, bytes) in with_table("labels.csv", "path,label,age\nimages/1.png,a,3\nimages/2.png,b,4\n") {
        writer.start_file(format!("set/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, &bytes).unwrap();
    }
    writer.finish().unwrap();
    let imported = import_with(&archive, &around.path().join("data"), &Options::default()).unwrap();
    assert_eq!((imported.format, imported.samples[1].path.as_str()), ("manifest-csv", "set/images/2.png"));
    assert_eq!(imported.samples[1].metadata, object(&json!({"age": 4})));
    assert!(imported.root.join("set/images/2.png").exists());
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    let around = folder(&images(&["secret/1.png", "set/a.png", "set/b.png"]));
    let root = around.path().join("set");
    std::os::unix::fs::symlink("../secret/1.png", root.join("link.png")).unwrap();
    std::os::unix::fs::symlink("../secret", root.join("folder")).unwrap();
    std::fs::write(
        root.join("t.csv"),
        format!(
            "path,label\na.png,x\n{},y\nlink.png,x\nfolder/1.png,x\n{},x",
            root.join("b.png").display(),
            around.path().join("secret/1.png").display()
        ),
    )
    .unwrap();
    let imported = import_with(&root, Path::new("/nowhere"), &Options::default()).unwrap();
    let paths: Vec<&str> = imported.samples.iter().map(|sample| sample.path.as_str()).collect();
    assert_eq!(paths, ["a.png", "b.png"]);
    assert!(root.join("a.png").exists(), "a folder is never written to");
}

#[test]
fn the_table_itself_may_be_given() {
    let mut files = images(&["a/1.png", "b/2.png"]);
    files.push(("labels.csv".into(), b"path,label\na/1.png,x\nb/2.png,y".to_vec()));
    files.push(("classes.txt".into(), b"x\ny".to_vec()));
    files.push(("other.csv".into(), b"when,what\n1,2".to_vec()));
    let folder = folder(&files);
    let import = |name: &str, format| {
        import_with(
            &folder.path().join(name),
            Path::new("/nowhere"),
            &Options { format, ..Options::default() },
        )
    };
    assert_eq!(import("", None).unwrap().classes, ["a", "b"], "class folders come first");
    assert_eq!(import("labels.csv", None).unwrap().classes, ["x", "y"]);
    assert_eq!(import("", Some(DatasetFormat::Manifest)).unwrap().classes, ["x", "y"]);
    let error = import("other.csv", None).unwrap_err().to_string();
    assert!(
        error.contains("names no column of paths and one of labels; call them “path” and “label”"),
        "{error}"
    );
}

#[test]
fn numbers_are_named_by_a_list_beside() {
    let mut files = with_table("t.csv", "path,label\n1.png,0\n2.png,2\n3.png,3\n4.png,other");
    files.push(("classes.txt".into(), b"zebra\nant\nbee\n".to_vec()));
    let imported = import_files(&files, &Options::default()).1.unwrap();
    assert_eq!(imported.classes, ["zebra", "bee", "other"]);
    assert_eq!(
        rejected(&imported)[0],
        ("3.png", "row 4 of t.csv: it has label 3, and the list of classes beside has 3 names")
    );
}

#[test]
fn a_table_of_no_use_says_why() {
    let error = |name: &str, table: &str| match import_files(&with_table(name, table), &Options::default()).1
    {
        Err(error @ ImportError::NotADataSet { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let advice = "A table has a row for each image, with a path below the table's own folder and a label, and at \
                  least two different labels; correct its rows, or move it to where its paths begin.";
    assert_eq!(
        error("t.csv", "path,label\n"),
        format!(
            "t.csv has no rows. No usable image came of that. Skipped, to begin with: t.csv (4 images are named by no row, such as \
             images/1.png). {advice}"
        )
    );
    assert_eq!(
        error("t.csv", "path,label\n../x.png,cat\n9.png,dog\n/y.png,cat\n8.png,cat\n"),
        format!(
            "t.csv has 4 rows. No usable image came of that. Skipped, to begin with: \
             ../x.png (row 2 of t.csv: its path leads out of the folder by “..”); \
             9.png (row 3 of t.csv: there is no such file, or it can't be used); \
             /y.png (row 4 of t.csv: its path is absolute and not below the table's folder). {advice}"
        )
    );
    let one = error("t.jsonl", "{\"path\": \"1.png\", \"label\": \"cat\"}\n{\"path\": \"2.png\"}\n");
    assert!(
        one.starts_with("t.jsonl has 2 rows. There is only one class here, “cat”, with 1 usable image."),
        "{one}"
    );
    assert!(one.contains("2.png (row 2 of t.jsonl: it has no label)"), "{one}");
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let table = "path,label,note\n1.png,cat,none\n2.png,dog,none\n";
    let limited = |max_text_bytes| {
        let limits = Limits { max_text_bytes, ..Limits::default() };
        import_files(&with_table("t.csv", table), &Options { limits, ..Options::default() }).1
    };
    // Twice “path”, “label”, “note” and what is below them.
    assert!(limited(50).is_ok());
    let error = limited(49).unwrap_err().to_string();
    assert!(error.contains("paths, labels and metadata take more than 49 bytes"), "{error}");
}

#[test]
fn what_a_name_says_in_other_letters_is_metadata() {
    let lines = "{\"Path\": \"x\", \"path\": \"1.png\", \"LABEL\": 7.0, \"label\": \"a\", \"note \": \" b \"}\n\
                 {\"path\": \"2.png\", \"label\": \"b\", \"LABEL\": \"7\", \"note\": \"  \"}\n";
    let imported = imported("t.jsonl", lines);
    assert_eq!(imported.samples[0].metadata, object(&json!({"Path": "x", "LABEL": 7, "note": "b"})));
    assert_eq!(imported.samples[1].metadata, object(&json!({"LABEL": 7})));
}

#[test]
fn the_hash_that_a_file_has_is_no_metadata() {
    let hash = blake3::hash(&image(0)).to_hex()[..32].to_owned();
    let imported = imported("t.csv", &format!("path,label,hash\n1.png,cat,{hash}\n2.png,dog,{hash}\n"));
    assert_eq!(imported.samples[0].metadata, None);
    assert_eq!(imported.samples[1].metadata, object(&json!({"hash": hash})), "that of another file");
}

#[test]
fn cut_anywhere_it_loses_rows_and_nothing_else() {
    for (name, table) in [
        ("t.csv", "path,label,n\nimages/1.png,cat,1\nimages/2.png,dog,\"2\"\nimages/3.png,cat,3\n"),
        (
            "t.jsonl",
            "{\"path\": \"1.png\", \"label\": \"cat\"}\n{\"path\": \"2.png\", \"label\": \"dog\"}\n{\"path\": \"3.png\", \"label\": \"cat\"}\n",
        ),
    ] {
        for length in 0..table.len() {
            match import_files(&with_table(name, &table[..length]), &Options::default()).1 {
                Ok(imported) => assert!(imported.samples.len() >= 2),
                Err(ImportError::NotADataSet { .. } | ImportError::Malformed { .. }) => {}
                Err(other) => panic!("{name} cut to {length}: {other}"),
            }
        }
    }
}
