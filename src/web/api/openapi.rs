//! `/api/v1/openapi.json`: what scripts may call, in OpenAPI's words. A run's fields come from the table that the form
//! and the command line are made of.

use super::evaluation::MapKind;
use super::openapi_jobs::{add_jobs, add_sweeps, call, problem};
use crate::domain::recipe::{FIELDS, FieldType};
use crate::import::DatasetFormat;
use crate::import::catalogue::CATALOGUE;
use axum::Json;
use serde_json::{Value, json};

pub(crate) async fn show() -> Json<Value> {
    Json(description())
}

fn description() -> Value {
    let names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
    let formats: Vec<&str> =
        std::iter::once("auto").chain(DatasetFormat::ALL.map(DatasetFormat::as_str)).collect();
    let mut paths = json!({
        "/api/v1/datasets": {
            "get": call("Every data set, newest first", &[], "200"),
            "post": {
                "summary": "Import images: a path on the server's machine or a name of the catalogue as JSON, or files as multipart, whose names may hold folders",
                "requestBody": {"required": true, "content": {
                    "application/json": {"schema": {
                        "type": "object",
                        "required": ["name", "source"],
                        "properties": {
                            "name": {"type": "string"},
                            "source": {"type": "object", "description": "A path on the server's machine, or a name of the catalogue", "properties": {
                                "path": {"type": "string"},
                                "catalogue": {"enum": names},
                                "format": {"enum": formats},
                            }},
                            "split": {"type": "object", "required": ["val", "test"], "properties": {"val": {"type": "number"}, "test": {"type": "number"}, "seed": {"type": "integer"}}},
                        },
                    }},
                    "multipart/form-data": {"schema": {
                        "type": "object",
                        "properties": {
                            "way": {"enum": ["upload", "folder", "known"]},
                            "name": {"type": "string"},
                            "path": {"type": "string"},
                            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                            "class": {"type": "string", "description": "Of loose images"},
                            "catalogue": {"enum": names},
                            "format": {"enum": formats},
                            "val": {"type": "string", "description": "Percent"},
                            "test": {"type": "string", "description": "Percent"},
                            "seed": {"type": "string"},
                        },
                    }},
                }},
                "responses": {"202": {"description": "The data set, importing"}, "422": problem()},
            },
        },
        "/api/v1/dataset-names": {"get": call("Whether a name is free, and a free one like it", &["name"], "200")},
        "/api/v1/paths": {"get": call("Folders and archives of the server's machine that begin so; only where no other machine reaches it", &["prefix"], "200")},
        "/api/v1/datasets/{id}": {
            "get": call("One data set, with its progress while it is imported", &[], "200"),
            "delete": {"summary": "Remove it, or stop its import", "responses": {
                "204": {"description": "Gone"}, "202": {"description": "The import is being stopped"}, "409": problem(),
            }},
        },
        "/api/v1/datasets/{id}/format": {"post": {
            "summary": "Import its source again as another format. Its splits are held out by the default where the source has none. The outcome takes its place, or stands beside it where a run has learned from it or it was edited",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["format"], "properties": {"format": {"enum": DatasetFormat::ALL.map(DatasetFormat::as_str)}}}}}},
            "responses": {"202": {"description": "The new data set, importing"}, "409": problem(), "422": problem()},
        }},
        "/api/v1/datasets/{id}/samples": {"get": call(
            "Its samples, a page at a time",
            &["class", "not", "split", "q", "issue", "metadata", "range", "format", "excluded", "order", "limit", "after"],
            "200",
        )},
        "/api/v1/datasets/{id}/overview": {"get": call("How its images are spread: counts by class and bin, mean colours, mean and std of the channels; 202 while it is being made", &[], "200")},
        "/api/v1/datasets/{id}/health": {"get": call("What an examination found; 202 while it is being made", &[], "200")},
        "/api/v1/datasets/{id}/health/{file}": {"get": call("The samples that a check found, as CSV: duplicates.csv, leaked.csv, mislabelled.csv, dark.csv …", &[], "200")},
        "/api/v1/datasets/{id}/health/ignored": {"post": {
            "summary": "Ignore a finding: the word of a check, or of one set of copies",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["finding"], "properties": {"finding": {"type": "string"}}}}}},
            "responses": {"204": {"description": "Ignored"}, "422": problem()},
        }},
        "/api/v1/datasets/{id}/health/ignored/{finding}": {"delete": {
            "summary": "Bring an ignored finding back",
            "responses": {"204": {"description": "It counts again"}},
        }},
        "/api/v1/datasets/{id}/edits": {"post": {
            "summary": "Edit it: makes a version. `action` is relabel (samples, class), move (samples, split), exclude (samples), \
                        restore (samples), rename_class (class, name; the name of another class merges), drop_duplicates (kind), \
                        move_leaked, undo (version), redo (version) or restore_version (version); those that name samples, a class \
                        or a version to restore take a `note`",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["action"],
                "properties": {
                    "action": {"enum": ["relabel", "move", "exclude", "restore", "rename_class", "drop_duplicates", "move_leaked", "undo", "redo", "restore_version"]},
                    "samples": {"type": "array", "items": {"type": "integer"}},
                    "class": {"type": "string"},
                    "name": {"type": "string"},
                    "split": {"enum": ["train", "val", "test"]},
                    "kind": {"enum": ["exact_duplicate", "near_duplicate"]},
                    "version": {"type": "integer"},
                    "note": {"type": "string"},
                },
            }}}},
            "responses": {"201": {"description": "The version"}, "409": problem(), "422": problem()},
        }},
        "/api/v1/datasets/{id}/versions": {"get": call("Its versions, newest first", &[], "200")},
        "/api/v1/datasets/{id}/versions/compare": {"get": call("The samples that differ between two versions", &["from", "to"], "200")},
        "/api/v1/datasets/{id}/versions/{number}/note": {"put": {
            "summary": "Another note for a version; an empty one takes it away",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "required": ["note"], "properties": {"note": {"type": "string"}}}}}},
            "responses": {"200": {"description": "The version"}, "422": problem()},
        }},
        "/api/v1/datasets/{id}/versions/{number}": {"get": call("One version with what it changed", &[], "200")},
        "/api/v1/datasets/{id}/versions/{number}/{file}": {"get": call(
            "What is in a version: manifest.csv, manifest.jsonl or manifest.parquet",
            &[],
            "200",
        )},
        "/api/v1/datasets/{id}/preview": {"post": {
            "summary": "What a pipeline makes of samples, exactly as a run would feed it",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["pipeline", "samples"],
                "properties": {
                    "pipeline": {"type": "array"},
                    "samples": {"type": "array", "items": {"type": "integer"}},
                    "seed": {"type": "integer"},
                    "epoch": {"type": "integer", "minimum": 1},
                    "sample_keys": {"enum": ["path", "id"], "description": "As the run's spec has it; `path` where left out"},
                    "format": {"enum": ["json", "safetensors"]},
                },
            }}}},
            "responses": {"200": {"description": "Shape, statistics and draws, or the tensor"}, "422": problem()},
        }},
        "/api/v1/transforms": {"get": call("Every transform with its parameters, ranges and defaults", &[], "200")},
        "/api/v1/pipelines": {"get": call("Ways of loading kept by name", &[], "200")},
        "/api/v1/pipelines/{name}": {
            "put": {"summary": "Keep one: the body is the list of transforms", "responses": {"200": {"description": "It"}, "422": problem()}},
            "patch": {
                "summary": "Rename one: the body is {\"name\": its new name}",
                "responses": {"200": {"description": "It"}, "404": problem(), "409": problem(), "422": problem()},
            },
            "delete": {"summary": "Forget one", "responses": {"204": {"description": "Gone"}, "404": problem()}},
        },
        "/api/v1/weights": {"get": call(
            "Published weights by name: what they are, and whether they are here (`present`), on their way (`fetching`) or why they did not come (`failure`)",
            &[],
            "200",
        )},
        "/api/v1/weights/{name}/fetch": {
            "post": {
                "summary": "Fetch them in the background, or join the fetch that is under way",
                "responses": {"202": {"description": "The weights"}, "404": problem()},
            },
            "delete": {
                "summary": "Stop fetching them; nothing of it stays",
                "responses": {"204": {"description": "Stopped"}, "404": problem(), "409": problem()},
            },
        },
        "/api/v1/runs": {
            "get": call(
                "Runs, newest first or as sorted",
                &["q", "state", "dataset", "model", "tag", "starred", "archived", "sort", "order"],
                "200",
            ),
            "post": {
                "summary": "Queue a run; with `like`, one with the settings of another, but for what is given",
                "requestBody": {"required": true, "content": {"application/json": {"schema": recipe()}}},
                "responses": {"201": {"description": "The run"}, "422": problem()},
            },
        },
        "/api/v1/runs/events": {"post": {
            "summary": "Read event files of another tool (a folder or a file on the server's machine; or as a form, fields `file`, `path`, `name`): each folder of them \
                        becomes a run with curves, and no data set, `spec` or predictions. Its `event_origin` says what was read",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["path"], "additionalProperties": false,
                "properties": {"path": {"type": "string"}, "name": {"type": "string"}},
            }}}},
            "responses": {"201": {"description": "The runs"}, "422": problem()},
        }},
        "/api/v1/runs/compare": {"get": call(
            "Two runs or more side by side: results, the settings that differ (`settings=all`: every one), and two of them (`first`, `second`; \
             else the first two) on the images that both evaluated in a split with the same label: counts, the difference of accuracy with its \
             95 % interval, McNemar's test, the same by class, and what was left out",
            &["runs", "first", "second", "split", "settings"],
            "200",
        )},
        "/api/v1/runs/compare/churn": {"get": call(
            "The images on which two runs differ, the most confident mistake first: `churn` is only-second (the second is right), only-first \
             or both-wrong (each in its own way)",
            &["runs", "first", "second", "split", "churn", "class", "limit", "cursor"],
            "200",
        )},
        "/api/v1/series": {"get": call("The same curves of several runs in one answer", &["runs", "keys", "points", "clock"], "200")},
        "/api/v1/runs/{id}": {"get": call("One run", &[], "200")},
        "/api/v1/runs/{id}/neighbours": {"get": call("The runs before and after it", &[], "200")},
        "/api/v1/runs/{id}/series": {"get": call("Its curves, shortened so that every extreme survives; with `clock=true`, the time of its steps", &["keys", "points", "clock"], "200")},
        "/api/v1/runs/{id}/series.csv": {"get": call("Every point of its curves, or of those in `keys`: key, step, epoch, value (empty: not finite)", &["keys"], "200")},
        "/api/v1/runs/{id}/series.parquet": {"get": call("The same as a Parquet file", &["keys"], "200")},
        "/api/v1/runs/{id}/histograms": {"get": call("How large the numbers of a layer are, step by step: shares between powers of ten; `dial` is `gradient` or `activation`", &["dial", "layer"], "200")},
        "/api/v1/runs/{id}/batches": {"get": call("Its captured input batches", &[], "200")},
        "/api/v1/runs/{id}/predictions": {"get": call(
            "Its predictions, a page at a time",
            &[
                "split",
                "actual",
                "predicted",
                "correct",
                "confidence",
                "metadata",
                "search",
                "order",
                "limit",
                "cursor",
            ],
            "200",
        )},
        "/api/v1/runs/{id}/evaluation": {"get": call("Its figures", &["split"], "200")},
        "/api/v1/runs/{id}/evaluation.csv": {"get": call("Its figures by class, as a table", &["split"], "200")},
        "/api/v1/runs/{id}/confusion.csv": {"get": call("Its confusion matrix, as a table", &["split"], "200")},
        "/api/v1/runs/{id}/events": {"get": call(
            "Server-sent events: the journal's records and the run; resumable by Last-Event-ID",
            &["since"],
            "200",
        )},
    });
    add_run_changes(&mut paths);
    add_findings(&mut paths);
    add_jobs(&mut paths);
    add_sweeps(&mut paths);
    add_access_keys(&mut paths);
    for action in ["cancel", "pause", "resume"] {
        paths[format!("/api/v1/runs/{{id}}/{action}")] = json!({"post": {
            "summary": format!("{action} it"),
            "responses": {"200": {"description": "The run"}, "404": problem(), "409": problem()},
        }});
    }
    for map in MapKind::ALL {
        for ending in ["", ".csv"] {
            paths[format!("/api/v1/runs/{{id}}/{}{ending}", map.slug())] =
                json!({"get": call(map.title(), &["split"], "200")});
        }
    }
    for (path, item) in paths.as_object_mut().into_iter().flatten() {
        if path.contains("{id}") {
            item["parameters"] =
                json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Tintype", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"schemas": {"Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string"}},
            }},
        }}},
    })
}

/// What may be changed of a run.
fn add_run_changes(paths: &mut Value) {
    let one = &mut paths["/api/v1/runs/{id}"];
    one["patch"] = json!({
        "summary": "Change what a person says of it; what is left out stays",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string"},
                "note": {"type": "string"},
                "starred": {"type": "boolean"},
                "archived": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        }}}},
        "responses": {"200": {"description": "The run"}, "404": problem(), "422": problem()},
    });
    one["delete"] = json!({
        "summary": "Remove it with its files",
        "responses": {"204": {"description": "Gone"}, "404": problem(), "409": problem()},
    });
    paths["/api/v1/runs/{id}/epochs"] = json!({"post": {
        "summary": "Let a completed run go on until it has had so many epochs",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object", "required": ["epochs"], "properties": {"epochs": {"type": "integer", "maximum": 1000}},
        }}}},
        "responses": {"200": {"description": "The run"}, "404": problem(), "409": problem(), "422": problem()},
    }});
}

/// What wants a look in a run.
fn add_findings(paths: &mut Value) {
    paths["/api/v1/runs/{id}/findings"] = json!({"get": call(
        "What wants a look in it, the most important first: `kind`, its own name `alarm`, `title`, `sentence`, `stake` and `certainty` (0 to 1), \
         `evidence_url`, `dismissed`; where what helps is known `fix` and `fix_url`, and up to 200 `samples` that show it",
        &[],
        "200",
    )});
    paths["/api/v1/runs/{id}/findings/dismissed"] = json!({"post": {
        "summary": "Dismiss a finding, by its `alarm`",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {
            "type": "object", "required": ["finding"], "properties": {"finding": {"type": "string"}},
        }}}},
        "responses": {"204": {"description": "Dismissed"}, "404": problem(), "422": problem()},
    }});
    paths["/api/v1/runs/{id}/findings/dismissed/{finding}"] = json!({"delete": {
        "summary": "Bring a dismissed finding back",
        "responses": {"204": {"description": "It counts again"}, "404": problem()},
    }});
}

/// Links by which others reach the server.
fn add_access_keys(paths: &mut Value) {
    paths["/api/v1/access-keys"] = json!({
        "get": call("Links and other keys, newest first; a key itself is told only when it is made", &[], "200"),
        "post": {
            "summary": "Make a link to a view: the answer has its key, and its address at each address of the server",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"},
                    "view": {"type": "string", "description": "Path and query of a page, such as /runs/3?split=val; / where left out"},
                    "role": {"enum": ["read-only", "full"], "default": "read-only"},
                    "days": {"type": ["integer", "null"], "default": 7, "description": "How long it is good; null: for ever"},
                },
            }}}},
            "responses": {"201": {"description": "The link"}, "409": problem(), "422": problem()},
        },
    });
    paths["/api/v1/access-keys/{id}"] = json!({"delete": {
        "summary": "Revoke it: whoever came by it gets no further answer, and a stream that is open ends within about 10 seconds",
        "responses": {"200": {"description": "It, revoked"}, "404": problem()},
    }});
}

fn recipe() -> Value {
    let mut properties = json!({
        "dataset": {"type": ["integer", "string"], "description": "Number or name, in its newest version; left out with `like`, the images of that run, labelled and split as they were then"},
        "like": {"type": "integer", "description": "Number of the run whose settings are taken where none are given"},
    });
    for field in FIELDS {
        let mut schema = match field.field_type {
            FieldType::Choice(choices) => {
                json!({"enum": choices.iter().map(|(value, _)| *value).collect::<Vec<_>>()})
            }
            FieldType::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
            FieldType::Number { min, max } => json!({"type": "number", "minimum": min, "maximum": max}),
            FieldType::Text => json!({"type": "string"}),
            FieldType::Json => json!({"type": "array"}),
        };
        schema["description"] = json!(field.hint());
        properties[field.name] = schema;
    }
    json!({"type": "object", "anyOf": [{"required": ["dataset"]}, {"required": ["like"]}], "additionalProperties": false, "properties": properties})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_and_every_reference_is_there() {
        let description = description();
        let body =
            &description["paths"]["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"];
        let properties = body["schema"]["properties"].as_object().unwrap();
        assert_eq!(properties.len(), FIELDS.len() + 2);
        assert_eq!(properties["epochs"]["minimum"], 0);
        assert!(description["components"]["schemas"]["Error"].is_object());
        assert!(description["paths"]["/api/v1/runs/{id}/category-to-paths.csv"]["parameters"].is_array());
    }
}
