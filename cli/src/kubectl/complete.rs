//! Completion: what may come next on kubectl's command line.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use fleetscore_cluster::{Cluster, Login, Run, Schedule, Scope, Selector, Stream};
use fleetscore_crds::visible;

use super::Kubectl;
use crate::commands::{Result, block_on, output};

/// The file name with which kubectl finds what completes its plugin.
pub const COMPLETER: &str = "kubectl_complete-fleetscore";
/// The word that asks the plugin itself.
const WORD: &str = "__complete";
/// How long the cluster may take to tell names: somebody has pressed a key.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The directive with which kubectl offers no files.
const NO_FILES: &str = ":4";

/// The words to complete, the last of which is being typed; none where nothing is to be completed.
pub fn asked(args: &[OsString]) -> Option<Vec<String>> {
    let program = args.first().map(Path::new).and_then(Path::file_stem);
    let rest = if program.is_some_and(|stem| stem == COMPLETER) {
        args.get(1..)
    } else if args.get(1).is_some_and(|word| word == "kubectl")
        && args.get(2).is_some_and(|word| word == WORD)
    {
        args.get(3..)
    } else {
        None
    };
    let words = rest?.iter().map(|word| word.to_string_lossy().into_owned());
    Some(words.collect())
}

/// Prints what may come next: a candidate a line with what it is.
pub fn run(words: &[String]) -> Result {
    let mut kubectl = Kubectl::command();
    kubectl.build();
    let mut lines: Vec<_> = match next(&kubectl, words) {
        Next::Words(found) => found,
        Next::Names(kind) => names(kind, words),
    };
    let last = words.last().map_or("", String::as_str);
    lines.retain(|(word, _)| word.starts_with(last));
    let mut text = String::new();
    for (word, help) in lines {
        text += &visible(&word);
        if !help.is_empty() {
            text += "\t";
            text += &visible(&help);
        }
        text += "\n";
    }
    output::print_as_is(format!("{text}{NO_FILES}\n").as_bytes())?;
    Ok(0)
}

/// What may come next.
#[derive(Debug, PartialEq)]
enum Next {
    /// One of these, each with what it is.
    Words(Vec<(String, String)>),
    /// The name of an object.
    Names(Kinds),
}

/// Whose names.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kinds {
    /// Of runs and schedules.
    Runs,
    /// Of schedules.
    Schedules,
    /// Of any, with the kind before it.
    All,
}

fn next(kubectl: &Command, words: &[String]) -> Next {
    let Some((last, before)) = words.split_last() else {
        return Next::Words(commands(kubectl));
    };
    let Some((first, given)) = before.split_first() else {
        return Next::Words(commands(kubectl));
    };
    let Some(command) = kubectl.find_subcommand(first) else {
        return Next::Words(Vec::new());
    };
    if let Some(option) = given.last().and_then(|word| option_of(command, word)) {
        return Next::Words(values(option, ""));
    }
    if let Some((name, _)) = last.split_once('=') {
        let option = option_of(command, name);
        return Next::Words(
            option
                .map(|option| values(option, &format!("{name}=")))
                .unwrap_or_default(),
        );
    }
    if last.starts_with('-') {
        return Next::Words(options(command));
    }
    let mut places = 0;
    let mut is_value = false;
    for word in given {
        let value = std::mem::replace(&mut is_value, option_of(command, word).is_some());
        places += usize::from(!value && !word.starts_with('-'));
    }
    let Some(place) = command.get_positionals().nth(places) else {
        return Next::Words(options(command));
    };
    match place
        .get_value_names()
        .and_then(|names| names.first())
        .map(clap::builder::Str::as_str)
    {
        Some("RUN") => Next::Names(Kinds::Runs),
        Some("SCHEDULE") => Next::Names(Kinds::Schedules),
        Some("NAME" | "OBJECT") => Next::Names(Kinds::All),
        _ => Next::Words(values(place, "")),
    }
}

fn commands(kubectl: &Command) -> Vec<(String, String)> {
    let shown = kubectl
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let line = |command: &Command| (command.get_name().to_owned(), about(command.get_about()));
    shown.map(line).collect()
}

/// The option that `word` is, if a value has to follow it.
fn option_of<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let mut options = command.get_opts();
    let is_named = |option: &&Arg| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => word.strip_prefix('-').is_some_and(|short| {
            option
                .get_short()
                .is_some_and(|letter| short == letter.to_string())
        }),
    };
    options.find(is_named)
}

fn options(command: &Command) -> Vec<(String, String)> {
    let shown = command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    let line = |arg: &Arg| {
        let long = arg.get_long()?;
        Some((format!("--{long}"), about(arg.get_help())))
    };
    shown.filter_map(line).collect()
}

fn values(arg: &Arg, prefix: &str) -> Vec<(String, String)> {
    if !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        return Vec::new();
    }
    let values = arg.get_possible_values().into_iter();
    let line = |value: clap::builder::PossibleValue| {
        (
            format!("{prefix}{}", value.get_name()),
            about(value.get_help()),
        )
    };
    values.map(line).collect()
}

/// The first line of a help.
fn about(help: Option<&clap::builder::StyledStr>) -> String {
    let text = help.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// Names from the cluster; none where it does not tell them soon.
fn names(kinds: Kinds, words: &[String]) -> Vec<(String, String)> {
    fleetscore_storage::install_crypto();
    let work = async { tokio::time::timeout(PATIENCE, listed(kinds, words)).await };
    block_on(work)
        .ok()
        .and_then(std::result::Result::ok)
        .flatten()
        .unwrap_or_default()
}

async fn listed(kinds: Kinds, words: &[String]) -> Option<Vec<(String, String)>> {
    let value = |names: &[&str]| {
        let mut found = None;
        for (at, word) in words.iter().enumerate() {
            for name in names {
                if word == name {
                    found = words.get(at + 1).cloned();
                } else if let Some(value) = word
                    .strip_prefix(name)
                    .and_then(|rest| rest.strip_prefix('='))
                {
                    found = Some(value.to_owned());
                }
            }
        }
        found
    };
    let login = Login {
        kubeconfig: value(&["--kubeconfig"]).map(Into::into),
        context: value(&["--context"]),
        act_as: value(&["--as"]),
        act_as_groups: value(&["--as-group"]).into_iter().collect(),
        request_timeout: Some(PATIENCE),
    };
    let cluster = Cluster::connect(&login).await.ok()?;
    let namespace = value(&["--namespace", "-n"]).unwrap_or_else(|| cluster.namespace().to_owned());
    let scope = Scope::Namespace(namespace);
    let all = Selector::default();
    let prefix = |kind: &str| {
        if kinds == Kinds::All {
            format!("{kind}/")
        } else {
            String::new()
        }
    };
    let mut lines = Vec::new();
    let schedules = cluster.list::<Schedule>(&scope, &all).await.ok()?;
    lines.extend(
        schedules
            .items
            .iter()
            .map(|found| (prefix("schedule") + found.name(), "schedule".to_owned())),
    );
    if kinds != Kinds::Schedules {
        let mut runs = cluster.list::<Run>(&scope, &all).await.ok()?.items;
        runs.sort_by_key(|run| std::cmp::Reverse(run.created()));
        let line = |run: &Run| {
            let phase = run
                .phase()
                .map_or("Unreadable".to_owned(), |phase| format!("{phase:?}"));
            (prefix("run") + run.name(), phase)
        };
        lines.extend(runs.iter().map(line));
    }
    if kinds == Kinds::All
        && let Ok(streams) = cluster.list::<Stream>(&scope, &all).await
    {
        let line = |stream: &Stream| (prefix("stream") + stream.name(), "stream".to_owned());
        lines.extend(streams.items.iter().map(line));
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Next {
        let mut kubectl = Kubectl::command();
        kubectl.build();
        let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
        next(&kubectl, &words)
    }

    #[test]
    fn what_comes_next_follows_from_what_is_there() {
        for (text, kinds) in [
            ("retry ", Kinds::Runs),
            ("retry pum", Kinds::Runs),
            ("retry -n plant-a ", Kinds::Runs),
            ("retry --wait ", Kinds::Runs),
            ("trigger ", Kinds::Schedules),
            ("suspend ", Kinds::All),
            ("status ", Kinds::All),
        ] {
            assert_eq!(of(text), Next::Names(kinds), "{text}");
        }
        let words = |text| match of(text) {
            Next::Words(words) => words.into_iter().map(|(word, _)| word).collect::<Vec<_>>(),
            Next::Names(kinds) => panic!("{text}: names of {kinds:?}"),
        };
        assert!(words("").contains(&"retry".to_owned()));
        assert!(words("ret").contains(&"retry".to_owned()));
        assert_eq!(words("wait x --for "), ["ended", "planned", "scoring"]);
        assert_eq!(
            words("wait x --for=p"),
            ["--for=ended", "--for=planned", "--for=scoring"]
        );
        assert!(words("retry --").contains(&"--dry-run".to_owned()));
        assert!(words("retry x ").contains(&"--reason".to_owned()));
        assert_eq!(words("nothing "), [""; 0]);
        assert_eq!(words("retry -n "), [""; 0]);
    }

    #[test]
    fn kubectl_asks_by_a_name_or_by_a_word() {
        let of = |args: &[&str]| asked(&args.iter().map(OsString::from).collect::<Vec<_>>());
        let words = Some(vec!["retry".to_owned(), String::new()]);
        assert_eq!(
            of(&["/bin/kubectl_complete-fleetscore", "retry", ""]),
            words
        );
        assert_eq!(
            of(&["fleetscore", "kubectl", "__complete", "retry", ""]),
            words
        );
        assert_eq!(of(&["fleetscore", "kubectl", "retry", ""]), None);
        assert_eq!(of(&["kubectl-fleetscore", "retry"]), None);
    }
}
