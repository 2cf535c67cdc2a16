//! The manifests in the examples and the documentation are ones that the program takes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Plant, assert_success, text};
use fleetscore_cli::manifest;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(repository(folder)).unwrap();
    let mut paths: Vec<_> = paths
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// The blocks of YAML in a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

#[test]
fn documented_manifests_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    let pages = files("docs", "md")
        .into_iter()
        .chain([repository("README.md")]);
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let is_kind = |line: &str| {
            line.starts_with("kind: Scoring") || line.starts_with("kind: ReadingStream")
        };
        let whole = |block: &&str| block.lines().any(is_kind);
        for block in blocks(&text).into_iter().filter(whole) {
            let path = folder.path().join("manifest.yaml");
            fs::write(&path, block).unwrap();
            if let Err(error) = manifest::load(&path, &[]) {
                panic!("{}: {error}\n{block}", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 2, "only {checked} manifests found");
}

#[test]
fn the_examples_are_valid() {
    for path in files("examples", "yaml") {
        manifest::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn the_example_of_a_plant_scores_a_simulated_one() {
    let plant = Plant::new(4);
    fs::copy(repository("examples/plant.yaml"), plant.path("plant.yaml")).unwrap();
    let output = plant.fleetscore(&["run", "-f", "plant.yaml"]);
    assert_success(&output);
    let summary = text(&output.stdout);
    assert!(summary.contains("precision"), "it has labels: {summary}");
    assert!(plant.path("predictions/_SUCCESS").exists());
}
