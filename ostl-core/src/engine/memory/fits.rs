//! What is refused for want of memory: the part that takes most, how much it is, and what would fit.

use crate::linalg::real::Real;
use crate::method::{Carry, Method, Window};
use crate::network::Network;
use crate::network::size::{layer_of_most, with_units};
use crate::refusal::{ConfigError, Counted, Fits, MemoryNeed, Part, TooLarge, can_have};
use crate::trace::Sizing;

/// What has to fit: a network, how it learns, and what lies beside it.
struct Asked<'a, T: Real> {
    network: &'a Network<T>,
    method: &'a Method,
    /// Values that the optimiser keeps for each parameter.
    moments: usize,
    streams: usize,
    longest: usize,
    beside: u64,
    /// The network is there already, and only an outline of it if not.
    is_built: bool,
}

impl<T: Real> Clone for Asked<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Real> Copy for Asked<'_, T> {}

impl<T: Real> Asked<'_, T> {
    fn need(&self) -> MemoryNeed {
        Sizing::new(self.network, self.method, self.streams, self.longest).need(self.moments)
    }

    /// Bytes that are not there yet and count against a limit.
    fn missing(&self, need: &MemoryNeed, counted: Counted) -> u64 {
        let weights = if self.is_built { 0 } else { need.weights };
        let bytes = match counted {
            Counted::All => [weights, need.updates, need.traces, need.windows, self.beside],
            Counted::TracesAndWindows => [need.traces, need.windows, 0, 0, 0],
            Counted::Windows => [need.windows, 0, 0, 0, 0],
            Counted::Evaluation => [need.evaluation, 0, 0, 0, 0],
        };
        bytes.into_iter().fold(0, u64::saturating_add)
    }

    /// Refuses it where it is more than the limit: of the machine, or one that was set.
    fn check(&self, counted: Counted, budget: Option<u64>) -> Result<MemoryNeed, Box<TooLarge>> {
        let need = self.need();
        let missing = self.missing(&need, counted);
        let limit = match (budget, can_have(missing)) {
            (Some(budget), _) if missing > budget => budget,
            (None, Err(available)) => available,
            _ => return Ok(need),
        };
        let part = largest(self, &need, counted);
        let value = match part {
            Part::Units { layer } => self.network.layers[layer].units().to_string(),
            Part::Carry => self.method.carry.to_string(),
            Part::Window => self.method.window.steps().map_or_else(|| "sequence".into(), |steps| steps.to_string()),
            Part::Streams => self.streams.to_string(),
        };
        let fits = fits(self, part, |asked, need| asked.missing(need, counted) <= limit);
        Err(Box::new(TooLarge { part, value, need, beside: self.beside, limit, counted, fits }))
    }
}

impl<T: Real> Network<T> {
    /// Whether this machine has the memory for learning with it, beside the network itself where it is built already, and for `beside`
    /// other bytes. `budget` is what traces and windows may take, if there is such a limit.
    #[inline(never)]
    pub(crate) fn check_need(
        &self,
        is_built: bool,
        method: &Method,
        moments: usize,
        [streams, longest]: [usize; 2],
        beside: u64,
        budget: Option<u64>,
    ) -> Result<MemoryNeed, Box<TooLarge>> {
        let asked = Asked { network: self, method, moments, streams, longest, beside, is_built };
        if budget.is_some() {
            asked.check(Counted::TracesAndWindows, budget)?;
        }
        asked.check(Counted::All, None)
    }

    /// Whether there is the memory for windows (or an evaluation) of this many steps and streams, where shorter ones are there already.
    pub(crate) fn check_room(
        &self,
        method: &Method,
        [streams, longest]: [usize; 2],
        counted: Counted,
    ) -> Result<(), ConfigError> {
        Asked { network: self, method, moments: 0, streams, longest, beside: 0, is_built: true }.check(counted, None)?;
        Ok(())
    }
}

/// The part that takes most.
fn largest<T: Real>(asked: &Asked<'_, T>, need: &MemoryNeed, counted: Counted) -> Part {
    let units = Part::Units { layer: layer_of_most(&asked.network.layers) };
    let [own, beside, traces, windows] = match counted {
        Counted::All => [need.updates, asked.beside, need.traces, need.windows],
        Counted::TracesAndWindows => [0, 0, need.traces, need.windows],
        Counted::Windows | Counted::Evaluation => [0, 0, 0, need.windows],
    };
    let most = own.max(beside).max(traces).max(windows);
    if most == traces {
        return Part::Carry;
    }
    if most == own {
        return units;
    }
    if most == windows && counted != Counted::Evaluation {
        let none = Method { carry: Carry::None, ..*asked.method };
        if (Asked { method: &none, ..*asked }).need().windows < need.windows / 2 {
            return Part::Carry;
        }
        if asked.method.window != Window::Steps(1) {
            return Part::Window;
        }
    }
    if asked.streams > 1 { Part::Streams } else { units }
}

/// Shows the same request with another value of one of its parts.
type Variants<'a, T> = &'a dyn Fn(usize, &mut dyn FnMut(&Asked<'_, T>));

/// What would fit, the part to blame first.
fn fits<T: Real>(asked: &Asked<'_, T>, part: Part, fit: impl Fn(&Asked<'_, T>, &MemoryNeed) -> bool) -> Fits {
    let mut parts = Vec::new();
    let all = |asked: &Asked<'_, T>, need: &MemoryNeed| need.total().saturating_add(asked.beside);
    for carry in [Carry::Layer, Carry::Local, Carry::None] {
        let method = Method { carry, ..*asked.method };
        let smaller = Asked { method: &method, ..*asked };
        if carry == asked.method.carry || method.validate_for(asked.network).is_err() {
            continue;
        }
        let need = smaller.need();
        if need.traces < asked.need().traces && fit(&smaller, &need) {
            parts.push((Part::Carry, carry.to_string(), all(&smaller, &need)));
            break;
        }
    }
    let tried = |part: Part, most: usize, of: Variants<'_, T>| {
        // The largest value that fits; more never takes less.
        let mut bytes = 0;
        let mut is_fit = |value: usize| {
            let mut found = false;
            of(value, &mut |asked| {
                let need = asked.need();
                found = fit(asked, &need);
                if found {
                    bytes = all(asked, &need);
                }
            });
            found
        };
        let (mut fitting, mut failing) = (0, most);
        while failing - fitting > 1 {
            let middle = fitting + (failing - fitting) / 2;
            if is_fit(middle) { fitting = middle } else { failing = middle }
        }
        (fitting > 0 && is_fit(fitting)).then(|| (part, fitting.to_string(), bytes))
    };
    let beside_of = |streams: usize| {
        u64::try_from(u128::from(asked.beside) * streams as u128 / asked.streams.max(1) as u128).unwrap_or(u64::MAX)
    };
    if let Some(steps) = asked.method.window.steps() {
        parts.extend(tried(Part::Window, steps, &|steps, see| {
            let window = asked.method.window.with_steps(steps);
            see(&Asked { method: &Method { window, ..*asked.method }, ..*asked });
        }));
    }
    parts.extend(tried(Part::Streams, asked.streams, &|streams, see| {
        see(&Asked { streams, beside: beside_of(streams), ..*asked });
    }));
    let layer = if let Part::Units { layer } = part { layer } else { layer_of_most(&asked.network.layers) };
    if layer + 1 < asked.network.layers.len() {
        parts.extend(tried(Part::Units { layer }, asked.network.layers[layer].units(), &|units, see| {
            let network = Network::of_layers(with_units(&asked.network.layers, layer, units), asked.network.reads_events);
            see(&Asked { network: &network, ..*asked });
        }));
    }
    // One of each kind is enough, the part to blame first.
    parts.sort_by_key(|(of, _, _)| *of != part);
    Fits { parts }
}
