//! A learner from its file alone: it goes on to the same bits as one that was never saved.

use std::path::Path;
use std::sync::Arc;

use ostl_cells::config::CellVisitor;
use ostl_cells::{CellConfig, Lstm, load, load_with};
use ostl_core::loss::{Huber, Poisson};
use ostl_core::{
    Activation, Activity, AutoCell, Carry, Cell, Equations, Gate, Head, Heads, Learner, Loss, LossFunction, Method, Network,
    Number, Objective, OptimizerSettings, Real, Target, TargetKind, Unit, Update, checkpoint, dynamics_of,
};

const INPUTS: usize = 3;
const OUTPUTS: usize = 2;
const STREAMS: usize = 2;

/// The settings of a cell of whatever type.
struct Settings;

impl CellVisitor for Settings {
    type Output = Option<String>;

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output {
        cell.settings()
    }
}

fn steps<T: Real>(learner: &mut Learner<T>, range: std::ops::Range<usize>) -> Vec<T> {
    let mut outputs = Vec::new();
    for step in range {
        let wave = |at: usize| T::from_f64(((step * 7 + at * 3) as f64).sin());
        let inputs: Vec<T> = (0..INPUTS * STREAMS).map(wave).collect();
        outputs.extend(learner.predict(&inputs).unwrap().iter().copied());
        let values: Vec<T> = (0..OUTPUTS).map(|at| T::from_f64(0.5) + T::from_f64(0.5) * wave(at)).collect();
        let target = match learner.loss().target_kind() {
            TargetKind::Classes => Target::Class(step % OUTPUTS),
            TargetKind::Values => Target::Values(&values),
        };
        let heads = learner.heads().iter().count();
        if heads == 1 {
            learner.learn(&[Some(target), (step % 3 > 0).then_some(target)]).unwrap();
            continue;
        }
        // A class, and two values.
        let row = [Some(Target::Class(step % 2)), (step % 3 > 0).then_some(Target::Values(&values))];
        learner.learn_heads(&[row, [None, row[1]]]).unwrap();
    }
    outputs
}

/// Saves the learner in mid-window, loads it by `load`, and holds both to the same bits.
fn assert_goes_on<T: Real>(mut learner: Learner<T>, load: impl Fn(&Path) -> Learner<T>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learner.ckpt");
    steps(&mut learner, 0..8);
    checkpoint::write(&path, &learner.save()).unwrap();
    let mut loaded = load(&path);
    assert_eq!(loaded.network().plan(), learner.network().plan());
    assert!(loaded.save() == learner.save(), "saved again it is the same");
    assert_eq!(steps(&mut learner, 8..20), steps(&mut loaded, 8..20));
    learner.finish().unwrap();
    loaded.finish().unwrap();
    assert_eq!(learner.network().parameters(), loaded.network().parameters());
}

fn learner<T: Real>(network: Network<T>, objective: impl Into<Objective>) -> Learner<T> {
    let method = Method::ostl().with_window(3).with_carry(Carry::Local).with_update(Update::Window);
    Learner::new(network, objective, method, OptimizerSettings::adam(0.01).clipped(1.0), STREAMS).unwrap()
}

#[test]
fn every_ready_cell_is_made_again_from_its_settings() {
    for (name, config) in CellConfig::every() {
        let settings = config.visit(Settings).unwrap().unwrap_or_else(|| panic!("{name} has no settings"));
        let again = CellConfig::from_settings(&settings).unwrap();
        assert_eq!(again.name(), config.name(), "{name}");
        assert_eq!(again.visit(Settings).unwrap().as_ref(), Some(&settings), "{name}");
        let network = config.add_to(Network::<f64>::builder(INPUTS).seed(3), 4).unwrap().readout(OUTPUTS).unwrap();
        assert_goes_on(learner(network, Loss::SoftmaxCrossEntropy), |path| load(path).unwrap());
    }
}

#[test]
fn networks_losses_and_methods_are_in_the_file() {
    let activity = Activity::rate(0.1, 0.3).with_voltage(1.0, 0.1);
    let network = Network::<f32>::builder(INPUTS).seed(5).events().dense(4, Activation::Relu).dropout(0.3);
    let network = network.recurrent(Lstm::new().recurrent(true), 4).density(0.5).activity(activity);
    let network = network.dropout(0.2).readout(OUTPUTS).unwrap();
    let weighted = Objective::from(Loss::SoftmaxCrossEntropy).with_class_weights(&[1.0, 3.0]).unwrap();
    assert_goes_on(learner(network, weighted.with_label_smoothing(0.1).unwrap()), |path| load(path).unwrap());

    let embedding = Network::<f64>::builder(INPUTS).seed(5).embedding(4).recurrent(Lstm::new(), 4).readout(OUTPUTS).unwrap();
    assert_goes_on(learner(embedding, Loss::BinaryCrossEntropy), |path| load(path).unwrap());

    let plain = || Network::<f64>::builder(INPUTS).seed(5).recurrent(Lstm::new(), 4).readout(OUTPUTS).unwrap();
    let losses: [Arc<dyn LossFunction<f64>>; 2] = [Arc::new(Huber::new(0.3).unwrap()), Arc::new(Poisson)];
    for (loss, carry) in losses.into_iter().zip([Carry::Uoro(1), Carry::Snap(2)]) {
        let method = Method::ostl().with_window(3).with_carry(carry).with_seed(9);
        let learner = Learner::with_loss(plain(), loss, method, OptimizerSettings::momentum(0.01, 0.9), STREAMS).unwrap();
        assert_goes_on(learner, |path| load(path).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learner.ckpt");
    checkpoint::write(&path, &learner(plain(), Loss::MeanSquaredError).save()).unwrap();
    let error = load::<f32>(&path).err().unwrap().to_string();
    assert!(error.contains("learner.ckpt") && error.contains("saved scalar = f64"), "{error}");
}

#[derive(Clone, Copy)]
struct Leaky;

impl Equations<1, 1> for Leaky {
    fn name(&self) -> &'static str {
        "leaky-of-my-own"
    }
    fn gates(&self) -> [Gate; 1] {
        [Gate::new("current", true)]
    }
    fn state<N: Number>(&self, previous: Unit<N, 1>, [a]: [N; 1]) -> [N; 1] {
        [N::constant(0.7) * previous.s[0] + a.tanh()]
    }
    fn output<N: Number>(&self, [s]: [N; 1], _: [N; 1]) -> N {
        s.tanh()
    }
}

/// Σ |y − t|³ / 3.
struct Cubic;

impl LossFunction<f64> for Cubic {
    fn target_kind(&self) -> TargetKind {
        TargetKind::Values
    }
    fn evaluate(&self, outputs: &[f64], target: Target<'_, f64>, signal: &mut [f64]) -> f64 {
        let Target::Values(target) = target else { unreachable!("only values are given") };
        outputs
            .iter()
            .zip(target)
            .zip(signal)
            .map(|((y, t), s)| {
                *s = (y - t) * (y - t).abs();
                (y - t).abs().powi(3) / 3.0
            })
            .sum()
    }
}

#[test]
fn cells_and_losses_of_ones_own_are_asked_for() {
    let network = || Network::builder(INPUTS).seed(5).recurrent(AutoCell(Leaky), 4).readout(OUTPUTS).unwrap();
    let own = |plan: &ostl_core::CellPlan| (plan.name == "leaky-of-my-own").then(|| dynamics_of(AutoCell(Leaky)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learner.ckpt");
    checkpoint::write(&path, &learner::<f64>(network(), Loss::MeanSquaredError).save()).unwrap();
    let error = load::<f64>(&path).err().unwrap().to_string();
    assert!(error.contains("leaky-of-my-own") && error.contains("load_with"), "{error}");
    assert_goes_on(learner(network(), Loss::MeanSquaredError), |path| load_with(path, own, None).unwrap());

    let of_loss = || {
        let settings = OptimizerSettings::sgd(0.01);
        Learner::with_loss(network(), Arc::new(Cubic), Method::ostl().with_window(3), settings, STREAMS).unwrap()
    };
    checkpoint::write(&path, &of_loss().save()).unwrap();
    let error = load_with(&path, own, None).err().unwrap().to_string();
    assert!(error.contains("saved loss") && error.contains("given"), "{error}");
    assert_goes_on(of_loss(), |path| load_with(path, own, Some(Arc::new(Cubic))).unwrap());
}

#[test]
fn heads_are_in_the_file() {
    let network = || Network::<f64>::builder(INPUTS).seed(5).recurrent(Lstm::new(), 4).readout(2 + OUTPUTS).unwrap();
    let weighted = Objective::from(Loss::SoftmaxCrossEntropy).with_class_weights(&[1.0, 3.0]).unwrap();
    let class = || Head::new("class", 2, weighted.clone()).weighted(0.1 + 0.2);
    let headed = |loss: Arc<dyn LossFunction<f64>>| {
        let heads = Heads::new([class(), Head::with_loss("values", OUTPUTS, loss)]).unwrap();
        let method = Method::ostl().with_window(3).with_update(Update::Window);
        Learner::with_heads(network(), heads, method, OptimizerSettings::adam(0.01), STREAMS).unwrap()
    };
    assert_goes_on(headed(Arc::new(Huber::new(0.3).unwrap())), |path| {
        let loaded = load(path).unwrap();
        assert_eq!(
            (loaded.heads().range("values"), loaded.heads().get("class").unwrap().weight()),
            (2..2 + OUTPUTS, 0.1 + 0.2)
        );
        loaded
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learner.ckpt");
    let mut own = headed(Arc::new(Cubic));
    steps(&mut own, 0..4);
    checkpoint::write(&path, &own.save()).unwrap();
    let error = load::<f64>(&path).err().unwrap().to_string();
    assert!(error.contains(r#"loss of head "values""#) && error.contains("Learner::with_heads"), "{error}");
    let error = load_with(&path, |_| None, Some(Arc::new(Cubic))).err().unwrap().to_string();
    assert!(error.contains("saved loss = given: must be left out: the learner has heads"), "{error}");
    let mut restored = headed(Arc::new(Cubic));
    restored.restore(checkpoint::read(&path).unwrap()).unwrap();
    assert_eq!(steps(&mut own, 4..9), steps(&mut restored, 4..9));
    assert_eq!(own.network().parameters(), restored.network().parameters());
}
