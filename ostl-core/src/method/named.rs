//! The named methods: each a product of window, carry, feedback and update.
//!
//! Costs are for one stream and one layer of n units with m inputs, G gates, S state variables, and P = G·n·(m + n + 1) parameters; time is
//! multiply–adds a step beyond the forward pass, memory is values of the trace.

use super::{Carry, Edge, Feedback, Method, TraceFormat, Update, Window};

impl Method {
    const fn new(window: Window, carry: Carry, update: Update) -> Self {
        Self {
            window,
            carry,
            feedback: Feedback::Symmetric,
            update,
            edge: Edge::Heard,
            trace: TraceFormat::Full,
            block: None,
            seed: 0,
        }
    }

    /// OSTL with H (Bohnstingl et al. 2022, eq. 12–15): the layer's whole influence, one step at a time.
    ///
    /// Keeps ds/dθ of a layer's parameters on all of the layer's states; drops the residual R, the influence on the states of
    /// higher layers. Time ≈ S·n·P (in blocks of steps: n³ a step at any K), memory S·n·P
    /// a stream and as much once; S counts an output with a memory of its own (LSTM's), and a filter below a leaky readout, as one more.
    pub const fn ostl() -> Self {
        Self::new(Window::Steps(1), Carry::Layer, Update::Window)
    }

    /// OSTL without H (Bohnstingl et al. 2022, § III-C): each unit carries only its own influence, at the cost of BPTT.
    ///
    /// Keeps, a unit, ds/dθ of its own parameters on its own state; drops every path through H, and R. Time ≈ (S² + 2·S)·P, memory S·P.
    pub const fn ostl_without_h() -> Self {
        Self::new(Window::Steps(1), Carry::Local, Update::Window).with_edge(Edge::Cut)
    }

    /// OSTL with fixed random feedback between layers ("OSTL rnd" in Bohnstingl et al. 2022, § V; feedback alignment, Lillicrap et
    /// al. 2016): [`ostl`](Self::ostl), its learning signals come down through B instead of Wᵀ.
    ///
    /// Keeps what `ostl` keeps; drops R and the true direction of the learning signal below the readout. Costs as `ostl`.
    pub const fn ostl_random() -> Self {
        Self::ostl().with_feedback(Feedback::Random)
    }

    /// OSTL with target projection, OSTTP (Ortner et al. 2023, arXiv 2304.05124; direct random target projection, Frenkel et al. 2021):
    /// every hidden layer's learning signal is a fixed random projection of the target, so layers need not wait for the readout.
    ///
    /// Keeps what `ostl` keeps; drops R and, below the readout, the error itself. Costs as `ostl`, without the way down.
    pub const fn osttp() -> Self {
        Self::ostl().with_feedback(Feedback::TargetProjection)
    }

    /// Real-time recurrent learning (Williams & Zipser 1989) of the whole network.
    ///
    /// Keeps everything, drops nothing. With N = Σ S·n states in all and all parameters P: time ≈ N·P in blocks of steps, memory N·P.
    pub const fn rtrl() -> Self {
        Self::new(Window::Steps(1), Carry::Network, Update::Window)
    }

    /// Backpropagation through time over the whole sequence (Werbos 1990).
    ///
    /// Drops nothing and carries nothing: time ≈ P, memory grows with the sequence.
    pub const fn bptt() -> Self {
        Self::new(Window::Sequence, Carry::None, Update::Sequence)
    }

    /// Truncated backpropagation through time in chunks of `steps` (Williams & Peng 1990, "BPTT(h; h')" with h = h').
    ///
    /// Keeps nothing across chunks: an error sees between 1 and `steps` steps back. Time ≈ P, no trace; keeps `steps` steps.
    pub const fn tbptt(steps: usize) -> Self {
        Self::new(Window::Steps(steps), Carry::None, Update::Window)
    }

    /// Truncated backpropagation through time that looks back over the last `steps` steps from *every* step (Williams & Peng 1990,
    /// "BPTT(h)"), where [`tbptt`](Self::tbptt) looks back over whole chunks.
    ///
    /// Keeps nothing beyond those steps. Time ≈ `steps`·P, no trace; keeps `steps` steps.
    pub const fn rolling_tbptt(steps: usize) -> Self {
        Self::new(Window::rolling(steps), Carry::None, Update::Window)
    }

    /// Sparse n-step approximation of RTRL, SnAp-n (Menick et al. 2020, arXiv 2006.07232), one step at a time.
    ///
    /// Keeps the entries of the influence matrix that a parameter reaches within `order` steps through the connections of H that
    /// exist; drops the rest, and R. For `order` ≥ 2 the error is read out through all of H, one hop further than published. With r
    /// units reached from one, time ≈ S²·r²·P, memory S·r·P; for `order` 1, r = 1.
    pub const fn snap(order: usize) -> Self {
        let edge = if order == 1 { Edge::Cut } else { Edge::Heard };
        Self::new(Window::Steps(1), Carry::Snap(order), Update::Window).with_edge(edge)
    }

    /// D-RTRL as BrainTrace calls it (Wang et al., "BrainTrace", with its default scope of recurrence): each unit's own influence on itself, the
    /// mixing through H taken out before anything is differentiated. The same product as [`ostl_without_h`](Self::ostl_without_h); with each
    /// unit's own entry of H it is [`snap(1)`](Self::snap). Keeps, drops and costs as that one.
    pub const fn d_rtrl() -> Self {
        Self::ostl_without_h()
    }

    /// Unbiased online recurrent optimisation, UORO (Tallec & Ollivier 2017, arXiv 1702.05043), of the whole network.
    ///
    /// Keeps one random rank-one product whose mean is the whole influence, on all layers' states; drops nothing on average. Its
    /// variance grows with the number of states. Time ≈ 6·P (3·P in long windows), memory P.
    pub const fn uoro() -> Self {
        Self::new(Window::Steps(1), Carry::Uoro(1), Update::Window)
    }

    /// Kronecker-factored RTRL, KF-RTRL (Mujika, Meier & Steger 2018, arXiv 1805.10842), layer by layer.
    ///
    /// Keeps, for each weight matrix, one random Kronecker product whose mean is the layer's influence, with less variance than
    /// UORO, and constants' influence whole; drops R. Time ≈ 2·S²·G·n³, memory 2·S·G·n² + m + n.
    pub const fn kf_rtrl() -> Self {
        Self::new(Window::Steps(1), Carry::KfRtrl, Update::Window)
    }

    /// Random feedback local online learning, RFLO (Murray 2019, eLife 8:e43299), for leaky rate units: the trace keeps the unit's own leak
    /// and no path through H, the error comes to every layer through a fixed random matrix.
    ///
    /// The same product as [`e_prop_random`](Self::e_prop_random); what makes it Murray's is the leaky tanh unit. Costs as
    /// [`ostl_without_h`](Self::ostl_without_h).
    pub const fn rflo() -> Self {
        Self::ostl_without_h().with_feedback(Feedback::Direct)
    }

    /// E-prop (Bellec et al. 2020, Nature Communications 11:3625, eq. 1–4 and 13) with symmetric feedback: on one layer the same product as
    /// [`ostl_without_h`](Self::ostl_without_h). Below a leaky readout the trace is filtered with the readout's κ, as theirs is; their
    /// reset carries no gradient, so take a cell that detaches it.
    ///
    /// Keeps each unit's own influence on itself and, filtered, on the readout; drops paths through H, and R. Of several layers only
    /// the one just below the readout is filtered. Time ≈ (S² + 2·S)·P and memory S·P, with S + 1 for S below a leaky readout.
    pub const fn e_prop() -> Self {
        Self::ostl_without_h()
    }

    /// E-prop with random feedback ("random e-prop" in Bellec et al. 2020): the readout's error comes to every layer through a
    /// fixed random matrix of its own (direct feedback alignment, Nøkland 2016). Keeps and costs as [`e_prop`](Self::e_prop).
    pub const fn e_prop_random() -> Self {
        Self::e_prop().with_feedback(Feedback::Direct)
    }

    /// Online training through time, OTTT (Xiao et al. 2022, arXiv 2210.04195), for spiking layers: a trace of presynaptic activity,
    /// times the instantaneous learning signal.
    ///
    /// Keeps Σ_k λ^{t−k} z_k, one value a presynaptic signal; drops resets, H's paths and R. Time ≈ P, memory m + n + 1.
    pub const fn ottt() -> Self {
        Self::new(Window::Steps(1), Carry::Presynaptic, Update::Window).with_edge(Edge::Cut)
    }

    /// Online training with postsynaptic estimates, OTPE (Summe, Schaefer & Joshi 2024, arXiv 2311.16151), for stacks of spiking layers.
    ///
    /// Keeps each unit's own influence on itself and, filtered by the next layer's leak, on what that layer's potentials have
    /// summed; drops H's paths and what goes more than one layer up across steps. Time ≈ ((S + 1)² + 2·(S + 1))·P,
    /// memory (S + 1)·P.
    pub const fn otpe() -> Self {
        Self::new(Window::Steps(1), Carry::Postsynaptic, Update::Window).with_edge(Edge::Cut)
    }

    /// Every named method, by its name in configurations. Those that take a number have 20 steps (`tbptt`, `rolling_tbptt`) or
    /// order 1 (`snap`).
    pub fn every() -> Vec<(&'static str, Method)> {
        vec![
            ("ostl", Self::ostl()),
            ("ostl_without_h", Self::ostl_without_h()),
            ("ostl_random", Self::ostl_random()),
            ("osttp", Self::osttp()),
            ("bptt", Self::bptt()),
            ("tbptt", Self::tbptt(20)),
            ("rolling_tbptt", Self::rolling_tbptt(20)),
            ("rtrl", Self::rtrl()),
            ("snap", Self::snap(1)),
            ("d_rtrl", Self::d_rtrl()),
            ("uoro", Self::uoro()),
            ("kf_rtrl", Self::kf_rtrl()),
            ("rflo", Self::rflo()),
            ("e_prop", Self::e_prop()),
            ("e_prop_random", Self::e_prop_random()),
            ("ottt", Self::ottt()),
            ("otpe", Self::otpe()),
        ]
    }

    /// The named method, if there is one of that name; `e-prop` and `E_Prop` are `e_prop`.
    pub fn named(name: &str) -> Option<Method> {
        let name = name.replace('-', "_").to_lowercase();
        Self::every().into_iter().find(|(known, _)| *known == name).map(|(_, method)| method)
    }
}
