//! The `eipd` command: reads the command line, carries the verb out, tells what went wrong, exits.

use std::process::ExitCode;

use clap::Parser;
use eipd::cli::{Cli, exit, output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version arrive here too; where nobody listens any more, there is nobody to tell.
            let _ = error.print();
            return exit::usage(&error).into();
        }
    };
    match cli.run().map_err(anyhow::Error::from) {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(error.chain());
            exit::Exit::CouldNotTell.into()
        }
    }
}
