//! What commands print, on standard output and after it on standard error, held against files.

mod acts;
mod guide;
mod looks;
mod stored;

use serde_json::{Value, json};

use crate::held::{WIDTHS, file, fits, held};
use crate::tools::{Done, NAMESPACE, Person, RUN, RUNS, SCHEDULES, done, ended, schedule};

/// What a command prints on a screen so wide.
pub async fn printed(person: &Person, args: &[&str], columns: Option<usize>) -> Done {
    let mut command = person.command(args);
    command.env_remove("COLUMNS");
    if let Some(columns) = columns {
        command.env("COLUMNS", columns.to_string());
    }
    done(command).await
}

/// Holds what was printed against the file of its width.
fn kept(name: &str, (end, width): (&str, Option<usize>), person: &Person, found: &Done) {
    let folder = person.folder.path().display().to_string();
    let err = match found.err.as_str() {
        "" => String::new(),
        err => format!("--- standard error\n{err}"),
    };
    let text = format!("{}{err}--- code {}\n", sizeless(&found.out), found.code);
    assert!(!text.contains('\u{1b}'), "{name} is coloured: {text:?}");
    held(&file(name, end), &text.replace(&folder, "/FOLDER"));
    fits(name, &found.out, width);
}

/// The text without the sizes of files, in which the folder's name counts.
fn sizeless(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let size = line.trim_start().split(' ').next().unwrap_or_default();
        let is_size = line.starts_with("   ") && size.parse::<u64>().is_ok();
        if is_size {
            line.replacen(size, &format!("{:>1$}", "N", size.len()), 1)
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// Holds a command against its three files. Each time it finds the cluster anew.
async fn golden<F: Future<Output = Person>>(name: &str, args: &[&str], cluster: impl Fn() -> F) {
    for at in WIDTHS {
        let person = cluster().await;
        let found = printed(&person, args, at.1).await;
        kept(name, at, &person, &found);
    }
}

/// A schedule, and its run that ended so.
async fn plant(phase: &str, failed: u64) -> Person {
    let person = Person::new().await;
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    person
        .api
        .create(RUNS, NAMESPACE, RUN, ended(phase, failed));
    person
}

/// Merges into the run.
fn merged(person: &Person, patch: Value) {
    person.api.merge(RUNS, NAMESPACE, RUN, patch);
}

/// Has the run write into the person's folder; returns where its own files are.
fn on_files(person: &Person) -> std::path::PathBuf {
    let output = person.folder.path().join("predictions");
    let location = format!("file://{}/", output.display());
    merged(person, json!({"spec": {"output": {"location": location}}}));
    let own = output.join("_run");
    std::fs::create_dir_all(&own).unwrap();
    own
}
