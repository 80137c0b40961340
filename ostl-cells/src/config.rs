//! Cells as they are described in a configuration file, and the way from a description to a cell.
//!
//! ```toml
//! cell = "snu"
//! recurrent = false
//! decay = 0.9
//! pseudo_derivative = "fast-sigmoid"
//! ```

use ostl_core::{Cell, NetworkBuilder, Real};
use serde::{Deserialize, Serialize};

use crate::error::CellError;
use crate::gru::Gru;
use crate::lstm::Lstm;
use crate::output::{OutputFunction, Sigmoid, Step};
use crate::rnn::Rnn;
use crate::snu::{Snu, StateFunction};
use crate::surrogate::{Arctan, FastSigmoid, PseudoDerivative, SigmoidDerivative, TanhDerivative, Triangle};

/// A cell and its options. The key `cell` names the cell; a key that this cell does not have is an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cell", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CellConfig {
    /// `cell = "snu"`: the spiking neural unit, step output ([`Snu::spiking`]).
    Snu(SnuConfig),
    /// `cell = "ssnu"`: the soft spiking neural unit, logistic output ([`Snu::soft`]).
    Ssnu(SoftSnuConfig),
    /// `cell = "rnn"`: the tanh unit ([`Rnn`]).
    Rnn(RnnConfig),
    /// `cell = "lstm"`: long short-term memory ([`Lstm`]).
    Lstm(LstmConfig),
    /// `cell = "gru"`: the gated recurrent unit ([`Gru`]).
    Gru(GruConfig),
}

/// Options of the SNU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnuConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d, 0 … 1. Default: 0.8.
    pub decay: f64,
    /// The decay is learnt, from `decay` on, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// The state function g: `"identity"` or `"relu"`. Default: `"identity"`.
    pub state_function: StateFunction,
    /// What stands in for the derivative of the step. Default: `"tanh"`.
    pub pseudo_derivative: PseudoDerivativeKind,
    /// Where the bias b starts (the threshold starts at −b). Default: −0.5.
    pub initial_bias: f64,
}

/// Options of the sSNU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoftSnuConfig {
    /// The current sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// The decay d, 0 … 1. Default: 0.8.
    pub decay: f64,
    /// The decay is learnt, from `decay` on, which must then be neither 0 nor 1. Default: false.
    pub learn_decay: bool,
    /// The state function g: `"identity"` or `"relu"`. Default: `"identity"`.
    pub state_function: StateFunction,
    /// Where the bias b starts. Default: 0.
    pub initial_bias: f64,
}

/// Options of the tanh unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RnnConfig {
    /// The gate sums y_{t-1} through H. Default: true.
    pub recurrent: bool,
}

/// Options of the LSTM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LstmConfig {
    /// The gates sum y_{t-1} through H. Default: true.
    pub recurrent: bool,
    /// Where the forget gate's constant starts. Default: 1.
    pub forget_bias: f64,
}

/// Options of the GRU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GruConfig {
    /// The gates sum y_{t-1} through H. Default: true.
    pub recurrent: bool,
}

/// The pseudo-derivatives by name; [`surrogate`](crate::surrogate) has their formulas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PseudoDerivativeKind {
    /// `"tanh"`: [`TanhDerivative`].
    #[default]
    Tanh,
    /// `"fast-sigmoid"`: [`FastSigmoid`].
    FastSigmoid,
    /// `"triangle"`: [`Triangle`] with its default scale.
    Triangle,
    /// `"arctan"`: [`Arctan`].
    Arctan,
    /// `"sigmoid"`: [`SigmoidDerivative`].
    Sigmoid,
}

impl Default for SnuConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: 0.8,
            learn_decay: false,
            state_function: StateFunction::default(),
            pseudo_derivative: PseudoDerivativeKind::default(),
            initial_bias: <Step<TanhDerivative> as OutputFunction>::INITIAL_BIAS,
        }
    }
}

impl Default for SoftSnuConfig {
    fn default() -> Self {
        Self {
            recurrent: true,
            decay: 0.8,
            learn_decay: false,
            state_function: StateFunction::default(),
            initial_bias: Sigmoid::INITIAL_BIAS,
        }
    }
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self { recurrent: true }
    }
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self { recurrent: true, forget_bias: 1.0 }
    }
}

impl Default for GruConfig {
    fn default() -> Self {
        Self { recurrent: true }
    }
}

/// Something to do with a cell of whatever type: what [`CellConfig::visit`] calls with the cell that was described.
pub trait CellVisitor {
    /// What comes of it.
    type Output;

    /// Called once, with the cell.
    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output;
}

impl CellConfig {
    /// The name that stands under the key `cell`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Snu(_) => "snu",
            Self::Ssnu(_) => "ssnu",
            Self::Rnn(_) => "rnn",
            Self::Lstm(_) => "lstm",
            Self::Gru(_) => "gru",
        }
    }

    /// Whether the layer sums its own previous outputs, that is has an H.
    pub fn is_recurrent(&self) -> bool {
        match self {
            Self::Snu(options) => options.recurrent,
            Self::Ssnu(options) => options.recurrent,
            Self::Rnn(options) => options.recurrent,
            Self::Lstm(options) => options.recurrent,
            Self::Gru(options) => options.recurrent,
        }
    }

    /// The same cell, with or without H.
    pub fn with_recurrent(mut self, recurrent: bool) -> Self {
        *match &mut self {
            Self::Snu(options) => &mut options.recurrent,
            Self::Ssnu(options) => &mut options.recurrent,
            Self::Rnn(options) => &mut options.recurrent,
            Self::Lstm(options) => &mut options.recurrent,
            Self::Gru(options) => &mut options.recurrent,
        } = recurrent;
        self
    }

    /// Whether every option is in its range.
    ///
    /// # Errors
    /// If one is not; the error names it, its value and the range.
    pub fn validate(&self) -> Result<(), CellError> {
        self.visit(Nothing)
    }

    /// Puts a layer of so many of these units on top of a network.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn add_to<T: Real>(&self, builder: NetworkBuilder<T>, units: usize) -> Result<NetworkBuilder<T>, CellError> {
        self.visit(Add { builder, units })
    }

    /// Makes the cell and hands it to `visitor`.
    ///
    /// # Errors
    /// If an option is out of range.
    pub fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        Ok(match self {
            Self::Snu(options) => return options.visit(visitor),
            Self::Ssnu(options) => {
                let snu = Snu::soft().recurrent(options.recurrent).state_function(options.state_function);
                let snu = snu.decay(options.decay)?.initial_bias(options.initial_bias)?;
                return visit_snu(snu, options.learn_decay, visitor);
            }
            Self::Rnn(options) => visitor.visit(Rnn::new().recurrent(options.recurrent)),
            Self::Lstm(options) => visitor.visit(Lstm::new().recurrent(options.recurrent).forget_bias(options.forget_bias)?),
            Self::Gru(options) => visitor.visit(Gru::new().recurrent(options.recurrent)),
        })
    }

    /// Every variant of every cell, by a name of its own: each pseudo-derivative, each state function, fixed and learnable
    /// decay, with and without H. What test suites run through.
    pub fn every() -> Vec<(String, CellConfig)> {
        use PseudoDerivativeKind as Kind;
        let snu = SnuConfig::default();
        let soft = SoftSnuConfig::default();
        let spiking = |pseudo_derivative| Self::Snu(SnuConfig { pseudo_derivative, ..snu });
        let recurrent = [
            ("snu-tanh", spiking(Kind::Tanh)),
            ("snu-fast-sigmoid", spiking(Kind::FastSigmoid)),
            ("snu-triangle", spiking(Kind::Triangle)),
            ("snu-arctan", spiking(Kind::Arctan)),
            ("snu-sigmoid", spiking(Kind::Sigmoid)),
            ("snu-relu", Self::Snu(SnuConfig { state_function: StateFunction::Relu, ..snu })),
            ("snu-learnable-decay", Self::Snu(SnuConfig { learn_decay: true, ..snu })),
            ("ssnu", Self::Ssnu(soft)),
            ("ssnu-relu", Self::Ssnu(SoftSnuConfig { state_function: StateFunction::Relu, ..soft })),
            ("ssnu-learnable-decay", Self::Ssnu(SoftSnuConfig { learn_decay: true, ..soft })),
            ("rnn", Self::Rnn(RnnConfig::default())),
            ("lstm", Self::Lstm(LstmConfig::default())),
            ("gru", Self::Gru(GruConfig::default())),
        ];
        let with_h = recurrent.iter().map(|&(name, config)| (name.to_owned(), config));
        let without_h = recurrent.iter().map(|&(name, config)| (format!("{name}-without-h"), config.with_recurrent(false)));
        with_h.chain(without_h).collect()
    }
}

impl SnuConfig {
    fn visit<V: CellVisitor>(&self, visitor: V) -> Result<V::Output, CellError> {
        match self.pseudo_derivative {
            PseudoDerivativeKind::Tanh => self.visit_with(TanhDerivative, visitor),
            PseudoDerivativeKind::FastSigmoid => self.visit_with(FastSigmoid, visitor),
            PseudoDerivativeKind::Triangle => self.visit_with(Triangle::default(), visitor),
            PseudoDerivativeKind::Arctan => self.visit_with(Arctan, visitor),
            PseudoDerivativeKind::Sigmoid => self.visit_with(SigmoidDerivative, visitor),
        }
    }

    fn visit_with<P: PseudoDerivative, V: CellVisitor>(
        &self,
        pseudo_derivative: P,
        visitor: V,
    ) -> Result<V::Output, CellError> {
        let snu = Snu::spiking(pseudo_derivative).recurrent(self.recurrent).state_function(self.state_function);
        visit_snu(snu.decay(self.decay)?.initial_bias(self.initial_bias)?, self.learn_decay, visitor)
    }
}

fn visit_snu<O: OutputFunction, V: CellVisitor>(snu: Snu<O>, learn_decay: bool, visitor: V) -> Result<V::Output, CellError> {
    Ok(if learn_decay { visitor.visit(snu.learnable_decay()?) } else { visitor.visit(snu) })
}

/// Puts a layer of the cell on top of a network.
struct Add<T> {
    builder: NetworkBuilder<T>,
    units: usize,
}

impl<T: Real> CellVisitor for Add<T> {
    type Output = NetworkBuilder<T>;

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output {
        self.builder.recurrent(cell, self.units)
    }
}

/// Makes the cell, to see whether it can be made.
struct Nothing;

impl CellVisitor for Nothing {
    type Output = ();

    fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, _cell: C) {}
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> Result<CellConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// Name of the cell, S, names of the gates, and their initial constants.
    struct Describe;

    impl CellVisitor for Describe {
        type Output = (&'static str, usize, Vec<(&'static str, f64)>);

        fn visit<C: Cell<S, G>, const S: usize, const G: usize>(self, cell: C) -> Self::Output {
            let gates = cell.gates().iter().enumerate().map(|(g, gate)| (gate.name, cell.initial_constant(g))).collect();
            (cell.name(), S, gates)
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        assert_eq!(parse(json!({"cell": "snu"})), Ok(CellConfig::Snu(SnuConfig::default())));
        assert_eq!(parse(json!({"cell": "ssnu"})), Ok(CellConfig::Ssnu(SoftSnuConfig::default())));
        assert_eq!(parse(json!({"cell": "lstm"})), Ok(CellConfig::Lstm(LstmConfig::default())));
    }

    #[test]
    fn options_reach_the_cell() {
        let config = parse(json!({"cell": "ssnu", "decay": 0.5, "learn_decay": true, "initial_bias": -1})).unwrap();
        let gates = vec![("current", 0.0), ("threshold", -1.0), ("decay", 0.0)];
        assert_eq!(config.visit(Describe), Ok(("ssnu", 1, gates)));
        let config = parse(json!({"cell": "lstm", "recurrent": false, "forget_bias": 2.5})).unwrap();
        assert!(!config.is_recurrent());
        let gates = vec![("input", 0.0), ("forget", 2.5), ("cell", 0.0), ("output", 0.0)];
        assert_eq!(config.visit(Describe), Ok(("lstm", 1, gates)));
    }

    #[test]
    fn what_is_misspelled_is_named() {
        let error = parse(json!({"cell": "snu", "decoy": 0.9})).unwrap_err();
        assert!(error.contains("`decoy`") && error.contains("`decay`"), "{error}");
        let error = parse(json!({"cell": "gru", "forget_bias": 1.0})).unwrap_err();
        assert!(error.contains("`forget_bias`"), "{error}");
        let error = parse(json!({"cell": "lsmt"})).unwrap_err();
        assert!(error.contains("`lsmt`") && error.contains("`lstm`"), "{error}");
        let error = parse(json!({"cell": "snu", "pseudo_derivative": "tan"})).unwrap_err();
        assert!(error.contains("`tan`") && error.contains("`fast-sigmoid`"), "{error}");
    }

    /// A layer's table may hold the cell's keys among its own: `units = 150`, `cell = "gru"`.
    #[test]
    fn it_flattens_into_a_table_with_other_keys() {
        #[derive(Debug, Deserialize)]
        struct Layer {
            units: usize,
            #[serde(flatten)]
            cell: CellConfig,
        }
        let layer: Layer = serde_json::from_value(json!({"units": 150, "cell": "gru", "recurrent": false})).unwrap();
        assert_eq!((layer.units, layer.cell), (150, CellConfig::Gru(GruConfig { recurrent: false })));
        let error = serde_json::from_value::<Layer>(json!({"units": 150, "cell": "gru", "decay": 0.5})).unwrap_err();
        assert!(error.to_string().contains("`decay`"), "{error}");
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let message = |value| parse(value).unwrap().validate().unwrap_err().to_string();
        let error = message(json!({"cell": "snu", "decay": 1.2}));
        assert_eq!(error, "decay = 1.2 is out of range: it must be between 0 and 1");
        let error = message(json!({"cell": "ssnu", "decay": 1, "learn_decay": true}));
        assert_eq!(error, "decay = 1 is out of range: it must be strictly between 0 and 1 where it is learnt");
    }

    #[test]
    fn every_variant_is_valid_and_survives_a_round_trip() {
        let every = CellConfig::every();
        let names: std::collections::BTreeSet<_> = every.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), every.len(), "names are unique");
        for (name, config) in &every {
            let (cell, ..) = config.visit(Describe).unwrap();
            assert_eq!(cell, config.name());
            assert_eq!(config.is_recurrent(), !name.ends_with("without-h"));
            let text = serde_json::to_string(config).unwrap();
            assert_eq!(serde_json::from_str::<CellConfig>(&text).unwrap(), *config, "{text}");
        }
    }
}
