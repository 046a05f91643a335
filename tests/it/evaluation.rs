//! A run's evaluation over HTTP: its tables as files, and predictions by confidence and metadata.

use crate::support::{Server, draw_images};
use serde_json::json;

#[test]
fn tables_come_as_files_and_predictions_by_confidence_and_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let row =
        |class: &str, at: usize| format!("{class}/{at:02}.png,{class},{at},{}\n", ["Kodak", "Leica"][at % 2]);
    let rows: String = ["bright", "dark"].iter().flat_map(|class| (0..40).map(|at| row(class, at))).collect();
    std::fs::write(images.join("t.csv"), format!("path,label,age,camera\n{rows}")).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let source = json!({"path": images, "format": "manifest"});
    let (status, made) = server.post("/api/v1/datasets", &json!({"name": "shades", "source": source}));
    assert_eq!(status, 202, "{made}");
    let path = format!("/api/v1/datasets/{}", made["id"]);
    server.wait(&path, |dataset| dataset["state"] != "importing");
    let recipe =
        json!({"dataset": made["id"], "model": "small-cnn", "epochs": 1, "image_size": 32, "batch_size": 16});
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");

    // The table by class and the matrix hold what the JSON does.
    let evaluation = server.get("/api/v1/runs/1/evaluation?split=val");
    let total = evaluation["total"].as_i64().unwrap();
    let table = server.get_text("/api/v1/runs/1/evaluation.csv?split=val");
    let mut lines = table.split_terminator("\r\n");
    assert_eq!(
        lines.next().unwrap(),
        "class,images,correct,predicted,precision,recall,recall_lower,recall_upper,f1"
    );
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let column = |at: usize| lines.iter().map(|line| line[at].parse::<i64>().unwrap()).sum::<i64>();
    assert_eq!(lines.iter().map(|line| line[0]).collect::<Vec<_>>(), ["bright", "dark"]);
    assert_eq!((column(1), column(3)), (total, total), "{table}");
    let matrix = server.get_text("/api/v1/runs/1/confusion.csv?split=val");
    let matrix: Vec<Vec<&str>> =
        matrix.split_terminator("\r\n").map(|line| line.split(',').collect()).collect();
    assert_eq!(matrix[0], ["true \\ predicted", "bright", "dark"]);
    for (row, line) in lines.iter().enumerate() {
        let cells: i64 = matrix[row + 1][1..].iter().map(|cell| cell.parse::<i64>().unwrap()).sum();
        assert_eq!(cells.to_string(), line[1], "{matrix:?}");
        assert_eq!(matrix[row + 1][row + 1], line[2], "{matrix:?}");
    }

    // Two halves of a range, and two values of a column, make the whole.
    let count = |query: &str| {
        let found = server.get(&format!("/api/v1/runs/1/predictions?split=val&{query}"));
        found["total"].as_i64().unwrap_or_else(|| panic!("{query}: {found}"))
    };
    let all = count("");
    assert_eq!(all, total);
    let sure = server.get("/api/v1/runs/1/predictions?split=val&limit=1000");
    let middle = sure["items"][usize::try_from(all / 2).unwrap()]["confidence"].as_f64().unwrap();
    let (low, high) = (count(&format!("confidence=0..{middle}")), count(&format!("confidence={middle}..1")));
    assert_eq!(low + high, all);
    assert!(low > 0, "{low} {high}");
    // As the page's form sends it, in percent.
    assert_eq!(count(&format!("from={}&to=", middle * 100.0)), high);
    let (kodak, leica) = (count("metadata=camera=Kodak"), count("metadata=camera=Leica"));
    assert_eq!(kodak + leica, all);
    assert!(kodak > 0 && leica > 0, "{kodak} {leica}");
    assert_eq!(count("metadata=age:0..19") + count("metadata=age:20..39"), all);
    let refused = server.get("/api/v1/runs/1/predictions?confidence=0.9..0.1");
    assert!(refused["error"]["fields"]["confidence"].is_string(), "{refused}");
    let refused = server.get("/api/v1/runs/1/predictions?metadata=camera");
    assert!(refused["error"]["fields"]["metadata"].is_string(), "{refused}");
    // The page names the filter in words.
    let page = server.get_text("/runs/1/predictions?split=val&metadata=camera%3DLeica");
    assert!(page.contains(&format!("<strong>{leica} images, most confident first</strong>")), "{page}");
}
