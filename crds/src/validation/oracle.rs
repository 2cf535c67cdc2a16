//! The functions of the rules against their CEL expressions, which `kube-cel` evaluates: on the same objects, drawn at random from
//! texts that matter to the rules, both find the same rules broken.

mod stream;

use std::collections::BTreeSet;
use std::path::Path;

use kube_cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

use super::{defaults, rules, schema, structure, without_nulls};
use crate::Kind;
use crate::rules::{Subject, ask};

/// A rule's expression, the field, and what is said.
type Found = BTreeSet<(String, String, String)>;

/// What is wrong with a value.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    broken: Found,
    /// Rules that cannot be asked, without what is said.
    unasked: Found,
}

fn by_functions(schema: &Value, value: &Value) -> Verdict {
    let mut held = value.clone();
    defaults::fill(schema, &mut held);
    let mut verdict = Verdict::default();
    for found in rules::check(schema, &held) {
        if found.asked {
            let message = found.message.to_owned();
            verdict
                .broken
                .insert((found.rule.to_owned(), found.field, message));
        } else {
            verdict
                .unasked
                .insert((found.rule.to_owned(), found.field, String::new()));
        }
    }
    verdict
}

fn by_cel(both: &Both, value: &Value, old: Option<&Value>) -> Verdict {
    let mut verdict = Verdict::default();
    let answer = both.validator.validate_compiled(&both.compiled, value, old);
    for error in answer.err().into_iter().flatten() {
        let field = error.field_path.trim_start_matches('.').to_owned();
        match error.kind {
            ErrorKind::ValidationFailure => {
                verdict.broken.insert((error.rule, field, error.message));
            }
            ErrorKind::EvaluationError => {
                verdict.unasked.insert((error.rule, field, String::new()));
            }
            ref other => panic!("{other:?}: {error}"),
        }
    }
    verdict
}

/// The schema of a kind, and the same compiled.
struct Both {
    schema: &'static Value,
    compiled: CompiledSchema,
    validator: Validator,
}

impl Both {
    fn of(kind: Kind) -> Self {
        Self::at(kind, "")
    }

    /// The part of the schema at a JSON pointer.
    fn at(kind: Kind, pointer: &str) -> Self {
        let schema = schema::of(kind).unwrap().object.pointer(pointer).unwrap();
        let compiled = compile_schema(schema);
        Self {
            schema,
            compiled,
            validator: Validator::new(),
        }
    }

    /// Checks that both say the same of `value`; returns the rules that it breaks.
    fn agree(&self, value: &Value) -> BTreeSet<String> {
        let value = without_nulls(value.clone());
        let shape = structure::check(self.schema, &value);
        let functions = by_functions(self.schema, &value);
        let cel = by_cel(self, &value, None);
        if shape.is_empty() {
            assert_eq!(functions, cel, "{value:#}");
            assert_eq!(functions.unasked, Found::new(), "{value:#}");
        } else {
            // Where something is missing, kube-cel gives up at once in a list, and the API server does not.
            // What is told of a field's shape is all that is told of it.
            let told =
                |found: &&(String, String, String)| shape.iter().any(|one| one.field == found.1);
            let missing: Vec<_> = cel
                .broken
                .difference(&functions.broken)
                .filter(|found| !told(found))
                .collect();
            assert!(missing.is_empty(), "{missing:?}: {value:#}");
            for found in functions.broken.difference(&cel.broken) {
                let given_up = (found.0.clone(), found.1.clone(), String::new());
                assert!(cel.unasked.contains(&given_up), "{found:?}: {value:#}");
            }
        }
        functions
            .broken
            .into_iter()
            .map(|(rule, ..)| rule)
            .collect()
    }
}

/// The expressions of all rules in a schema.
fn expressions(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            let rules = parts.get("x-kubernetes-validations");
            for rule in rules.and_then(Value::as_array).into_iter().flatten() {
                found.insert(rule["rule"].as_str().unwrap().to_owned());
            }
            parts.values().for_each(|part| expressions(part, found));
        }
        Value::Array(parts) => parts.iter().for_each(|part| expressions(part, found)),
        _ => {}
    }
}

fn all_expressions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for kind in Kind::ALL {
        let schema = serde_json::from_str(schema::text(kind)).unwrap();
        expressions(&schema, &mut found);
    }
    found
}

#[test]
fn every_rule_about_objects_has_a_function() {
    let expressions = all_expressions();
    assert!(expressions.len() > 60, "{}", expressions.len());
    for expression in expressions {
        let has_function = ask(&expression, Subject(&Value::Null)).is_some();
        let is_about_change = expression.contains("oldSelf");
        assert_ne!(has_function, is_about_change, "{expression}");
    }
}

fn read(file: &Path) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The objects of the other tests.
fn examples(folder: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/objects")
        .join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn kind_of(object: &Value) -> Kind {
    match object["kind"].as_str() {
        Some("ScoringSchedule") => Kind::ScoringSchedule,
        Some("ReadingStream") => Kind::ReadingStream,
        _ => Kind::ScoringRun,
    }
}

/// `begin` and as many letters as make a text of one of the lengths.
fn of_length(begin: &'static str, lengths: &'static [usize]) -> impl Strategy<Value = String> {
    let text = move |length: usize| format!("{begin}{}", "a".repeat(length - begin.len()));
    select(lengths).prop_map(text)
}

/// Texts put together from some of `parts`.
fn text(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(select(parts), 0..6).prop_map(|parts| parts.concat())
}

fn location() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "az://",
        "file:///",
        "data",
        "in/",
        "d/",
        "_run/",
        "a.csv",
        "models/",
        "{device}",
        "{tag}",
        "{run}",
        "{schedule}",
        "{window.start:%Y/%m}",
        "{window.end:%-d%%}",
        "{window.start:%",
        "{{",
        "}}",
        "{",
        "}",
        "%",
        "..",
        ".",
        "/",
        "?",
        "-",
        "é",
        "\n",
        "A",
        "0",
    ];
    // Texts that lie in one another.
    const FOLDERS: &[&str] = &[
        "az://data",
        "az://data/",
        "az://data/in/",
        "file:///d/",
        "file:///d/in/",
        "file:///d/in/a.csv",
        "file:///d/_run/a.csv",
        "file:///d/in/{device}_{tag}",
        "file:///d/{device}.csv",
        "file:///d/{run}/",
    ];
    prop_oneof![
        text(PARTS),
        text(PARTS).prop_map(|rest| format!("az://data{rest}")),
        text(PARTS).prop_map(|rest| format!("file:///d/{rest}/")),
        select(FOLDERS).prop_map(str::to_owned),
        of_length("az://", &[5 + 2, 5 + 3, 5 + 63, 5 + 64]),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn file() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "preds_",
        "{device}",
        "{tag}",
        "{run}",
        "{{",
        "}}",
        "{",
        "}",
        ".csv",
        ".parquet",
        ".jsonl",
        ".ndjson",
        "/",
        "..",
        ".",
        "_run/",
        "_SUCCESS",
        "\\",
        "C:",
        "in/a.csv",
        "{window.start:%H}",
        "é",
    ];
    prop_oneof![
        text(PARTS),
        select(&["in/a.csv", "_SUCCESS", "{device}_{tag}.csv", "preds.csv"][..])
            .prop_map(str::to_owned),
    ]
    .prop_map(Value::from)
    .boxed()
}

const COLUMNS: &[&str] = &["TS", "Device", "Tag", "Value", "Truth"];

fn column() -> BoxedStrategy<Value> {
    select(COLUMNS).prop_map(Value::from).boxed()
}

fn by_key(most: usize) -> BoxedStrategy<Value> {
    const NAMES: &[&str] = &[
        "device",
        "tag",
        "device",
        "tag",
        "_a-b",
        "run",
        "namespace",
        "schedule",
        "window",
        "1x",
        "é",
        "",
    ];
    btree_map(select(NAMES), select(COLUMNS), 0..most)
        .prop_map(|map| json!(map))
        .boxed()
}

fn time() -> BoxedStrategy<Value> {
    // All in UTC: kube-cel takes the year of a time where its offset is, and the API server in UTC.
    const TIMES: &[&str] = &[
        "2018-08-28T23:00:00Z",
        "2018-08-28T23:00:00.000000001Z",
        "2018-08-29T00:00:00Z",
        "2018-08-29T00:00:00+00:00",
        "2018-08-28t23:00:00z",
        "2008-12-31T23:59:59Z",
        "2028-12-31T23:59:59Z",
        "2029-01-01T00:00:00Z",
        "9999-12-30T22:00:00Z",
        "9999-12-30T22:00:00.1Z",
        "0001-01-01T00:00:00Z",
    ];
    select(TIMES).prop_map(Value::from).boxed()
}

fn endpoint() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "http://",
        "https://",
        "localhost",
        "plant",
        ".localhost",
        "127.",
        "0.0.1",
        "[::1]",
        ":80",
        ":",
        "/",
        "plantstore",
        "devstoreaccount1",
        "container",
        "?",
        "#",
        "@",
        "é",
    ];
    prop_oneof![
        text(PARTS),
        (select(&["http://", "https://"][..]), text(PARTS))
            .prop_map(|(scheme, rest)| format!("{scheme}{rest}")),
        (
            select(&["http://localhost/", "https://p.net/"][..]),
            text(PARTS)
        )
            .prop_map(|(host, rest)| format!("{host}{rest}")),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn cron() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &[
        "*", "0", "5", "59", "60", "/", "-", ",", "mon", "JAN", "L", "LW", "#2", "?", "ſun", " ",
        "\t",
    ];
    const FIELDS: &[&str] = &[
        "*", "0", "*/5", "1-3", "1,2", "mon", "jan", "L", "LW", "5L", "fri#2", "*/0", "61", "?",
    ];
    prop_oneof![
        text(PARTS),
        vec(select(FIELDS), 4..7).prop_map(|fields| fields.join(" ")),
        (text(PARTS), 0..5_usize).prop_map(|(one, at)| {
            let mut fields = ["*"; 5];
            fields[at] = &one;
            fields.join(" ")
        }),
        select(&["@hourly", "@Daily", " @weekly ", "@minutely", "@"][..]).prop_map(str::to_owned),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn name() -> BoxedStrategy<Value> {
    const PARTS: &[&str] = &["pumps", "-", "0", "A", ".", "é"];
    prop_oneof![text(PARTS), of_length("p", &[1, 39, 40, 50, 51])]
        .prop_map(Value::from)
        .boxed()
}

fn account() -> BoxedStrategy<Value> {
    const ACCOUNTS: &[&str] = &["plantstore", "devstoreaccount1", "Plant", "plant-store"];
    let named = select(ACCOUNTS).prop_map(str::to_owned);
    prop_oneof![named, of_length("p", &[2, 3, 24, 25])]
        .prop_map(Value::from)
        .boxed()
}

fn one_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

/// Fields of a run's spec, and values for them.
fn of_spec() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    vec![
        ("model.location", location()),
        ("model.scaler", location()),
        ("model.bundle", Just(json!({"model": "clf"})).boxed()),
        ("model.worker", Just(json!({})).boxed()),
        ("model.worker.use", one_of(&["Always", "Refused"])),
        (
            "model.worker.module",
            one_of(&["predict", "code/predict.py"]),
        ),
        ("model.worker.miniBatch", one_of(&["Frame", "Files"])),
        (
            "model.output",
            one_of(&["Auto", "Anomaly", "Class", "Value"]),
        ),
        ("model.threshold", Just(json!(0.5)).boxed()),
        (
            "model.anomalyClasses",
            prop_oneof![Just(json!([])), Just(json!(["1"]))].boxed(),
        ),
        (
            "model.residual",
            column()
                .prop_map(|target| json!({"target": target, "threshold": 2.5}))
                .boxed(),
        ),
        ("input.location", location()),
        ("output.location", location()),
        ("logs.location", location()),
        ("sensors.manifest", location()),
        ("input.format", one_of(&["Auto", "Csv", "Stream"])),
        ("input.waitFor", Just(json!({})).boxed()),
        ("input.waitFor.object", location()),
        ("output.file", file()),
        ("output.format", one_of(&["Auto", "Csv", "JsonLines"])),
        ("input.columns.time", column()),
        ("input.columns.label", column()),
        ("input.columns.keys", by_key(4)),
        (
            "input.columns.features",
            vec(select(COLUMNS), 0..4)
                .prop_map(|names| json!(names))
                .boxed(),
        ),
        (
            "sensors.list",
            vec(by_key(3), 0..4).prop_map(Value::from).boxed(),
        ),
        ("sensors.fromModels", Just(json!({})).boxed()),
        ("sensors.failedIn.run", name()),
        (
            "sensors.failedIn.reasons",
            vec(select(&["ModelNotFound", "NoReadings"][..]), 0..3)
                .prop_map(|reasons| json!(reasons))
                .boxed(),
        ),
        ("storage.azure.account", account()),
        (
            "storage.azure.auth",
            one_of(&["Secret", "Emulator", "Anonymous", "WorkloadIdentity"]),
        ),
        ("storage.azure.endpoint", endpoint()),
        (
            "storage.azure.secretRef",
            Just(json!({"name": "key"})).boxed(),
        ),
        ("window.start", time()),
        ("window.end", time()),
    ]
}

fn of_schedule() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    vec![
        ("schedule", cron()),
        ("window.kind", one_of(&["None", "PreviousInterval"])),
        ("backfill.from", time()),
        ("backfill.to", time()),
    ]
}

/// One change to an object: a value for a field, or none, which takes it out.
#[derive(Clone, Debug)]
struct Edit {
    path: String,
    value: Option<Value>,
}

impl Edit {
    fn apply(self, object: &mut Value) {
        let (map, name) = self.path.rsplit_once('.').unwrap();
        if let Some(value) = self.value {
            let mut target = object;
            for step in self.path.split('.') {
                target = &mut target[step];
            }
            *target = value;
        } else {
            let pointer = format!("/{}", map.replace('.', "/"));
            let map = object.pointer_mut(&pointer).and_then(Value::as_object_mut);
            map.and_then(|map| map.remove(name));
        }
    }
}

fn edit(kind: Kind) -> impl Strategy<Value = Edit> {
    let below = |prefix: &str, fields: Vec<(&str, BoxedStrategy<Value>)>| {
        let fields = fields.into_iter();
        fields
            .map(|(path, values)| (format!("{prefix}.{path}"), values))
            .collect::<Vec<_>>()
    };
    let (spec, maps) = match kind {
        Kind::ScoringRun | Kind::ScoringSchedule => (of_spec(), &["sensors", "logs", "window"][..]),
        Kind::ReadingStream => (stream::of_spec(), stream::MAPS),
    };
    let prefix = match kind {
        Kind::ScoringSchedule => "spec.runTemplate.spec",
        Kind::ScoringRun | Kind::ReadingStream => "spec",
    };
    let mut fields = below(prefix, spec);
    if kind == Kind::ScoringSchedule {
        fields.extend(below("spec", of_schedule()));
    }
    fields.push(("metadata.name".to_owned(), name()));
    let more = maps.iter().chain(&["storage.azure"]);
    let more = more.map(|path| (format!("{prefix}.{path}"), None));
    let paths: Vec<_> = fields
        .iter()
        .map(|(path, _)| (path.clone(), None))
        .chain(more)
        .collect();
    let removal = select(paths).prop_map(|(path, value)| Edit { path, value });
    let put = proptest::strategy::Union::new(fields.into_iter().map(|(path, values)| {
        values.prop_map(move |value| Edit {
            path: path.clone(),
            value: Some(value),
        })
    }));
    prop_oneof![4 => put, 1 => removal]
}

fn object(kind: Kind) -> impl Strategy<Value = Value> {
    let mut examples = examples("valid");
    examples.retain(|example| kind_of(example) == kind);
    (select(examples), vec(edit(kind), 0..6)).prop_map(|(mut object, edits)| {
        edits.into_iter().for_each(|edit| edit.apply(&mut object));
        object
    })
}

/// The same cases each time, unless the environment asks for others (`PROPTEST_RNG_SEED`, `PROPTEST_CASES`).
fn runner() -> TestRunner {
    let given = Config::default();
    TestRunner::new(Config {
        failure_persistence: None,
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            seed @ RngSeed::Fixed(_) => seed,
        },
        ..given
    })
}

/// And each is broken by an example, so that none is compared on what it allows alone.
#[test]
fn functions_and_expressions_agree_on_the_examples() {
    let mut broken = BTreeSet::new();
    for kind in Kind::ALL {
        let both = Both::of(kind);
        for example in examples("valid").iter().chain(&examples("invalid")) {
            if kind_of(example) == kind {
                broken.extend(both.agree(example));
            }
        }
    }
    let mut rules = all_expressions();
    rules.retain(|rule| !rule.contains("oldSelf") && !broken.contains(rule));
    assert!(rules.is_empty(), "no example breaks {rules:#?}");
}

#[test]
fn functions_and_expressions_agree_on_random_objects() {
    for kind in Kind::ALL {
        let both = Both::of(kind);
        let case = |object| {
            both.agree(&object);
            Ok(())
        };
        runner().run(&object(kind), case).unwrap();
    }
}

/// The rules of one text, on many texts.
#[test]
fn functions_and_expressions_agree_on_texts() {
    let spec = "/properties/spec/properties";
    for (kind, pointer, texts) in [
        (Kind::ScoringRun, "model/properties/location", location()),
        (Kind::ScoringRun, "output/properties/location", location()),
        (Kind::ScoringRun, "sensors/properties/manifest", location()),
        (
            Kind::ScoringRun,
            "input/properties/waitFor/properties/object",
            location(),
        ),
        (Kind::ScoringSchedule, "schedule", cron()),
        (
            Kind::ReadingStream,
            "output/properties/location",
            location(),
        ),
        (
            Kind::ReadingStream,
            "source/properties/startAt",
            stream::start_at(),
        ),
    ] {
        let both = Both::at(kind, &format!("{spec}/{pointer}"));
        let case = |text| {
            both.agree(&text);
            Ok(())
        };
        runner().run(&texts, case).unwrap();
    }
    let output = Both::at(Kind::ScoringRun, &format!("{spec}/output"));
    runner()
        .run(&file(), |file| {
            output.agree(&json!({"location": "file:///o/", "file": file}));
            Ok(())
        })
        .unwrap();
    let azure = Both::at(
        Kind::ScoringRun,
        &format!("{spec}/storage/properties/azure"),
    );
    runner()
        .run(&(endpoint(), any::<bool>()), |(endpoint, emulator)| {
            let auth = if emulator {
                "Emulator"
            } else {
                "ManagedIdentity"
            };
            azure
                .agree(&json!({"account": "devstoreaccount1", "auth": auth, "endpoint": endpoint}));
            Ok(())
        })
        .unwrap();
}

/// The fields whose change from `old` to `new` a rule forbids.
fn changed(both: &Both, old: &Value, new: &Value) -> Vec<String> {
    let verdict = by_cel(both, new, Some(old));
    let fields = verdict.broken.into_iter().map(|(_, field, _)| field);
    fields.collect()
}

/// A valid object.
fn example(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/objects/valid");
    read(&folder.join(format!("{name}.yaml")))
}

/// What only the API server is asked: the rules about a change.
#[test]
fn a_planned_run_does_not_change() {
    let both = Both::of(Kind::ScoringRun);
    let changed = |old: &Value, new: &Value| changed(&both, old, new);
    let mut old = example("run-full");
    let mut new = old.clone();
    new["spec"]["model"]["location"] = json!("az://models/v2/model_{device}_{tag}");
    assert!(changed(&old, &new).is_empty(), "not planned yet");

    old["status"] = json!({ "conditions": [{ "type": "Planned", "status": "True" }] });
    new["status"] = old["status"].clone();
    assert_eq!(changed(&old, &new), ["spec.model"]);

    let mut suspended = old.clone();
    suspended["spec"]["suspend"] = json!(true);
    suspended["spec"]["ttlSecondsAfterFinished"] = json!(60);
    assert!(changed(&old, &suspended).is_empty());

    let mut without_window = old.clone();
    without_window["spec"]
        .as_object_mut()
        .unwrap()
        .remove("window");
    assert_eq!(changed(&old, &without_window), ["spec.window"]);
}

#[test]
fn what_a_streams_readings_depend_on_does_not_change() {
    let both = Both::of(Kind::ReadingStream);
    let full = example("stream-full");
    let after = |path: &str, value: Value| {
        let mut new = full.clone();
        let edit = Edit {
            path: format!("spec.{path}"),
            value: Some(value).filter(|value| !value.is_null()),
        };
        edit.apply(&mut new);
        changed(&both, &full, &new)
    };
    for (path, value) in [
        ("source.eventHub.name", json!("other")),
        ("source.startAt", json!("Latest")),
        ("event.fields.v.path", json!("values[].w")),
        ("event.columns.keys.tag", json!("device")),
        ("filter", json!("has(v)")),
        ("filter", Value::Null),
        ("window.hopSeconds", Value::Null),
        ("aggregates", json!([{"column": "Value", "of": "bar"}])),
        ("duplicates", json!("Keep")),
        ("output.segmentSeconds", json!(3600)),
    ] {
        let field = path.split('.').next().unwrap();
        assert_eq!(after(path, value), [format!("spec.{field}")], "{path}");
    }
    for (path, value) in [
        ("lateness.toleranceSeconds", json!(60)),
        ("replicas", json!(3)),
        ("suspend", json!(true)),
        ("checkpointSeconds", json!(60)),
        ("limits.maxSensors", json!(100)),
        ("deadLetter.location", json!("az://dead/other/")),
        (
            "storage.azure.endpoint",
            json!("https://plantstore.blob.core.windows.net"),
        ),
        ("podTemplate", json!({})),
    ] {
        assert_eq!(after(path, value), [""; 0], "{path}");
    }
}
