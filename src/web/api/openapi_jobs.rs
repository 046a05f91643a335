//! What `openapi.json` says of further jobs of a run and of sweeps, and what all of its parts are made of.

use serde_json::{Value, json};

pub(super) fn add_jobs(paths: &mut Value) {
    paths["/api/v1/runs/{id}/jobs"] = json!({
        "get": call("The further jobs of a run, newest first", &[], "200"),
        "post": {
            "summary": "Start a further job with the weights that the run keeps: evaluate splits of its images, or predict images that are in no data set",
            "requestBody": {"required": true, "content": {
                "application/json": {"schema": {"oneOf": [
                    {"type": "object", "required": ["task", "splits"], "properties": {
                        "task": {"const": "evaluate"},
                        "splits": {"type": "array", "items": {"enum": ["train", "val", "test"]}},
                    }},
                    {"type": "object", "required": ["task"], "properties": {"task": {"const": "find-learning-rate"}}},
                    {"type": "object", "required": ["task", "images"], "properties": {
                        "task": {"const": "predict"},
                        "images": {"type": "array", "items": {"type": "string"}, "maxItems": 500, "description": "Absolute paths on the server's machine"},
                    }},
                ]}},
                "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {
                    "task": {"const": "predict"},
                    "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                }}},
            }},
            "responses": {"202": {"description": "The job, queued"}, "404": problem(), "409": problem(), "422": problem()},
        },
    });
    paths["/api/v1/runs/{id}/jobs/{number}"] = json!({
        "get": call("One job: state, progress, failure; `results` by split of one that evaluates, `items` by image of one that predicts, `learning_rates` of a search (null before that)", &[], "200"),
        "delete": {
            "summary": "Remove it; what it evaluated stays with the run",
            "responses": {"204": {"description": "Gone"}, "404": problem(), "409": problem()},
        },
    });
    for (action, does) in [
        ("cancel", "Give it up"),
        ("pause", "Stop it for now"),
        ("resume", "Try it again, from the beginning"),
    ] {
        paths[format!("/api/v1/runs/{{id}}/jobs/{{number}}/{action}")] = json!({"post": {
            "summary": does,
            "responses": {"200": {"description": "The job"}, "404": problem(), "409": problem()},
        }});
    }
}

pub(super) fn add_sweeps(paths: &mut Value) {
    paths["/api/v1/sweeps"] = json!({
        "get": call("Every sweep, newest first: runs that were started together and differ in a few fields", &[], "200"),
        "post": {
            "summary": "Start a sweep: the body of a run, and `sweep`, which says what varies: a list of values for a field, or a range {min, max} where runs are drawn",
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object",
                "required": ["dataset", "sweep"],
                "properties": {"sweep": {"type": "object", "required": ["method", "fields"], "properties": {
                    "method": {"enum": ["grid", "random", "halving"]},
                    "runs": {"type": "integer", "description": "How many, where they are drawn"},
                    "seed": {"type": "integer"},
                    "fields": {"type": "object"},
                }}},
            }}}},
            "responses": {"201": {"description": "The sweep with its runs"}, "422": problem()},
        },
    });
    paths["/api/v1/sweeps/{id}"] = json!({
        "get": call("One sweep with its runs, by number", &[], "200"),
        "delete": {"summary": "Forget it; its runs stay", "responses": {"204": {"description": "Gone"}, "404": problem(), "409": problem()}},
    });
    paths["/api/v1/sweeps/{id}/cancel"] = json!({"post": {
        "summary": "Give up its runs that are not at their end",
        "responses": {"200": {"description": "The sweep"}, "404": problem()},
    }});
}

pub(super) fn problem() -> Value {
    json!({
        "description": "What is wrong, in words",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    })
}

pub(super) fn call(summary: &str, query: &[&str], status: &str) -> Value {
    let parameters: Vec<Value> =
        query.iter().map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}})).collect();
    json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {status: {"description": summary}, "404": problem()},
    })
}
