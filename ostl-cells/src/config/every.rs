//! Every variant of every cell: what test suites run through.

use super::{
    AlifConfig, CellConfig, ELstmConfig, GruConfig, IndRnnConfig, LiConfig, LifConfig, LruConfig, LstmConfig, MinGruConfig,
    MinLstmConfig, OutputKind, PseudoDerivativeKind as Kind, RnnConfig, RtuConfig, SnuConfig, SoftSnuConfig,
    SynapticLifConfig,
};
use crate::nonlinearity::Nonlinearity;
use crate::reset::Reset;
use crate::snu::StateFunction;

impl CellConfig {
    /// Every variant of every cell, by a name of its own: each pseudo-derivative, state function and reset, fixed and learnable
    /// decay, spiking and smooth, with and without H. Names without H end in `-without-h`; cells that never have an H are listed
    /// once, under their plain names.
    pub fn every() -> Vec<(String, CellConfig)> {
        let all = snu_variants().into_iter().chain(lif_variants()).chain(gated_variants()).collect::<Vec<_>>();
        let without_h = all.iter().map(|&(name, config)| (format!("{name}-without-h"), config.with_recurrent(false)));
        let element_wise = element_wise_variants().into_iter().map(|(name, config)| (name.to_owned(), config));
        let with_h = all.iter().map(|&(name, config)| (name.to_owned(), config));
        with_h.chain(without_h).chain(element_wise).collect()
    }
}

type Named = (&'static str, CellConfig);

fn snu_variants() -> Vec<Named> {
    let (snu, soft) = (SnuConfig::default(), SoftSnuConfig::default());
    let spiking = |pseudo_derivative| CellConfig::Snu(SnuConfig { pseudo_derivative, ..snu });
    vec![
        ("snu-tanh", spiking(Kind::Tanh)),
        ("snu-fast-sigmoid", spiking(Kind::FastSigmoid)),
        ("snu-triangle", spiking(Kind::Triangle)),
        ("snu-arctan", spiking(Kind::Arctan)),
        ("snu-sigmoid", spiking(Kind::Sigmoid)),
        ("snu-relu", CellConfig::Snu(SnuConfig { state_function: StateFunction::Relu, ..snu })),
        ("snu-learnable-decay", CellConfig::Snu(SnuConfig { learn_decay: true, ..snu })),
        ("ssnu", CellConfig::Ssnu(soft)),
        ("ssnu-relu", CellConfig::Ssnu(SoftSnuConfig { state_function: StateFunction::Relu, ..soft })),
        ("ssnu-learnable-decay", CellConfig::Ssnu(SoftSnuConfig { learn_decay: true, ..soft })),
    ]
}

fn lif_variants() -> Vec<Named> {
    let lif = LifConfig::default();
    let soft = LifConfig { output: OutputKind::Sigmoid, ..lif };
    let synaptic = SynapticLifConfig::default();
    let alif = AlifConfig::default();
    let pseudo_derivative = Kind::FastSigmoid;
    let hard = Reset::Zero;
    let hard_detached = LifConfig { reset: hard, detach_reset: true, scaled_input: true, decay: Some(0.5), ..lif };
    vec![
        ("lif", CellConfig::Lif(lif)),
        ("lif-detached", CellConfig::Lif(LifConfig { detach_reset: true, pseudo_derivative, ..lif })),
        ("lif-hard-detached", CellConfig::Lif(hard_detached)),
        ("lif-unreset", CellConfig::Lif(LifConfig { reset: Reset::None, ..lif })),
        ("lif-refractory", CellConfig::Lif(LifConfig { refractory: 2, time_constant: Some(20.0), step: 2.0, ..lif })),
        ("lif-learnable-decay", CellConfig::Lif(LifConfig { learn_decay: true, reset: hard, ..lif })),
        ("lif-soft", CellConfig::Lif(LifConfig { learn_decay: true, scaled_input: true, ..soft })),
        ("lif-soft-hard", CellConfig::Lif(LifConfig { reset: hard, ..soft })),
        ("synaptic-lif", CellConfig::SynapticLif(synaptic)),
        (
            "synaptic-lif-soft",
            CellConfig::SynapticLif(SynapticLifConfig { output: OutputKind::Sigmoid, learn_decay: true, ..synaptic }),
        ),
        ("alif", CellConfig::Alif(alif)),
        ("alif-detached", CellConfig::Alif(AlifConfig { detach_reset: true, pseudo_derivative, ..alif })),
        ("alif-soft", CellConfig::Alif(AlifConfig { output: OutputKind::Sigmoid, ..alif })),
    ]
}

fn gated_variants() -> Vec<Named> {
    vec![
        ("rnn", CellConfig::Rnn(RnnConfig::default())),
        ("rnn-leaky", CellConfig::Rnn(RnnConfig { leak: Some(0.4), ..RnnConfig::default() })),
        ("lstm", CellConfig::Lstm(LstmConfig::default())),
        ("gru", CellConfig::Gru(GruConfig::default())),
    ]
}

fn element_wise_variants() -> Vec<Named> {
    let (li, nonlinearity) = (LiConfig::default(), Nonlinearity::Tanh);
    let rtu = RtuConfig::default();
    vec![
        ("li", CellConfig::Li(li)),
        ("li-learnable-decay", CellConfig::Li(LiConfig { learn_decay: true, scaled_input: true, ..li })),
        ("ind-rnn", CellConfig::IndRnn(IndRnnConfig::default())),
        ("ind-rnn-tanh", CellConfig::IndRnn(IndRnnConfig { nonlinearity, ..IndRnnConfig::default() })),
        ("e-lstm", CellConfig::ELstm(ELstmConfig::default())),
        ("lru", CellConfig::Lru(LruConfig::default())),
        ("rtu", CellConfig::Rtu(rtu)),
        ("rtu-tanh", CellConfig::Rtu(RtuConfig { nonlinearity, ..rtu })),
        ("rtu-tanh-inside", CellConfig::Rtu(RtuConfig { nonlinearity, nonlinear_recurrence: true, ..rtu })),
        ("min-gru", CellConfig::MinGru(MinGruConfig::default())),
        ("min-lstm", CellConfig::MinLstm(MinLstmConfig::default())),
    ]
}
