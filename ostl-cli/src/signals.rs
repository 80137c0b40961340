//! Ctrl-C and SIGTERM: the first asks training to stop at the end of the step, a second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

/// Whether somebody asked training to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on. To be called once in the program's life.
    pub(crate) fn listen() -> Result<Self> {
        let stop = Self::default();
        let requested = stop.0.clone();
        ctrlc::set_handler(move || {
            if requested.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(stop)
    }

    /// Asks to stop.
    #[cfg(test)]
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
