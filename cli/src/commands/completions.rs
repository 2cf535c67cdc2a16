//! `fleetscore completions`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;

use super::{Result, failure, output, usage};
use crate::kubectl::COMPLETER;

/// Print the completion script for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  source <(fleetscore completions bash)         in ~/.bashrc
  fleetscore completions zsh > \"${fpath[1]}/_fleetscore\"
  fleetscore completions fish > ~/.config/fish/completions/fleetscore.fish
  fleetscore completions kubectl --install ~/.local/bin     kubectl fleetscore <TAB>")]
pub struct CompletionsArgs {
    /// The shell; or kubectl, whose own completion then asks this program
    shell: Target,
    /// Of kubectl: the folder on PATH that its helper is written into
    #[arg(long, value_name = "DIR", required_if_eq("shell", "kubectl"))]
    install: Option<PathBuf>,
}

/// Whose completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
    Kubectl,
}

/// Runs the command. `command` is the whole command line.
pub fn run(args: &CompletionsArgs, command: &mut Command) -> Result {
    let shell = match args.shell {
        Target::Bash => Shell::Bash,
        Target::Elvish => Shell::Elvish,
        Target::Fish => Shell::Fish,
        Target::PowerShell => Shell::PowerShell,
        Target::Zsh => Shell::Zsh,
        Target::Kubectl => {
            let folder = args.install.as_deref();
            return install(folder.ok_or_else(|| usage(anyhow!("give --install DIR")))?);
        }
    };
    if args.install.is_some() {
        return Err(usage(anyhow!(
            "--install is for kubectl; put the printed script where the shell looks for it"
        )));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "fleetscore", &mut script);
    output::print_as_is(&script)?;
    Ok(0)
}

/// Writes the helper that kubectl asks.
fn install(folder: &Path) -> Result {
    let program = std::env::current_exe()
        .context("this program's own path")
        .map_err(failure)?;
    let program = program
        .to_str()
        .ok_or_else(|| failure(anyhow!("this program's path is not UTF-8")))?;
    let file = folder.join(COMPLETER);
    let told = || file.display().to_string();
    let quoted = program.replace('\'', r"'\''");
    let script = format!("#!/bin/sh\nexec '{quoted}' kubectl __complete \"$@\"\n");
    std::fs::write(&file, script)
        .with_context(told)
        .map_err(failure)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&file, all)
            .with_context(told)
            .map_err(failure)?;
    }
    output::print(format!("{}\n", told()))?;
    Ok(0)
}
