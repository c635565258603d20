//! Where the configuration's text comes from, and reading it. Never looks at what it says, and never at the
//! environment of the process: that comes in as an argument.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::{Fault, Place};

/// Names the file when no option does.
pub const CONFIG_VARIABLE: &str = "EIPD_CONFIG";
/// Holds a whole configuration as text.
pub const INLINE_VARIABLE: &str = "EIPD_CONFIG_INLINE";
/// The file that is read when nothing names one, in the working directory.
pub const DEFAULT_FILE: &str = "eipd.toml";

/// The longest text that is read, in bytes: some ten thousand functions.
const LONGEST_TEXT: u64 = 4 << 20;

/// Where the text of a configuration is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// In `EIPD_CONFIG_INLINE`: this is its value.
    Inline(String),
}

impl Source {
    /// The source to read: the file that an option names, or `EIPD_CONFIG_INLINE`, or the file that `EIPD_CONFIG`
    /// names, or `eipd.toml`.
    ///
    /// An `EIPD_CONFIG_INLINE` that is set and empty still wins, and is then refused: falling back to some file would
    /// run another configuration than the operator meant to inject.
    #[must_use]
    pub fn resolve(option: Option<PathBuf>, environment: &BTreeMap<String, String>) -> Self {
        let inline = || environment.get(INLINE_VARIABLE).cloned().map(Self::Inline);
        let named = || environment.get(CONFIG_VARIABLE).map(|path| Self::File(path.into()));
        option
            .map(Self::File)
            .or_else(inline)
            .or_else(named)
            .unwrap_or_else(|| Self::File(DEFAULT_FILE.into()))
    }

    /// The name under which faults are reported.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::File(path) if path.as_os_str().is_empty() => "configuration file".into(),
            Self::File(path) => path.to_string_lossy().into(),
            Self::Inline(_) => INLINE_VARIABLE.into(),
        }
    }

    /// Reads the text. A byte order mark at its start is left out.
    pub(super) fn read(&self) -> Result<String, Fault> {
        let text = match self {
            Self::File(path) => {
                let bytes = read_bytes(path).map_err(|error| self.unreadable(&error))?;
                String::from_utf8(bytes).map_err(|error| self.not_utf8(&error))?
            }
            Self::Inline(text) => text.clone(),
        };
        if text.len() as u64 > LONGEST_TEXT {
            return Err(self.fault(format!("is longer than {} MiB", LONGEST_TEXT >> 20)));
        }
        Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
    }

    fn unreadable(&self, error: &io::Error) -> Fault {
        let fault = self.fault(format!("cannot be read: {error}"));
        match error.kind() {
            io::ErrorKind::NotFound => fault.with_hint(format!(
                "name the file with -c or `{CONFIG_VARIABLE}`, or put its text into `{INLINE_VARIABLE}`"
            )),
            io::ErrorKind::PermissionDenied => fault.with_hint("let the user that runs `eipd` read it"),
            _ => fault,
        }
    }

    fn not_utf8(&self, error: &std::string::FromUtf8Error) -> Fault {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        self.fault(format!("is not UTF-8: byte {} (line {line}) is not part of a character", valid + 1))
            .with_hint("save the file as UTF-8")
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        let place = Place { source: self.name(), position: None };
        Fault { place, key: String::new(), problem: problem.into(), hint: None }
    }
}

/// The bytes of a file, at most one more than the longest text, so that an endless device ends too.
pub(super) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_TEXT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The variables that concern `eipd` itself, from `std::env::vars_os()`. What is not Unicode in a value is replaced by
/// U+FFFD, so that the value is refused with its name instead of ending the process.
pub fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with("EIPD_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(option: Option<&str>, variables: &[(&str, &str)]) -> Source {
        let environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Source::resolve(option.map(PathBuf::from), &environment)
    }

    #[test]
    fn the_nearest_word_of_the_operator_wins() {
        let both = [("EIPD_CONFIG", "b.toml"), ("EIPD_CONFIG_INLINE", "x = 1")];
        assert_eq!(resolve(Some("a.toml"), &both), Source::File("a.toml".into()));
        assert_eq!(resolve(None, &both), Source::Inline("x = 1".into()));
        assert_eq!(resolve(None, &both[..1]), Source::File("b.toml".into()));
        assert_eq!(resolve(None, &[]), Source::File("eipd.toml".into()));
        assert_eq!(resolve(None, &[("EIPD_CONFIG_INLINE", "")]), Source::Inline(String::new()));
    }

    #[test]
    fn what_cannot_be_read_is_one_clear_fault() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let read = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("the folder is writable");
            let source = Source::File(path);
            source.read().map_err(|fault| fault.to_string().replace(&*source.name(), name))
        };
        assert_eq!(read("bom.toml", b"\xef\xbb\xbfa = 1"), Ok("a = 1".to_owned()));
        assert_eq!(
            read("latin1.toml", b"a = 1\nb = \"caf\xe9\"\n"),
            Err("latin1.toml: is not UTF-8: byte 15 (line 2) is not part of a character; hint: save the file as UTF-8"
                .to_owned())
        );
        let long = vec![b'#'; usize::try_from(LONGEST_TEXT + 1).expect("a small number")];
        assert_eq!(read("long.toml", &long), Err("long.toml: is longer than 4 MiB".to_owned()));

        let fault = Source::File("no/such.toml".into()).read().expect_err("there is no such file");
        assert_eq!(
            fault.to_string(),
            "no/such.toml: cannot be read: No such file or directory (os error 2); hint: name the file with -c or \
             `EIPD_CONFIG`, or put its text into `EIPD_CONFIG_INLINE`"
        );
        let fault = Source::File(folder.path().into()).read().expect_err("a folder is no file");
        assert!(fault.problem.contains("directory"), "{fault}");
    }

    #[test]
    fn only_own_variables_are_kept_and_none_ends_the_process() {
        let variables = [("PATH", "/bin"), ("EIPD_LOG", "debug"), ("EIPD__SAFETY__MODE", "observe")];
        let kept = environment(variables.map(|(k, v)| (k.into(), v.into())));
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["EIPD_LOG", "EIPD__SAFETY__MODE"]);
    }
}
