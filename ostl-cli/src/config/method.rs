//! The `[method]` section.

use ostl_core::{
    Carry, Edge, Feedback, Method, Network, Real, TraceFormat, Update, Window, WindowChoice, best_block, best_window,
};
use serde::de::{DeserializeOwned, Error, value};
use serde::{Deserialize, Deserializer, Serialize};

use super::OutOfRange;
use super::block::BlockSetting;
use super::window::WindowSetting;
use crate::names::{listed, or_known, spelled};

/// A learning method as it stands in a configuration, every part of it determined: by its key, else by the name, else by the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub(crate) struct MethodConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<MethodName>,
    window: WindowSetting,
    /// What traces and windows may take in all, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<usize>,
    carry: Carry,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<usize>,
    feedback: Feedback,
    update: Update,
    /// Windows that an update may be late by, so that processes need not wait for each other's gradients: 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    update_delay: Option<usize>,
    edge: Edge,
    trace: TraceFormat,
    #[serde(skip_serializing_if = "BlockSetting::is_auto")]
    block: BlockSetting,
    /// Seed of random feedback and random carries; the run's if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// The keys as they were given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: Option<MethodName>,
    window: Option<WindowSetting>,
    memory: Option<usize>,
    carry: Option<Carry>,
    order: Option<usize>,
    feedback: Option<Feedback>,
    update: Option<Update>,
    update_delay: Option<usize>,
    edge: Option<Edge>,
    trace: Option<TraceFormat>,
    #[serde(default)]
    block: BlockSetting,
    seed: Option<u64>,
}

impl TryFrom<Given> for MethodConfig {
    type Error = value::Error;

    fn try_from(given: Given) -> Result<Self, value::Error> {
        let named = given.name.map(MethodName::method);
        let by_order = given.order.map(|order| snap(order, &given, named)).transpose()?;
        let Some(carry) = given.carry.or(by_order).or(named.map(|method| method.carry)) else {
            return Err(Error::missing_field("carry"));
        };
        let window = match (given.window, named.map(|method| method.window)) {
            (Some(WindowSetting::Given(Window::Steps(steps))), Some(window @ Window::Rolling { .. })) => {
                WindowSetting::Given(window.with_steps(steps))
            }
            (Some(WindowSetting::Auto), Some(Window::Rolling { .. })) => {
                return Err(Error::custom(
                    "`auto` chooses windows that follow one another, expected the steps of a rolling one",
                ));
            }
            (Some(window), _) => window,
            (None, Some(window)) => WindowSetting::Given(window),
            (None, None) => return Err(Error::missing_field("window")),
        };
        let update = given.update.or(named.map(|method| method.update)).unwrap_or_default();
        match given.update_delay {
            Some(delay) if delay > 1 => {
                return Err(Error::custom(format!("invalid update_delay `{delay}`, expected 0 or 1")));
            }
            Some(1) if update == Update::Sequence => {
                let problem = "update_delay = 1 is for weights that change after every window, expected update = \"window\"";
                return Err(Error::custom(problem));
            }
            _ => {}
        }
        Ok(Self {
            name: given.name,
            window,
            memory: given.memory,
            carry,
            order: given.order,
            feedback: given.feedback.or(named.map(|method| method.feedback)).unwrap_or_default(),
            update,
            update_delay: given.update_delay,
            edge: given.edge.unwrap_or(match (named, carry) {
                (Some(_), Carry::Snap(order)) => Method::snap(order).edge,
                (Some(method), _) => method.edge,
                (None, _) => Edge::Heard,
            }),
            trace: given.trace.or(named.map(|method| method.trace)).unwrap_or_default(),
            block: given.block,
            seed: given.seed,
        })
    }
}

/// The carry that the key `order` stands for.
fn snap(order: usize, given: &Given, named: Option<Method>) -> Result<Carry, value::Error> {
    let carry = Carry::Snap(order);
    let refuse = |problem: String| Err(Error::custom(problem));
    match (given.carry, named.map(|method| method.carry)) {
        _ if order == 0 => refuse("invalid order `0`, expected 1 or more".into()),
        (Some(other), _) if other != carry => {
            refuse(format!("the order `{order}` stands for {carry}, the carry is `{other}`"))
        }
        (None, Some(own)) if !matches!(own, Carry::Snap(_)) => {
            refuse(format!("the order `{order}` stands for the carry {carry}, but this method's is {own}"))
        }
        _ => Ok(carry),
    }
}

impl MethodConfig {
    /// The method; `seed` is the run's. A window that is still to be chosen stands as one step.
    pub(crate) fn method(&self, seed: u64) -> Method {
        let window = match self.window {
            WindowSetting::Given(window) => window,
            WindowSetting::Auto => Window::Steps(1),
        };
        let Self { carry, feedback, update, edge, trace, block, .. } = *self;
        Method { window, carry, feedback, update, edge, trace, block: block.steps(), seed: self.seed.unwrap_or(seed) }
    }

    /// Whether updates may come a window late.
    pub(crate) fn is_delayed(&self) -> bool {
        self.update_delay == Some(1)
    }

    /// Why the method cannot be run, seen from the whole configuration: if a part came with the name, the name is to blame.
    pub(crate) fn refuse(&self, error: OutOfRange) -> OutOfRange {
        let (found, OutOfRange { key, value, allowed }) = (self.method(0), &error);
        let by_name = self.name.filter(|name| {
            let own = name.method();
            match key.as_str() {
                "window" => own.window == found.window,
                "carry" => own.carry == found.carry,
                "edge" => own.edge == found.edge,
                "feedback" => own.feedback == found.feedback,
                "trace" => own.trace == found.trace,
                _ => false,
            }
        });
        match by_name {
            Some(MethodName(name)) => {
                let reason = allowed.split_once(": ").map_or(allowed.as_str(), |(_, reason)| reason);
                OutOfRange::new("name", name, format!("another method, or go with another {key} than {value}: {reason}"))
            }
            None => error,
        }
        .within("method")
    }

    /// Chooses the window if the configuration leaves that open, and how long a block may be within the memory that it gives, for `streams` streams of
    /// at most `longest` steps.
    pub(crate) fn choose_window<T: Real>(
        &mut self,
        network: &Network<T>,
        streams: usize,
        longest: usize,
    ) -> Option<WindowChoice> {
        let budget = self.memory.unwrap_or(MEMORY).saturating_mul(1 << 20);
        let choice = match self.window {
            WindowSetting::Auto => best_window(network, &self.method(0), streams, longest, budget),
            WindowSetting::Given(_) => best_block(network, &self.method(0), streams, longest, budget)?,
        };
        self.window = WindowSetting::Given(choice.window());
        if self.memory.is_some() && self.block.is_auto() {
            self.block = BlockSetting::Steps(choice.block);
        }
        Some(choice)
    }

    /// What the method is called in the name of a run: its name, or what makes it that, such as `k5-layer`.
    pub(crate) fn label(&self) -> String {
        if let Some(MethodName(name)) = self.name {
            return name.to_owned();
        }
        let mut label = match self.window {
            WindowSetting::Given(Window::Sequence) => "bptt".to_owned(),
            WindowSetting::Given(Window::Steps(steps)) => format!("k{steps}-{}", self.carry),
            WindowSetting::Given(Window::Rolling { steps, every }) => {
                let every = if every > 1 { format!("by{every}") } else { String::new() };
                let carry = if self.carry == Carry::None { String::new() } else { format!("-{}", self.carry) };
                format!("rolling{steps}{every}{carry}")
            }
            WindowSetting::Auto => format!("auto-{}", self.carry),
        };
        if self.feedback != Feedback::Symmetric {
            label += &format!("-{}", self.feedback.name());
        }
        label
    }

    /// Bytes that traces and windows may take, if that was said.
    pub(super) fn budget(&self) -> Option<u64> {
        self.memory.map(|mib| (mib as u64).saturating_mul(1 << 20))
    }

    /// Whether the window, or a block within the memory that is given, is still to be chosen.
    pub(crate) fn leaves_window_open(&self) -> bool {
        self.window == WindowSetting::Auto || self.memory.is_some() && self.block.is_auto()
    }
}

/// What traces and windows may take where the window is chosen and no limit is given, MiB.
const MEMORY: usize = 1024;

/// The name of a method that [`Method::named`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MethodName(&'static str);

impl MethodName {
    pub(crate) fn method(self) -> Method {
        Method::named(self.0).unwrap_or_else(|| unreachable!("only known names are read"))
    }

    pub(crate) fn as_str(self) -> &'static str {
        self.0
    }

    /// Reads one, from a configuration or from the command line.
    pub(crate) fn read(word: &str) -> Result<Self, String> {
        let names = || Method::every().into_iter().map(|(name, _)| name);
        spelled(word, names()).map(Self).ok_or_else(|| {
            let listed = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("unknown name `{word}`, expected one of {listed}")
        })
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A carry as it is written on the command line: as in a configuration.
pub(crate) fn carry(text: &str) -> Result<Carry, String> {
    word(text)
}

/// A format of traces as it is written on the command line.
pub(crate) fn trace(text: &str) -> Result<TraceFormat, String> {
    word(text)
}

fn word<V: DeserializeOwned>(text: &str) -> Result<V, String> {
    let read =
        |text: &str| V::deserialize(value::StrDeserializer::<value::Error>::new(text)).map_err(|error| error.to_string());
    read(text).or_else(|error| match listed(&error) {
        Some((name, known)) => match spelled(name, known.iter().copied()) {
            Some(right) => read(right),
            None => Err(format!("unknown name `{name}`{}", or_known(name, &known))),
        },
        None => Err(error),
    })
}
