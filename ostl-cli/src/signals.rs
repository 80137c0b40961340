//! Ctrl-C and SIGTERM: the first asks training to stop at the end of the step, a second one ends the program at once. So does the first where
//! there is nothing left to save.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::output::tell;

/// Exit status of a program that was asked to stop.
const INTERRUPTED: i32 = 130;

/// Whether training was asked to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    asked: AtomicBool,
    /// What there is to say where the first request ends the program.
    farewell: Mutex<Option<String>>,
}

impl Stop {
    /// Catches signals from now on. To be called once in the program's life.
    pub(crate) fn listen() -> Result<Self> {
        let stop = Self::default();
        let request = stop.0.clone();
        ctrlc::set_handler(move || {
            let farewell = request.farewell.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(farewell) = farewell {
                tell(&farewell);
                std::process::exit(INTERRUPTED);
            }
            if request.asked.swap(true, Ordering::SeqCst) {
                std::process::exit(INTERRUPTED);
            }
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(stop)
    }

    /// From here on everything is saved: a request ends the program at once, with these words. One that came before is obeyed by the caller.
    pub(crate) fn at_once(&self, farewell: String) {
        *self.0.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(farewell);
    }

    /// Asks to stop.
    #[cfg(test)]
    pub(crate) fn request(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
    }

    pub(crate) fn requested(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }
}
