//! Every address: its method, the key that it needs, and what answers. The router is built from this one table, so there is no
//! address without a row.

use super::access::permit;
use super::{AppState, api, assets, images, pages};
use crate::domain::access::Needed::{self, AnyKey, FullKey, NoKey};
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET` stands for `HEAD` too.
    pub method: Method,
    /// With `{names}` for what varies.
    pub path: &'static str,
    /// Who may use it, where a key is needed at all.
    pub needed: Needed,
}

/// The router with the table that it was built from.
#[derive(Default)]
pub(super) struct Routes {
    pub(super) router: Router<AppState>,
    pub(super) table: Vec<Route>,
}

macro_rules! methods {
    ($($name:ident $method:ident,)*) => {
        impl Routes {
            $(fn $name<H, T>(self, needed: Needed, path: &'static str, handler: H) -> Routes
            where
                H: Handler<T, AppState>,
                T: 'static,
            {
                let Routes { router, mut table } = self;
                table.push(Route { method: Method::$method, path, needed });
                let guarded = on(MethodFilter::$method, handler).route_layer(from_fn_with_state(needed, permit));
                Routes { router: router.route(path, guarded), table }
            })*
        }
    };
}

methods! {
    get GET,
    post POST,
    put PUT,
    patch PATCH,
    delete DELETE,
}

/// The table.
pub(super) fn routes() -> Routes {
    Routes::default()
        // Pages.
        .get(AnyKey, "/", pages::home::show)
        .get(AnyKey, "/search", pages::search::show)
        .get(AnyKey, "/datasets", pages::datasets::list)
        .post(FullKey, "/datasets", pages::import::create)
        .get(FullKey, "/datasets/new", pages::import::new)
        .get(AnyKey, "/datasets/{id}", pages::dataset_images::show)
        .get(AnyKey, "/datasets/{id}/overview", pages::dataset_overview::show)
        .get(AnyKey, "/datasets/{id}/skipped", pages::dataset_overview::skipped)
        .get(AnyKey, "/datasets/{id}/runs", pages::dataset_overview::runs)
        .post(FullKey, "/datasets/{id}/format", pages::datasets::read_again)
        .post(FullKey, "/datasets/{id}/retry", pages::import::retry)
        .post(FullKey, "/datasets/{id}/delete", pages::datasets::delete)
        .get(AnyKey, "/datasets/{id}/lab", pages::lab::show)
        .get(AnyKey, "/datasets/{id}/health", pages::health::show)
        .post(FullKey, "/datasets/{id}/health/ignored", pages::health::ignore)
        .get(AnyKey, "/datasets/{id}/health/{file}", api::health::export)
        .get(AnyKey, "/datasets/{id}/versions", pages::versions::list)
        .get(AnyKey, "/datasets/{id}/versions/compare", pages::versions::compare)
        .get(AnyKey, "/datasets/{id}/versions/{number}", pages::versions::show)
        .get(AnyKey, "/datasets/{id}/versions/{number}/{file}", api::versions::manifest_file)
        .post(FullKey, "/datasets/{id}/versions/{number}/{file}", pages::edits::act_on_version)
        .post(FullKey, "/datasets/{id}/edits", pages::edits::edit)
        .get(AnyKey, "/datasets/{id}/samples/{sample}", pages::dataset_sample::show)
        .get(AnyKey, "/datasets/{id}/samples/{sample}/original", images::original)
        .get(AnyKey, "/runs", pages::run_list::list)
        .post(FullKey, "/runs", pages::run_form::create)
        .get(FullKey, "/runs/new", pages::run_form::show)
        .post(FullKey, "/runs/new/preview", pages::run_form::preview)
        .post(FullKey, "/weights/{name}/fetch", pages::weights::fetch)
        .post(FullKey, "/weights/{name}/cancel", pages::weights::cancel)
        .get(FullKey, "/runs/delete", pages::run_selected::ask_to_delete)
        .post(FullKey, "/runs/selected", pages::run_selected::act_on_selected)
        .get(AnyKey, "/live/run-list", pages::run_list::table)
        .get(AnyKey, "/runs/compare", pages::compare::show)
        .get(AnyKey, "/runs/compare/churn", pages::compare::churn::show)
        .get(AnyKey, "/runs/compare/samples/{sample}", pages::compare::sample::show)
        .get(AnyKey, "/live/compare/results", pages::compare::results)
        .get(AnyKey, "/live/compare/images", pages::compare::images)
        .get(FullKey, "/runs/events", pages::event_run::form)
        .post(FullKey, "/runs/events", pages::event_run::create)
        .get(FullKey, "/runs/{id}/log", pages::runs::log)
        .get(FullKey, "/runs/{id}/further", pages::further::show)
        .get(AnyKey, "/runs/{id}", pages::runs::show)
        .get(AnyKey, "/runs/{id}/inputs", pages::inputs::show)
        .get(AnyKey, "/runs/{id}/gradients", pages::gradients::show)
        .get(AnyKey, "/runs/{id}/predictions", pages::predictions::show)
        .get(AnyKey, "/runs/{id}/samples/{sample}", pages::run_sample::show)
        .get(AnyKey, "/runs/{id}/samples/{sample}/input", pages::run_sample::network_input)
        .get(AnyKey, "/runs/{id}/evaluation", pages::evaluation::show)
        .get(AnyKey, "/runs/{id}/category-to-paths", pages::maps::paths)
        .get(AnyKey, "/runs/{id}/category-to-correct-predictions", pages::maps::correct)
        .get(AnyKey, "/runs/{id}/category-to-predictions", pages::maps::all)
        .get(AnyKey, "/runs/{id}/maps", pages::maps::redirect)
        .get(AnyKey, "/runs/{id}/jobs", pages::jobs::redirect)
        .post(FullKey, "/runs/{id}/jobs", pages::jobs::create)
        .get(AnyKey, "/runs/{id}/jobs/{number}", pages::jobs::show)
        .post(FullKey, "/runs/{id}/jobs/{number}/{action}", pages::jobs::act)
        .post(FullKey, "/runs/{id}/findings", pages::findings::act)
        .post(FullKey, "/runs/{id}/{action}", pages::runs::act)
        .get(AnyKey, "/sweeps", pages::sweeps::list)
        .get(AnyKey, "/sweeps/{id}", pages::sweeps::show)
        .post(FullKey, "/sweeps/{id}/{action}", pages::sweeps::act)
        .get(AnyKey, "/live/sweeps/{id}", pages::sweeps::part)
        .get(FullKey, "/share", pages::share::show)
        .post(FullKey, "/share", pages::share::create)
        .post(FullKey, "/share/{id}/revoke", pages::share::revoke)
        // Images; their addresses name their content, so they never change.
        .get(AnyKey, "/thumbnails/{hash}/{side}", images::thumbnail)
        .get(AnyKey, "/datasets/{id}/means/{fingerprint}", images::mean)
        .get(AnyKey, "/runs/{id}/batches/{step}/{item}", pages::batch_image::show)
        .get(AnyKey, "/runs/{id}/jobs/{number}/images/{at}", pages::jobs::image)
        .get(AnyKey, "/lab/images/{key}", images::of_lab)
        // The page that asks for a key posts it here.
        .post(NoKey, "/key", pages::key::enter)
        .get(NoKey, "/static/{*path}", assets::show)
        // Parts of pages, which static/js/live.js asks for when they changed.
        .get(AnyKey, "/live/now", pages::live::now)
        .get(AnyKey, "/live/incident", pages::live::incident)
        .get(AnyKey, "/live/home", pages::live::home_runs)
        .get(AnyKey, "/live/runs", pages::live::runs_table)
        .get(AnyKey, "/live/runs/{id}/head", pages::live::head)
        .get(AnyKey, "/live/runs/{id}/notes", pages::live::notes)
        .get(AnyKey, "/live/runs/{id}/findings", pages::findings::part)
        .get(AnyKey, "/live/runs/{id}/settings", pages::live::settings)
        .get(AnyKey, "/live/runs/{id}/about", pages::live::about)
        .get(AnyKey, "/live/runs/{id}/time", pages::live::times)
        .get(AnyKey, "/live/runs/{id}/epochs", pages::live::epochs)
        .get(AnyKey, "/live/runs/{id}/checkpoint", pages::live::checkpoint)
        .get(AnyKey, "/live/runs/{id}/started", pages::live::started)
        .get(AnyKey, "/live/runs/{id}/inputs", pages::inputs::part)
        .get(FullKey, "/live/weights/{name}", pages::weights::state)
        .get(AnyKey, "/live/runs/{id}/jobs", pages::jobs::list_part)
        .get(AnyKey, "/live/runs/{id}/jobs/{number}", pages::jobs::part)
        .get(AnyKey, "/live/datasets", pages::live::datasets)
        .get(AnyKey, "/live/datasets/{id}", pages::live::dataset)
        .get(AnyKey, "/live/datasets/{id}/health", pages::live::health)
        // JSON.
        .get(AnyKey, "/api/v1/events", api::events::changes)
        .get(FullKey, "/api/v1/status", api::status::show)
        .get(AnyKey, "/api/v1/openapi.json", api::openapi::show)
        .get(AnyKey, "/api/v1/datasets", api::datasets::list)
        .post(FullKey, "/api/v1/datasets", api::import::create)
        .get(FullKey, "/api/v1/dataset-names", api::import::names)
        .get(FullKey, "/api/v1/paths", api::import::paths)
        .get(AnyKey, "/api/v1/datasets/{id}", api::datasets::show)
        .delete(FullKey, "/api/v1/datasets/{id}", api::datasets::delete)
        .post(FullKey, "/api/v1/datasets/{id}/format", api::datasets::read_again)
        .get(AnyKey, "/api/v1/datasets/{id}/health", api::health::show)
        .post(FullKey, "/api/v1/datasets/{id}/health/ignored", api::health::ignore)
        .delete(FullKey, "/api/v1/datasets/{id}/health/ignored/{finding}", api::health::restore)
        .get(AnyKey, "/api/v1/datasets/{id}/health/{file}", api::health::export)
        .get(AnyKey, "/api/v1/datasets/{id}/overview", api::health::overview)
        .get(AnyKey, "/api/v1/datasets/{id}/samples", api::samples::list)
        .post(FullKey, "/api/v1/datasets/{id}/edits", api::versions::edit)
        .get(AnyKey, "/api/v1/datasets/{id}/versions", api::versions::list)
        .get(AnyKey, "/api/v1/datasets/{id}/versions/compare", api::versions::compare)
        .get(AnyKey, "/api/v1/datasets/{id}/versions/{number}", api::versions::show)
        .put(FullKey, "/api/v1/datasets/{id}/versions/{number}/note", api::versions::set_note)
        .get(AnyKey, "/api/v1/datasets/{id}/versions/{number}/{file}", api::versions::manifest_file)
        .post(AnyKey, "/api/v1/datasets/{id}/preview", api::preview::show)
        .get(FullKey, "/api/v1/access-keys", api::access_keys::list)
        .post(FullKey, "/api/v1/access-keys", api::access_keys::create)
        .delete(FullKey, "/api/v1/access-keys/{id}", api::access_keys::revoke)
        .get(AnyKey, "/api/v1/transforms", api::pipelines::transforms)
        .get(AnyKey, "/api/v1/pipelines", api::pipelines::list)
        .put(FullKey, "/api/v1/pipelines/{name}", api::pipelines::save)
        .patch(FullKey, "/api/v1/pipelines/{name}", api::pipelines::rename)
        .delete(FullKey, "/api/v1/pipelines/{name}", api::pipelines::delete)
        .get(AnyKey, "/api/v1/weights", api::weights::list)
        .post(FullKey, "/api/v1/weights/{name}/fetch", api::weights::fetch)
        .delete(FullKey, "/api/v1/weights/{name}/fetch", api::weights::cancel)
        .get(AnyKey, "/api/v1/runs", api::runs::list)
        .post(FullKey, "/api/v1/runs", api::runs::create)
        .post(FullKey, "/api/v1/runs/events", api::event_runs::create)
        .get(AnyKey, "/api/v1/runs/compare", api::compare::show)
        .get(AnyKey, "/api/v1/runs/compare/churn", api::compare::churn)
        .get(AnyKey, "/api/v1/sweeps", api::sweeps::list)
        .post(FullKey, "/api/v1/sweeps", api::sweeps::create)
        .get(AnyKey, "/api/v1/sweeps/{id}", api::sweeps::show)
        .delete(FullKey, "/api/v1/sweeps/{id}", api::sweeps::delete)
        .post(FullKey, "/api/v1/sweeps/{id}/cancel", api::sweeps::cancel)
        .get(AnyKey, "/api/v1/series", api::series::of_runs)
        .get(AnyKey, "/api/v1/runs/{id}", api::runs::show)
        .patch(FullKey, "/api/v1/runs/{id}", api::runs::change)
        .delete(FullKey, "/api/v1/runs/{id}", api::runs::delete)
        .post(FullKey, "/api/v1/runs/{id}/epochs", api::runs::raise_epochs)
        .post(FullKey, "/api/v1/runs/{id}/cancel", api::runs::cancel)
        .post(FullKey, "/api/v1/runs/{id}/pause", api::runs::pause)
        .post(FullKey, "/api/v1/runs/{id}/resume", api::runs::resume)
        .get(AnyKey, "/api/v1/runs/{id}/jobs", api::jobs::list)
        .post(FullKey, "/api/v1/runs/{id}/jobs", api::jobs::create)
        .get(AnyKey, "/api/v1/runs/{id}/jobs/{number}", api::jobs::show)
        .delete(FullKey, "/api/v1/runs/{id}/jobs/{number}", api::jobs::delete)
        .post(FullKey, "/api/v1/runs/{id}/jobs/{number}/{action}", api::jobs::act)
        .get(AnyKey, "/api/v1/runs/{id}/series", api::series::show)
        .get(AnyKey, "/api/v1/runs/{id}/series.csv", api::series_file::csv)
        .get(AnyKey, "/api/v1/runs/{id}/series.parquet", api::series_file::parquet)
        .get(AnyKey, "/api/v1/runs/{id}/histograms", api::histograms::show)
        .get(AnyKey, "/api/v1/runs/{id}/findings", api::findings::list)
        .post(FullKey, "/api/v1/runs/{id}/findings/dismissed", api::findings::dismiss)
        .delete(FullKey, "/api/v1/runs/{id}/findings/dismissed/{finding}", api::findings::restore)
        .get(AnyKey, "/api/v1/runs/{id}/neighbours", api::runs::neighbours)
        .get(AnyKey, "/api/v1/runs/{id}/events", api::events::stream)
        .get(AnyKey, "/api/v1/runs/{id}/predictions", api::predictions::list)
        .get(AnyKey, "/api/v1/runs/{id}/evaluation", api::evaluation::show)
        .get(AnyKey, "/api/v1/runs/{id}/evaluation.csv", api::evaluation::table)
        .get(AnyKey, "/api/v1/runs/{id}/confusion.csv", api::evaluation::confusion)
        .get(AnyKey, "/api/v1/runs/{id}/batches", api::runs::batches)
        // The three maps: `category-to-paths` and so on, as JSON or, with `.csv`, as a table.
        .get(AnyKey, "/api/v1/runs/{id}/{map}", api::evaluation::map)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a key that only reads may do besides `GET`: it asks, and changes nothing.
    const ASKS: [&str; 2] = ["/api/v1/datasets/{id}/preview", "/key"];

    #[test]
    fn whatever_changes_something_needs_a_full_key() {
        let table = routes().table;
        assert!(table.len() > 100, "the table has {} rows", table.len());
        for route in table {
            let is_question = route.method == Method::GET || ASKS.contains(&route.path);
            assert!(is_question || route.needed == FullKey, "{route:?}");
        }
    }
}
