//! `ostl check --deep`: what each way of learning online leaves out of BPTT's gradient in stacks of one to four layers.

mod picture;
mod table;

use anyhow::{Context, Result};
use ostl_cells::CellConfig;
use ostl_core::gradient_check::agreement;
use ostl_core::{Carry, Method, Window};
use rayon::prelude::*;
use serde::Serialize;

use super::rules::{gradient, stack};
use crate::failure::UsageError;
use crate::names::{or_known, same, spelled};
pub(super) use picture::svg;
pub(super) use table::{json, markdown, text};

/// Kinds of cells, by their names among all that there are.
const CELLS: [&str; 6] = ["snu-tanh", "snu-tanh-without-h", "lif-without-h", "gru", "lstm", "lru"];
const DEPTHS: [usize; 4] = [1, 2, 3, 4];
/// Steps of a window, or that a rolling one goes back.
const WINDOWS: [usize; 5] = [1, 4, 8, 16, 32];
/// Random networks of which the median counts: of a few the gradient explodes, and they would be all that a mean shows.
const STACKS: u64 = 7;
const LENGTHS: [usize; 3] = [96, 90, 77];

/// A way of learning online.
struct Way {
    name: &'static str,
    carry: Carry,
    is_rolling: bool,
}

const fn way(name: &'static str, carry: Carry, is_rolling: bool) -> Way {
    Way { name, carry, is_rolling }
}

const WAYS: [Way; 9] = [
    way("TBPTT", Carry::None, false),
    way("TBPTT, rolling", Carry::None, true),
    way("local", Carry::Local, false),
    way("local, rolling", Carry::Local, true),
    way("layer (R)", Carry::Layer, false),
    way("layer, rolling", Carry::Layer, true),
    way("UORO", Carry::Uoro(1), false),
    way("local+UORO", Carry::LocalUoro(1), false),
    way("local+UORO, 8", Carry::LocalUoro(8), false),
];

impl Way {
    fn method(&self, steps: usize) -> Method {
        let window = if self.is_rolling { Window::rolling(steps) } else { Window::Steps(steps) };
        Method { window, carry: self.carry, ..Method::bptt() }
    }
}

/// ‖found − BPTT‖ / ‖BPTT‖ of one way in one kind of stack.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    cell: &'static str,
    depth: usize,
    way: &'static str,
    window: usize,
    error: f64,
    /// Right on average; the error is that of one draw.
    random: bool,
}

/// Measures all of them, or only some cells.
pub(super) fn measure(only: &[String]) -> Result<Vec<Entry>> {
    let every = CellConfig::every();
    if let Some(unknown) = only.iter().find(|name| spelled(name, CELLS).is_none()) {
        return Err(UsageError::Other(format!("--cells {unknown}: unknown name{}", or_known(unknown, &CELLS))).into());
    }
    let named = |cell: &&str| only.is_empty() || only.iter().any(|name| same(name, cell));
    let cells: Vec<&'static str> = CELLS.into_iter().filter(named).collect();
    let stacks: Vec<_> = cells.iter().flat_map(|cell| DEPTHS.map(|depth| (*cell, depth))).collect();
    let of_stack = |&(name, depth): &(&'static str, usize)| {
        let (_, cell) = every.iter().find(|(known, _)| known == name).with_context(|| format!("no cell {name}"))?;
        let networks = (1..=STACKS).map(|seed| stack(*cell, depth, &LENGTHS, seed)).collect::<Result<Vec<_>>>()?;
        let mut entries = Vec::new();
        for way in &WAYS {
            for window in WINDOWS {
                let mut errors = Vec::new();
                for (network, batch, truth) in &networks {
                    errors.push(agreement(&gradient(network, way.method(window), batch)?, truth, 0.0).relative_error);
                }
                errors.sort_by(f64::total_cmp);
                let error = errors[errors.len() / 2];
                let random = way.carry.is_random();
                entries.push(Entry { cell: name, depth, way: way.name, window, error, random });
            }
        }
        Ok(entries)
    };
    Ok(stacks.par_iter().map(of_stack).collect::<Result<Vec<_>>>()?.concat())
}
