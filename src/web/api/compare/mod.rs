//! `/api/v1/runs/compare`: several runs beside each other, two of them on the same images.

pub(crate) mod found;
pub(crate) mod pair;
pub(crate) mod query;
pub(crate) mod settings;

use crate::domain::paired::{Churn, Paired};
use crate::domain::result::Headline;
use crate::store::compare::{ChurnRow, Direction};
use crate::store::run_list::ListedRun;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::{RawQuery, State};
use found::ComparedRuns;
use pair::{ComparedPair, count, paired};
use query::{CompareQuery, cursor};
use serde_json::{Map, Value, json};
use settings::compare_settings;

/// Images of a gallery, where a request does not say.
const IMAGES: i64 = 100;

/// `/api/v1/runs/compare`: the runs, their settings, and two of them on the images that both evaluated.
pub(crate) async fn show(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Json<Value>> {
    let query = CompareQuery::read_strictly(&text.unwrap_or_default())?;
    let found = ComparedRuns::load(&app, &query).await?;
    let Some((_, pair)) = ComparedPair::load(&app, &query, &found).await? else {
        // It has the words for what is missing.
        ComparedPair::need(&app, &query).await?;
        return Err(Error::field("runs", "Name two runs that are there, such as runs=3,7."));
    };
    let settings: Vec<Value> = compare_settings(&app, &found.runs)
        .await?
        .into_iter()
        .filter(|field| query.all_settings || field.is_different())
        .map(|field| {
            let runs = found.runs.iter().zip(&field.values);
            let values: Map<String, Value> =
                runs.map(|(listed, value)| (listed.run.id.to_string(), json!(value))).collect();
            json!({"name": field.field.name, "values": values, "differs": field.is_different()})
        })
        .collect();
    let ids = found.ids();
    let seeds: Vec<Vec<i64>> =
        found.seeds().into_iter().map(|group| group.into_iter().map(|at| ids[at].0).collect()).collect();
    let missing: Vec<Value> =
        found.missing.iter().map(|(run, why)| json!({"run": run, "message": why})).collect();
    Ok(Json(json!({
        "runs": found.runs.iter().map(run_json).collect::<Vec<_>>(),
        "missing": missing,
        "seeds": seeds,
        "settings": settings,
        "pair": pair.as_ref().ok().map(pair_json),
        "why_no_pair": pair.err(),
    })))
}

/// `/api/v1/runs/compare/churn`: a page of the images on which two runs differ in one way.
pub(crate) async fn churn(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Json<Value>> {
    let query = CompareQuery::read_strictly(&text.unwrap_or_default())?;
    let (_, pair) = ComparedPair::need(&app, &query).await?;
    let churn = query.churn.unwrap_or(Churn::OnlySecond);
    let page = find_churn(&app, &pair, &query, churn, query.limit.unwrap_or(IMAGES)).await?;
    let name = |classes: &[String], class: i64| {
        usize::try_from(class).ok().and_then(|class| classes.get(class)).cloned()
    };
    let items: Vec<Value> = page
        .rows
        .iter()
        .map(|row| {
            json!({
                "sample_id": row.sample_id,
                "path": row.path,
                "actual": name(&pair.first_classes, row.actual),
                "first": {"predicted": name(&pair.first_classes, row.first_predicted), "confidence": row.first_confidence},
                "second": {"predicted": name(&pair.second_classes, row.second_predicted), "confidence": row.second_confidence},
                "image_url": format!("/thumbnails/{}/320", row.hash),
            })
        })
        .collect();
    Ok(Json(json!({
        "first": pair.of.first,
        "second": pair.of.second,
        "split": pair.of.split.as_str(),
        "churn": churn.as_str(),
        "items": items,
        "total": page.total,
        "next_cursor": page.next_cursor,
    })))
}

/// A page of a gallery.
pub(crate) struct ChurnPage {
    pub(crate) rows: Vec<ChurnRow>,
    pub(crate) total: i64,
    pub(crate) next_cursor: Option<String>,
}

/// The images on which a pair differs in one way, as the query says; at most `limit`.
pub(crate) async fn find_churn(
    app: &AppState,
    pair: &ComparedPair,
    query: &CompareQuery,
    churn: Churn,
    limit: i64,
) -> Result<ChurnPage> {
    let class = pair.class_number(&query.class)?;
    let place = query.cursor.map(|place| (place, Direction::Behind));
    let mut rows = app.store.list_churn(&pair.of, churn, class, place, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor((row.confidence, row.sample_id)));
    Ok(ChurnPage { rows, total: pair.count(churn, class), next_cursor })
}

fn run_json(listed: &ListedRun) -> Value {
    let run = &listed.run;
    let result = Headline::new(&listed.evaluated).map(|headline| {
        let lead = headline.lead;
        json!({
            "split": lead.split.as_str(),
            "epoch": lead.epoch,
            "total": lead.total,
            "correct": lead.correct(),
            "accuracy": lead.accuracy(),
            "interval": lead.interval(),
        })
    });
    json!({
        "id": run.id,
        "name": run.name,
        "state": run.state.as_str(),
        "dataset": listed.dataset,
        "dataset_version": run.dataset_version,
        "result": result,
    })
}

fn paired_json(paired: Paired) -> Value {
    let test = paired.mcnemar();
    json!({
        "total": paired.total,
        "only_first": paired.only_first,
        "only_second": paired.only_second,
        "difference": paired.difference(),
        "interval": paired.interval(),
        "mcnemar": {"p": test.p, "statistic": test.statistic, "exact": test.exact},
    })
}

fn pair_json(pair: &ComparedPair) -> Value {
    let per_class: Vec<Value> = pair
        .classes
        .iter()
        .map(|class| {
            let mut row = paired_json(paired(class));
            let name = usize::try_from(class.class).ok().and_then(|class| pair.first_classes.get(class));
            row["class"] = json!(name);
            row["both_correct"] = json!(class.both_correct);
            row["same_mistake"] = json!(class.same_mistake);
            row["both_wrong"] = json!(count(class, Churn::BothWrong));
            row
        })
        .collect();
    let mut all = paired_json(pair.paired());
    all["first"] = json!(pair.of.first);
    all["second"] = json!(pair.of.second);
    all["split"] = json!(pair.of.split.as_str());
    all["per_class"] = json!(per_class);
    all["left_out"] = json!({
        "only_evaluated_by_first": pair.left_out.first,
        "only_evaluated_by_second": pair.left_out.second,
        "in_another_split_of_second": pair.left_out.first_elsewhere,
        "in_another_split_of_first": pair.left_out.second_elsewhere,
        "relabelled": pair.relabelled(),
    });
    all
}
