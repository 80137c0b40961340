//! What the program says, whether or not it is read: `println!` and `eprintln!` would end it in the middle of its work where a reader has
//! gone (`| head`) or a disk is full.

use std::fmt;
use std::io::{self, Stdout, Write};

/// A line on standard error. Where it cannot be written, that cannot be reported either.
pub(crate) fn tell(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Standard output, for results. Its errors are distinguished from those of files and of connections.
#[derive(Debug)]
pub(crate) struct Out(Stdout);

impl Out {
    pub(crate) fn new() -> Self {
        Self(io::stdout())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(Unheard::error)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(Unheard::error)
    }
}

/// Standard output could not be written to.
#[derive(Debug)]
pub(crate) struct Unheard {
    kind: io::ErrorKind,
    problem: String,
}

impl Unheard {
    fn error(error: io::Error) -> io::Error {
        let kind = error.kind();
        // `write!` tries again by itself.
        if kind == io::ErrorKind::Interrupted {
            error
        } else {
            io::Error::new(kind, Self { kind, problem: error.to_string() })
        }
    }

    /// The reader has seen enough.
    pub(crate) fn is_closed(&self) -> bool {
        self.kind == io::ErrorKind::BrokenPipe
    }

    /// What went wrong with standard output, if that is what this error is about.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output cannot be written to: {}", self.problem)
    }
}

impl std::error::Error for Unheard {}
