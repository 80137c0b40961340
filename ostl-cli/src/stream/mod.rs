//! `ostl stream`: learn from rows as they come, each predicted before it is learned from.

mod clock;
mod columns;
mod csv_rows;
mod driver;
mod encoder;
mod example;
mod figures;
mod guard;
mod json_rows;
mod labels;
mod late;
mod listen;
mod model;
mod past;
mod predictions;
mod pulse;
mod report;
mod rows;
mod scores;
mod session;
mod settings;
mod state;

use std::path::PathBuf;

use anyhow::Result;

use self::driver::{Driver, End};
use self::listen::{Board, announce};
use self::predictions::nobody_reads;
use self::rows::{Came, Format, Place, Rows};
use crate::arguments::StreamArguments;
use crate::failure::{StreamInterrupted, UsageError};
use crate::signals::Stop;

pub(crate) fn run(mut arguments: StreamArguments) -> Result<()> {
    let (config, place) = if arguments.example {
        example::arguments(&mut arguments);
        (None, Place::Text(example::text()))
    } else {
        places(&arguments)?
    };
    let format = Format {
        kind: arguments.format,
        delimiter: arguments.delimiter.as_deref().map(delimiter).transpose()?,
        header: !arguments.no_header,
    };
    // Before any row is read: an address that is in use is told at once.
    let board = arguments.listen.as_deref().map(|address| Board::open(address, arguments.listen_anywhere)).transpose()?;
    let mut rows = Rows::open(place, format)?;
    let stop = Stop::listen()?;
    let mut driver = Driver::new(&arguments, config, rows.name(), board)?;
    if let Some(address) = arguments.listen.as_deref().filter(|_| !arguments.quiet) {
        announce(address);
    }
    let end = go(&mut driver, &mut rows, &stop);
    // What was learned is kept, whatever ended it.
    let saved = driver.conclude();
    let end = heard(end)?.unwrap_or(End::Done);
    heard(saved)?;
    let rows = driver.rows();
    match (end, &arguments.save) {
        (End::Interrupted, Some(state)) => Err(StreamInterrupted::Saved { rows, state: state.clone() }.into()),
        (End::Interrupted, None) => Err(StreamInterrupted::Lost { rows }.into()),
        (End::Done, _) => Ok(()),
    }
}

/// A reader of the predictions that has seen enough is no failure.
fn heard<V>(outcome: Result<V>) -> Result<Option<V>> {
    match outcome {
        Err(error) if nobody_reads(&error) => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Takes rows until there are no more, or enough.
fn go(driver: &mut Driver<'_>, rows: &mut Rows, stop: &Stop) -> Result<End> {
    while !driver.has_enough() {
        if stop.requested() {
            return Ok(End::Interrupted);
        }
        match rows.next() {
            Came::Event(event) => driver.take(event)?,
            Came::Nothing => driver.show(),
            Came::End => break,
        }
    }
    driver.end()?;
    Ok(End::Done)
}

/// The configuration and the rows that were named.
fn places(arguments: &StreamArguments) -> Result<(Option<PathBuf>, Place), UsageError> {
    let is_config = |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let (config, rows) = match (&arguments.config, &arguments.file) {
        (Some(one), None) if !is_config(one) => (None, Some(one)),
        (Some(first), Some(second)) if !is_config(first) => {
            let problem = format!(
                "{} and {}: one file of rows can be read, and before it a CONFIG, whose name ends in .toml; several are joined by `cat`",
                first.display(),
                second.display()
            );
            return Err(UsageError::Other(problem));
        }
        (config, rows) => (config.as_ref(), rows.as_ref()),
    };
    let place = rows.filter(|path| path.as_os_str() != "-").map_or(Place::Input, |path| Place::File(path.clone()));
    Ok((config.cloned(), place))
}

/// The character between values.
fn delimiter(text: &str) -> Result<u8, UsageError> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        b"\\t" | b"tab" => Ok(b'\t'),
        _ => Err(UsageError::Other(format!("--delimiter {text}: must be one ASCII character, such as `;`, or `tab`"))),
    }
}
