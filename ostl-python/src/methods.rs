//! Learning methods by name or part by part, as a configuration has them.

use ostl_core::{Carry, Edge, Feedback, Method, TraceFormat, Update, Window};
use pyo3::prelude::*;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::errors::{of_config, refuse};

/// A method's parts, as far as they are given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    name: Option<String>,
    #[serde(default, deserialize_with = "window")]
    window: Option<Window>,
    carry: Option<Carry>,
    order: Option<usize>,
    feedback: Option<Feedback>,
    update: Option<Update>,
    edge: Option<Edge>,
    trace: Option<TraceFormat>,
    block: Option<usize>,
    seed: Option<u64>,
}

/// A number of steps or a word.
fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Window>, D::Error> {
    let word = match Option::<Value>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Value::String(word)) => word,
        Some(other) => other.to_string(),
    };
    word.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Given {
    fn method(self) -> Result<Method, String> {
        let named = match &self.name {
            Some(name) => Some(Method::named(name).ok_or_else(|| {
                let known: Vec<_> = Method::every().into_iter().map(|(name, _)| name).collect();
                format!("unknown name {name:?}, expected one of {}", known.join(", "))
            })?),
            None => None,
        };
        let by_order = match (self.order, self.carry, named.map(|method| method.carry)) {
            (None, ..) => None,
            (Some(0), ..) => return Err("order 0, expected 1 or more".into()),
            (Some(order), None, None | Some(Carry::Snap(_))) => Some(Carry::Snap(order)),
            (Some(order), Some(carry), _) if carry == Carry::Snap(order) => Some(carry),
            (Some(order), ..) => {
                return Err(format!("order {order} stands for the carry snap-{order}, and the carry is another"));
            }
        };
        let carry = self.carry.or(by_order).or(named.map(|method| method.carry));
        let carry = carry.ok_or("expected a `carry`, or the `name` of a method")?;
        let window = match (self.window, named.map(|method| method.window)) {
            (Some(Window::Steps(steps)), Some(window @ Window::Rolling { .. })) => window.with_steps(steps),
            (Some(window), _) | (None, Some(window)) => window,
            (None, None) => return Err("expected a `window`, or the `name` of a method".into()),
        };
        let edge = self.edge.unwrap_or(match (named, carry) {
            (Some(_), Carry::Snap(order)) => Method::snap(order).edge,
            (Some(method), _) => method.edge,
            (None, _) => Edge::Heard,
        });
        let named = named.unwrap_or(Method::bptt());
        Ok(Method {
            window,
            carry,
            feedback: self.feedback.unwrap_or(named.feedback),
            update: self.update.unwrap_or(named.update),
            edge,
            trace: self.trace.unwrap_or(named.trace),
            block: self.block,
            seed: self.seed.unwrap_or(0),
        })
    }
}

/// The method that a JSON object of its parts stands for, every part determined, as JSON.
#[pyfunction]
pub(crate) fn resolve_method(parts: &str) -> PyResult<String> {
    let given: Given = serde_json::from_str(parts).map_err(|error| refuse("method", error))?;
    let method = given.method().map_err(|problem| refuse("method", problem))?;
    method.validate().map_err(of_config)?;
    serde_json::to_string(&method).map_err(|error| refuse("method", error))
}

/// The names of all named methods.
#[pyfunction]
pub(crate) fn method_names() -> Vec<&'static str> {
    Method::every().into_iter().map(|(name, _)| name).collect()
}
