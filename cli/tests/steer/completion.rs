use std::path::PathBuf;
use std::process::Command;

use crate::tools::{NAMESPACE, Person, RUN, RUNS, SCHEDULES, done, ended, schedule};

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_the_cluster() {
    let person = Person::new().await;
    person.api.create(RUNS, NAMESPACE, RUN, ended("Failed", 3));
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    let completed =
        async |words: &[&str]| person.does(&[&["__complete"], words].concat()).await.out;
    assert_eq!(
        completed(&["retry", ""]).await,
        format!("pumps\tschedule\n{RUN}\tFailed\n:4\n")
    );
    assert_eq!(
        completed(&["retry", "pumps-"]).await,
        format!("{RUN}\tFailed\n:4\n")
    );
    assert_eq!(completed(&["trigger", ""]).await, "pumps\tschedule\n:4\n");
    assert_eq!(
        completed(&["suspend", "sch"]).await,
        "schedule/pumps\tschedule\n:4\n"
    );
    assert_eq!(completed(&["retry", "-n", "plant-b", ""]).await, ":4\n");
    person.api.close(&[NAMESPACE]);
    assert_eq!(completed(&["retry", ""]).await, ":4\n");
    assert_eq!(
        completed(&["back"]).await,
        "backfill\tRun the ticks of a past range\n:4\n"
    );
}

/// A kubectl, where this machine has one.
fn kubectl() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")),
        |cache| Some(cache.into()),
    )?;
    let tools = std::fs::read_dir(cache.join("fleetscore/cluster/bin")).ok()?;
    let mut found = tools.flatten().map(|entry| entry.path().join("kubectl"));
    found.find(|file| file.is_file())
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_asks_the_helper_that_is_installed() {
    let Some(kubectl) = kubectl() else {
        println!("there is no kubectl of the test cluster here");
        return;
    };
    let person = Person::new().await;
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    let folder = person.folder.path().to_path_buf();
    let mut install = Command::new(env!("CARGO_BIN_EXE_fleetscore"));
    install
        .args(["completions", "kubectl", "--install"])
        .arg(&folder);
    assert_eq!(done(install).await.code, 0);
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_fleetscore"),
        folder.join("kubectl-fleetscore"),
    )
    .unwrap();
    for (words, expected) in [
        (&["trigger", "p"][..], "pumps\tschedule\n:4\n"),
        (
            &["wait", "x", "--for", "pl"],
            "planned\tThe plan is made\n:4\n",
        ),
    ] {
        let path = std::env::join_paths(
            std::iter::once(folder.clone())
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut asks = Command::new(&kubectl);
        asks.args(["__complete", "fleetscore"])
            .args(words)
            .env("PATH", path.unwrap())
            .env("KUBECONFIG", person.kubeconfig());
        let answer = done(asks).await;
        assert_eq!(answer.out, expected, "{answer:?}");
    }
}
