//! `ndxp completions`: what a shell needs to complete this program's commands and options.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// Writes the script with which a shell completes commands and options
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Completions {
    /// The shell that is to complete
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  ndxp completions bash > /etc/bash_completion.d/ndxp
  ndxp completions zsh > ~/.zfunc/_ndxp
  ndxp completions fish > ~/.config/fish/completions/ndxp.fish";

impl Completions {
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Arguments::command(), "ndxp", &mut script);
        let script = String::from_utf8(script).map_err(Failure::internal)?;
        Output::open().text(&script)
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_is_told_of_every_command() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            generate(*shell, &mut Arguments::command(), "ndxp", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Arguments::command().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell} does not know {name}");
            }
        }
    }
}
