//! `eipd completions`: a shell's completion script.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::Exit;
use super::{Cli, Error, output};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

const AFTER_HELP: &str = "\
Examples:
  eipd completions bash > /etc/bash_completion.d/eipd
  eipd completions zsh > \"${fpath[1]}/_eipd\"
  eipd completions fish > ~/.config/fish/completions/eipd.fish";

impl Completions {
    /// Prints the script.
    pub(super) fn run(self) -> Result<Exit, Error> {
        output::raw(&script(self.shell))?;
        Ok(Exit::Good)
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "eipd", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_verbs() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("a script is text");
            for verb in ["run", "plan", "apply", "check", "status", "health"] {
                assert!(script.contains(verb), "{shell}: {verb}");
            }
        }
    }
}
