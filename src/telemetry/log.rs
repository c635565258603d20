//! Sets up the log: what is written (`EIPD_LOG`), in which form (`EIPD_LOG_FORMAT`), always to stderr. Colours only on
//! a terminal, and not where `NO_COLOR` is set. What is said is not decided here.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// The environment variable with the filter.
pub const FILTER_VARIABLE: &str = "EIPD_LOG";
/// The environment variable with the format.
pub const FORMAT_VARIABLE: &str = "EIPD_LOG_FORMAT";
/// The filter when none is set. What the SDK's providers of credentials say of a failure is in the failed call's own
/// message.
pub const DEFAULT_FILTER: &str = "aws_config=error,eipd=info,warn";

/// How the log is written.
#[derive(Debug)]
pub struct LogSettings {
    filter: EnvFilter,
    format: LogFormat,
    colours: bool,
}

/// The form of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the log can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter makes no sense.
    #[error(
        "`{FILTER_VARIABLE}` is not a log filter: `{value}`; hint: a level, or `module=level` separated by commas, such as `{DEFAULT_FILTER}`"
    )]
    Filter {
        /// What it says.
        value: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// A word is neither a level nor `module=level`. A filter would take it for the name of a module and show nothing else.
    #[error(
        "`{FILTER_VARIABLE}` is not a log filter: `{value}`: `{word}` is no level; hint: `error`, `warn`, `info`, `debug`, `trace`, `off`, or `module=level`"
    )]
    Word {
        /// What it says.
        value: String,
        /// What is wrong with it.
        word: String,
    },
    /// There is no such format.
    #[error("`{FORMAT_VARIABLE}` names no log format: `{value}`; hint: `json` or `text`")]
    Format {
        /// What it says.
        value: String,
    },
    /// A variable is not text.
    #[error("`{variable}` is not valid Unicode")]
    NotUnicode {
        /// Its name.
        variable: &'static str,
    },
    /// The log was set up before.
    #[error("the log is set up already")]
    AlreadySet(#[source] tracing_subscriber::util::TryInitError),
}

impl LogSettings {
    /// Reads the settings from the environment and the kind of stderr.
    ///
    /// # Errors
    /// When a variable is not as it should be; the error names it.
    pub fn from_environment() -> Result<Self, LogError> {
        let filter = variable(FILTER_VARIABLE)?;
        let format = variable(FORMAT_VARIABLE)?;
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::new(filter.as_deref(), format.as_deref(), std::io::stderr().is_terminal(), !no_colour)
    }

    /// The settings from their sources: an unset or empty one means the default.
    ///
    /// # Errors
    /// When a text is not as it should be; the error names its variable.
    pub fn new(
        filter: Option<&str>,
        format: Option<&str>,
        terminal: bool,
        colours_wanted: bool,
    ) -> Result<Self, LogError> {
        let text = filter.filter(|text| !text.trim().is_empty()).unwrap_or(DEFAULT_FILTER);
        if let Some(word) = unknown_word(text) {
            return Err(LogError::Word { value: text.to_owned(), word: word.to_owned() });
        }
        let filter = EnvFilter::builder()
            .parse(text)
            .map_err(|source| LogError::Filter { value: text.to_owned(), source })?;
        let format = match format.map(str::trim) {
            None | Some("") if terminal => LogFormat::Text,
            None | Some("") | Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some(other) => return Err(LogError::Format { value: other.to_owned() }),
        };
        Ok(Self { filter, format, colours: terminal && colours_wanted })
    }

    /// Makes this the log of the process, on stderr.
    ///
    /// # Errors
    /// When the log is set up already.
    pub fn install(self) -> Result<(), LogError> {
        self.subscriber(std::io::stderr).try_init().map_err(LogError::AlreadySet)
    }

    /// A line that can't be written is dropped: saying so on the same stderr would panic.
    pub(super) fn subscriber<W>(self, writer: W) -> Box<dyn Subscriber + Send + Sync>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let lines = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            .with_ansi(self.colours)
            .log_internal_errors(false)
            .with_writer(writer);
        match self.format {
            LogFormat::Text => Box::new(lines.finish()),
            // The module would stand under the key `target`, where readers expect the target of eipd.
            LogFormat::Json => {
                Box::new(lines.json().flatten_event(true).with_span_list(false).with_target(false).finish())
            }
        }
    }
}

fn variable(name: &'static str) -> Result<Option<String>, LogError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(LogError::NotUnicode { variable: name }),
    }
}

fn unknown_word(filter: &str) -> Option<&str> {
    let mut words = filter.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.find(|word| !word.contains(['=', '[']) && word.parse::<LevelFilter>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(filter: Option<&str>, format: Option<&str>, terminal: bool) -> Result<LogSettings, LogError> {
        LogSettings::new(filter, format, terminal, true)
    }

    #[test]
    fn the_format_follows_the_terminal_unless_it_is_set() {
        for (format, terminal, expected) in [
            (None, true, LogFormat::Text),
            (None, false, LogFormat::Json),
            (Some(""), false, LogFormat::Json),
            (Some("text"), false, LogFormat::Text),
            (Some("json"), true, LogFormat::Json),
        ] {
            let settings = settings(None, format, terminal).expect("valid");
            assert_eq!(settings.format, expected, "{format:?} {terminal}");
        }
    }

    #[test]
    fn colours_need_a_terminal_and_no_objection() {
        for (terminal, wanted, expected) in
            [(true, true, true), (true, false, false), (false, true, false), (false, false, false)]
        {
            let settings = LogSettings::new(None, None, terminal, wanted).expect("valid");
            assert_eq!(settings.colours, expected);
        }
    }

    #[test]
    fn a_bad_variable_is_named_with_its_value() {
        let error = settings(Some("eipd=loud"), None, true).expect_err("no such level").to_string();
        assert!(error.contains("`EIPD_LOG`") && error.contains("`eipd=loud`"), "{error}");
        let error = settings(None, Some("xml"), true).expect_err("no such format").to_string();
        assert!(error.contains("`EIPD_LOG_FORMAT`") && error.contains("`xml`"), "{error}");
    }

    #[test]
    fn a_word_that_is_no_level_is_not_taken_for_a_module() {
        for text in ["debgu", "eipd=info,vebose"] {
            let error = settings(Some(text), None, true).expect_err(text).to_string();
            assert!(error.contains("is no level") && error.contains("`off`"), "{error}");
        }
        for text in ["debug", "OFF", "eipd=debug, warn", "eipd::aws=trace", "eipd[pass]=debug"] {
            assert!(settings(Some(text), None, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_default_filter_is_valid() {
        assert_eq!(settings(None, None, true).expect("valid").filter.to_string(), DEFAULT_FILTER);
    }
}
