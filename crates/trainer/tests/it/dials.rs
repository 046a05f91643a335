//! What the dials say, against what is computed here by hand from the batch that the run captured.

use crate::support::Run;
use protocol::event::{ClassDial, Dials, Event, HistogramDial, LayerDial, Started};
use protocol::spec::{Model, Optimizer, RunSpec, Schedule};
use std::cell::RefCell;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};
use tintype_trainer::layers::{Activation, Mode, Tap};
use tintype_trainer::{models, weights};

fn read_dials(run: &Run) -> Vec<Dials> {
    let dials = |event| if let Event::Dials(dials) = event { Some(dials) } else { None };
    run.events().into_iter().filter_map(dials).collect()
}

fn layers(run: &Run) -> Vec<String> {
    let started = run.events().into_iter().find_map(|event| match event {
        Event::Started(Started { layers, .. }) => Some(layers),
        _ => None,
    });
    started.unwrap()
}

/// The outputs of activations, copied.
#[derive(Default)]
struct Outputs(RefCell<BTreeMap<String, Tensor>>);

impl Tap for Outputs {
    fn output(&self, _: &str, _: &Tensor) {}

    fn activation(&self, layer: &str, _: Activation, output: &Tensor) {
        self.0.borrow_mut().insert(layer.to_owned(), output.detach().copy());
    }
}

fn assert_near(name: &str, read: Option<f64>, by_hand: f64) {
    let read = read.unwrap_or_else(|| panic!("{name} was not read; {by_hand} by hand"));
    assert!((read - by_hand).abs() <= 1e-4 * by_hand.abs() + 1e-9, "{name}: {read}, by hand {by_hand}");
}

#[test]
fn the_dials_of_the_first_step_are_what_is_computed_by_hand() {
    let rate = 0.01;
    let run = Run::new(|spec| {
        spec.epochs = 1;
        (spec.optimizer, spec.learning_rate, spec.weight_decay) = (Optimizer::Sgd, rate, 0.0);
        (spec.schedule, spec.warmup_epochs) = (Schedule::Constant, 0.0);
    });
    run.complete();
    let spec: RunSpec = serde_json::from_slice(&std::fs::read(run.path("spec.json")).unwrap()).unwrap();
    assert_eq!(spec.model, Model::SmallCnn);
    let (Some(Event::Batch(batch)), labels) = (
        run.events().into_iter().find(|event| matches!(event, Event::Batch(_))),
        |batch: &protocol::event::Batch| {
            batch.items.iter().map(|item| i64::from(item.label)).collect::<Vec<_>>()
        },
    ) else {
        panic!("the first batch is captured")
    };
    assert_eq!(batch.items.len(), spec.batch_size as usize, "all of it");
    let input = weights::read(&run.path(&batch.path)).unwrap().remove("input").unwrap();

    tch::manual_seed(spec.seed.cast_signed());
    let network = models::build(spec.model, spec.image_size, 2, Device::Cpu).unwrap();
    let outputs = Outputs::default();
    let mode = Mode::Train { seed: spec.seed, step: 0, keep_statistics: false };
    let logits = network.forward_with(&outputs, &input, Kind::Float, mode).logits;
    let gradient = network.gradient(&logits.cross_entropy_for_logits(&Tensor::from_slice(&labels(&batch))));

    let first = &read_dials(&run)[0];
    assert_eq!(first.step, 0);
    let names = layers(&run);
    assert_eq!(names.len(), network.layers.len());
    let size = |numbers: &Tensor| {
        let numbers = Vec::<f32>::try_from(numbers.reshape([-1])).unwrap();
        numbers.into_iter().map(|number| f64::from(number).powi(2)).sum::<f64>().sqrt()
    };
    for (at, layer) in network.layers.iter().enumerate() {
        let length = layer.range.end - layer.range.start;
        let weight = size(&network.flat.detach().narrow(0, layer.range.start, length));
        let slope = size(&gradient.narrow(0, layer.range.start, length));
        let read = |dial| first.layers[&dial][at];
        assert_eq!(names[at], layer.name);
        assert_near(&format!("gradient of {}", layer.name), read(LayerDial::Gradient), slope);
        assert_near(&format!("weight of {}", layer.name), read(LayerDial::Weight), weight);
        // Nesterov's first step is 1.9 times the gradient.
        assert_near(
            &format!("update of {}", layer.name),
            read(LayerDial::Update),
            rate * 1.9 * slope / weight,
        );
        match outputs.0.borrow().get(&layer.name) {
            None => assert_eq!(read(LayerDial::Dead), None, "{} has no ReLU", layer.name),
            Some(output) => {
                let channels = output.size()[3];
                let is_dead = |channel: &i64| output.select(3, *channel).max().double_value(&[]) <= 0.0;
                let dead = (0..channels).filter(is_dead).count();
                assert_near(
                    &format!("dead of {}", layer.name),
                    read(LayerDial::Dead),
                    dead as f64 / channels as f64,
                );
                let bins = &first.histograms[&HistogramDial::Activation][at];
                let zero = output.eq(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
                assert!((bins[0] - zero).abs() < 0.03, "{}: {bins:?}, {zero} are 0", layer.name);
                assert!((bins.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
    assert_eq!(outputs.0.borrow().len(), 4, "a stage each");
    let gradients = &first.histograms[&HistogramDial::Gradient];
    assert!(gradients.len() == names.len() && gradients.iter().all(|bins| bins.len() == 13));
}

#[test]
fn times_and_the_process_are_read_at_each_report_and_recall_at_each_epoch() {
    let run = Run::new(|spec| spec.epochs = 2);
    run.complete();
    let (by_class, by_layer): (Vec<Dials>, Vec<Dials>) =
        read_dials(&run).into_iter().partition(|dials| !dials.classes.is_empty());
    assert_eq!(by_layer.len(), 12, "as many steps");
    for dials in &by_layer {
        let shares: Vec<f64> = ["data", "forward", "backward", "optimizer", "other"]
            .iter()
            .map(|phase| dials.values[&format!("time/{phase}")].unwrap())
            .collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
        assert!(shares[1] > 0.0 && shares[2] > 0.0, "{shares:?}");
        assert_eq!(dials.layers.contains_key(&LayerDial::Dead), dials.step % 5 == 0);
        assert_eq!(dials.histograms.len(), if dials.step % 5 == 0 { 2 } else { 0 });
        #[cfg(target_os = "linux")]
        assert!(dials.values["process/memory_bytes"].unwrap() > 1e7);
    }
    assert_eq!(by_class.iter().map(|dials| dials.step).collect::<Vec<_>>(), [5, 11]);
    for (epoch, dials) in (1..).zip(&by_class) {
        let file = weights::read(&run.path(&format!("predictions/val-{epoch:04}.safetensors"))).unwrap();
        let labels = Vec::<i64>::try_from(&file["label"]).unwrap();
        let predicted = Vec::<i64>::try_from(file["logits"].argmax(1, false)).unwrap();
        for class in 0..2 {
            let of_class = || labels.iter().zip(&predicted).filter(move |(label, _)| **label == class);
            let right = of_class().filter(|(label, predicted)| label == predicted).count();
            let recall = right as f64 / of_class().count() as f64;
            assert_eq!(dials.classes[&ClassDial::Recall][class as usize], Some(recall));
        }
    }
}

#[test]
fn where_the_last_layer_learns_alone_its_dials_are_read() {
    let run = Run::new(|spec| {
        spec.epochs = 1;
        spec.training = protocol::spec::Training::Head { draws: 1 };
    });
    run.complete();
    assert_eq!(layers(&run), ["head"]);
    let first = &read_dials(&run)[0];
    for dial in [LayerDial::Gradient, LayerDial::Weight, LayerDial::Update] {
        assert!(first.layers[&dial][0].is_some_and(|number| number > 0.0), "{dial:?}");
    }
    assert_eq!(first.layers[&LayerDial::Dead], [None]);
}
