//! Whether a saved state has the form of this learner's own: every length, index and alternative, before any of it is used.
//!
//! A checksum says that a file is as it was written, not by whom. What follows from network, method and streams must be as it is here; what
//! may differ is looked at value by value, as far as anything is counted, cut or looked up by it.

use std::fmt;

use crate::engine::Streaming;
use crate::learner::walk::{Place, Stop, Visitor, walk};
use crate::linalg::real::Real;
use crate::method::{Method, Window};
use crate::network::Network;

/// Fields whose numbers may differ; their lengths may not.
const FREE: [(&str, &str); 14] = [
    ("Tape", "live"),
    ("Tape", "steps"),
    ("Tape", "seen_from"),
    ("Tape", "goes_on"),
    ("Tape", "counts"),
    ("LayerPaths", "slots"),
    ("Trace", "touched"),
    ("Trace", "fresh"),
    ("Trace", "local"),
    ("Lane", "score"),
    ("Streaming", "restarts"),
    ("Streaming", "awaits_target"),
    ("Streaming", "steps_seen"),
    ("Transposed", "is_current"),
];
/// Fields that are looked at on their own, lengths and all.
const APART: [(&str, &str); 3] = [("Tape", "events"), ("RecurrentTape", "previous_events"), ("Streaming", "touched")];
/// Fields whose broken numbers follow from the network as well.
const FIXED: [(&str, &str); 7] = [
    ("LanePaths", "ones"),
    ("Span", "ones"),
    ("Uoro", "ones"),
    ("Filter", "factor"),
    ("Filter", "gain"),
    ("LayerTraces", "factor"),
    ("LayerTraces", "gain"),
];
/// No learner counts further.
const MOST: i128 = 1 << 53;

/// What follows from network, method and streams: in the order in which a walk comes by.
#[derive(Debug, PartialEq)]
enum Mark {
    Length(usize),
    Choice(u32),
    Number(i64),
    Float(u64),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mark::Length(length) => write!(f, "{length} long"),
            Mark::Choice(choice) => write!(f, "of kind {choice}"),
            Mark::Number(number) => write!(f, "{number}"),
            Mark::Float(bits) => write!(f, "{}", f64::from_bits(*bits)),
        }
    }
}

/// Notes the form of a value, or holds another to it.
struct Form {
    marks: Vec<Mark>,
    /// The next one to hold to, if that is what is done.
    next: Option<usize>,
    /// How many free fields the walk is in, and how many fixed ones.
    free: usize,
    fixed: usize,
}

impl Form {
    fn see(&mut self, place: &Place, mark: Mark) -> Result<(), Stop> {
        let Some(next) = &mut self.next else {
            self.marks.push(mark);
            return Ok(());
        };
        let expected = self.marks.get(*next);
        *next += 1;
        match expected {
            Some(expected) if *expected == mark => Ok(()),
            Some(expected) => Err(Stop::at(place, format!("{mark} where this learner has {expected}"))),
            None => Err(Stop::at(place, "more than this learner has")),
        }
    }
}

impl Visitor for Form {
    fn float(&mut self, place: &Place, value: f64) -> Result<(), Stop> {
        if self.fixed > 0 { self.see(place, Mark::Float(value.to_bits())) } else { Ok(()) }
    }

    fn number(&mut self, place: &Place, value: i128) -> Result<(), Stop> {
        match i64::try_from(value) {
            Ok(number) if self.free == 0 => self.see(place, Mark::Number(number)),
            _ if (0..MOST).contains(&value) => Ok(()),
            _ => Err(Stop::at(place, format!("{value}, further than anything counts"))),
        }
    }

    fn length(&mut self, place: &Place, length: usize) -> Result<(), Stop> {
        self.see(place, Mark::Length(length))
    }

    fn choice(&mut self, place: &Place, choice: u32) -> Result<(), Stop> {
        self.see(place, Mark::Choice(choice))
    }

    fn enters(&mut self, of: &'static str, field: &'static str) -> bool {
        self.free += usize::from(FREE.contains(&(of, field)));
        self.fixed += usize::from(FIXED.contains(&(of, field)));
        !APART.contains(&(of, field))
    }

    fn leaves(&mut self, of: &'static str, field: &'static str) {
        self.free -= usize::from(FREE.contains(&(of, field)));
        self.fixed -= usize::from(FIXED.contains(&(of, field)));
    }
}

/// Holds a saved state to the form of this learner's own, both with room for as many steps.
pub(super) fn check<T: Real>(
    (network, method): (&Network<T>, &Method),
    own: &Streaming<T>,
    saved: &Streaming<T>,
) -> Result<(), String> {
    let mut form = Form { marks: Vec::new(), next: None, free: 0, fixed: 0 };
    walk(own, &mut form).map_err(|stop| stop.to_string())?;
    form.next = Some(0);
    walk(saved, &mut form).map_err(|stop| stop.to_string())?;
    if form.next != Some(form.marks.len()) {
        return Err("it is less than this learner has".into());
    }
    values((network, method), own, saved)
}

/// What is counted, cut or looked up by the values that may differ.
fn values<T: Real>(
    (network, method): (&Network<T>, &Method),
    own: &Streaming<T>,
    saved: &Streaming<T>,
) -> Result<(), String> {
    let rolls = matches!(method.window, Window::Rolling(_));
    let steps = saved.lanes.steps();
    for (own, lane) in own.lanes.lanes.iter().zip(&saved.lanes.lanes) {
        lane.tape.check(&own.tape, steps, rolls)?;
        lane.paths.check()?;
    }
    saved.trace.check(&saved.lanes.lanes)?;
    if saved.awaits_target && steps == 0 {
        return Err("a prediction awaits its target, and none was made".into());
    }
    saved.touched.check(network)
}
