use std::process::Command;

use serde_json::json;

use crate::tools::{NAMESPACE, Person, RUN, RUNS, SCHEDULES, done, ended, schedule};

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_holds_what_tells_about_a_run_without_secrets() {
    let person = Person::new().await;
    let mut run = ended("Failed", 3);
    run["spec"]["podTemplate"] = json!({"spec": {"containers": [{"name": "scorer", "env": [{"name": "TOKEN", "value": "hunter2"}]}]}});
    let output = person.folder.path().join("predictions");
    std::fs::create_dir_all(output.join("_run")).unwrap();
    std::fs::write(
        output.join("_run/report.json"),
        r#"{"note": "AccountKey=hunter2"}"#,
    )
    .unwrap();
    run["spec"]["output"]["location"] = json!(format!("file://{}/", output.display()));
    person.api.create(RUNS, NAMESPACE, RUN, run);
    person.api.create(SCHEDULES, NAMESPACE, "pumps", schedule());
    let event = |about: &str, message: &str| json!({"involvedObject": {"name": about}, "message": message, "metadata": {}});
    person.api.create(
        "v1/events",
        NAMESPACE,
        "a",
        event(RUN, "reads https://x/y?sv=1&sig=hunter2"),
    );
    person.api.create(
        "v1/events",
        NAMESPACE,
        "b",
        event("other", "nothing to do with it"),
    );
    let made = person
        .does(&["bundle", RUN, "-o", "b.tar.gz", "--local-files"])
        .await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        made.err.contains("left out: the operator's log"),
        "{made:?}"
    );
    assert!(
        made.err
            .contains("left out: _run/failed.jsonl: there is none"),
        "{made:?}"
    );
    for name in [
        "run.json",
        "schedule.json",
        "jobs.json",
        "pods.json",
        "events.json",
    ] {
        assert!(made.out.contains(&format!("{RUN}/{name}\n")), "{made:?}");
    }
    let mut tar = Command::new("tar");
    tar.args(["-xzOf", "b.tar.gz"])
        .current_dir(person.folder.path());
    let text = done(tar).await.out;
    assert!(
        text.contains("REDACTED") && text.contains("sig=REDACTED"),
        "{text}"
    );
    for absent in ["hunter2", "nothing to do with it"] {
        assert!(!text.contains(absent), "{text}");
    }
    let asked = person.api.asked();
    assert!(
        asked
            .iter()
            .all(|asked| !asked.resource.contains("secrets"))
    );
    assert!(
        asked
            .iter()
            .all(|asked| ["get", "list"].contains(&asked.verb))
    );
}
