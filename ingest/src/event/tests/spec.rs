use serde_json::json;

use super::*;

fn paths(spec: &EventSpec, filter: Option<&str>) -> Vec<String> {
    faults(spec, filter)
        .into_iter()
        .map(|fault| fault.path)
        .collect()
}

#[test]
fn all_mistakes_are_found_at_once() {
    let fields = json!({
        "a": {"path": "x[].y[].z"}, "b": {"path": "x..y"}, "c": {"path": "[].t"}, "d": {"path": "@header."},
        "e": {"path": "@time"}, "h": {"path": "@enqueuedTime", "type": "Number"}, "f": {"expression": "vv * 2", "type": "Number"}, "g": {"expression": "v", "type": "Text"},
    });
    let mut wrong = spec("Json", &fields);
    wrong.columns.time = "tag".to_owned();
    wrong
        .columns
        .keys
        .insert("dev".to_owned(), "nothing".to_owned());
    wrong.columns.features.push("ts".to_owned());
    wrong.columns.time_zone = "Mars/Base".to_owned();
    let expected = [
        "spec.event.fields.f.expression",
        "spec.event.fields.g.expression",
        "spec.event.fields.d.path",
        "spec.event.fields.e.path",
        "spec.event.fields.h.type",
        "spec.event.fields.a.path",
        "spec.event.fields.b.path",
        "spec.event.fields.c.path",
        "spec.event.columns.time",
        "spec.event.columns.keys.dev",
        "spec.event.columns.features[1]",
        "spec.filter",
        "spec.event.columns.timeZone",
    ];
    assert_eq!(paths(&wrong, Some("v > 'a'")), expected);
}

#[test]
fn paths_agree_with_each_other() {
    for other in ["v.x", "v[].x"] {
        let faults = faults(&spec("Json", &json!({"w": {"path": other}})), None);
        assert!(faults[0].message.contains("different things"), "{faults:?}");
    }
    decoder(
        &spec(
            "Json",
            &json!({"w": {"path": "l[].x"}, "u": {"path": "l[].y"}}),
        ),
        None,
    );
    let fields = json!({"w": {"path": "k[].x"}, "u": {"path": "l[].y"}});
    let faults = faults(&spec("Json", &fields), None);
    assert!(faults[0].message.contains("one list"), "{faults:?}");
}

#[test]
fn what_belongs_to_other_formats_is_refused() {
    let mut wrong = spec("Json", &json!({}));
    wrong.header = vec!["ts".to_owned()];
    wrong.schema = Some("{}".to_owned());
    assert_eq!(
        paths(&wrong, None),
        ["spec.event.header", "spec.event.schema"]
    );
    let mut wrong = spec("Csv", &json!({}));
    wrong.header = ["ts", "tag", "ts"].map(str::to_owned).to_vec();
    assert_eq!(
        paths(&wrong, None),
        ["spec.event.fields.ts.path", "spec.event.fields.v.path"]
    );
}

#[test]
fn unpivot_makes_new_fields_of_numbers() {
    let mut wrong = spec(
        "Json",
        &json!({"bar": {"expression": "value * 2", "type": "Number"}}),
    );
    wrong.unpivot = serde_json::from_value(
        json!({"key": "tag", "value": "value", "fields": ["v", "v", "tag", "x", "bar"]}),
    )
    .unwrap();
    let expected = [
        "spec.event.unpivot.fields[2]",
        "spec.event.unpivot.fields[3]",
        "spec.event.unpivot.key",
        "spec.event.unpivot.fields[1]",
        "spec.event.unpivot.fields[4]",
    ];
    assert_eq!(paths(&wrong, None), expected);
}
