//! Writing to the terminal: data to stdout, diagnostics to stderr. Styles are dropped where nobody sees them (no terminal,
//! NO_COLOR); a reader that went away, as `head` does, is no error. Decides nothing about what is said.

use std::error::Error as StdError;
use std::io::{self, Write};

use serde::Serialize;

use super::Error;
use super::render::style::{BAD, NOTE, paint};

/// Writes text for a person.
pub(super) fn text(text: &str) -> Result<(), Error> {
    finish(write_all(&mut anstream::stdout().lock(), text.as_bytes()))
}

/// Writes bytes as they are: what a program reads must not depend on the terminal.
pub(super) fn raw(bytes: &[u8]) -> Result<(), Error> {
    finish(write_all(&mut io::stdout().lock(), bytes))
}

/// Writes one JSON document and a line end.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(Error::Json)?;
    bytes.push(b'\n');
    raw(&bytes)
}

/// Writes a diagnostic line to stderr; where that is closed there is nobody to tell.
pub(super) fn remark(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Tells an error and what caused it, each on a line of its own.
pub fn complain<'a>(chain: impl IntoIterator<Item = &'a (dyn StdError + 'static)>) {
    let mut stderr = anstream::stderr().lock();
    for (depth, error) in chain.into_iter().enumerate() {
        let told = match depth {
            0 => writeln!(stderr, "{} {error}", paint(BAD, "error:")),
            _ => writeln!(stderr, "  {} {error}", paint(NOTE, "caused by:")),
        };
        if told.is_err() {
            return;
        }
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

fn finish(written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::Output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        assert!(finish(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(matches!(finish(Err(io::ErrorKind::StorageFull.into())), Err(Error::Output(_))));
    }
}
