use serde_json::json;

use super::*;
use crate::Reason::{BadNumber, BadPayload, BadText, FieldMissing};

#[test]
fn lines_have_a_header_or_the_manifest_names_columns() {
    let mut headed = decoder(&spec("Csv", &json!({})), None);
    let (a, b) = (is(1, "a", 1.5), is(2, "b", 2.0));
    let bad = || refused(BadPayload, "");
    for (body, expected) in [
        ("ts,tag,v\n1,a,1.5\n2,b,2\n", vec![a.clone(), b.clone()]),
        (
            "\u{feff}v,x,tag,ts\r\n1.5,,a,1\r\n\r\n2,,b,2",
            vec![a.clone(), b.clone()],
        ),
        (
            "ts,tag,v\n1,a,\"1.5\"\n2,\"b\",2\n",
            vec![a.clone(), b.clone()],
        ),
        (
            "ts,tag,v\n1,\"a,\"\"\nb\",1.5\n",
            vec![is(1, "a,\"\nb", 1.5)],
        ),
        ("ts,tag,v\n1,a b\"c,1.5\n", vec![is(1, "a b\"c", 1.5)]),
        ("ts,tag,v\n1,a,1.5,,\n", vec![a.clone()]),
        ("ts,tag,v\n", vec![]),
        ("\n", vec![]),
        // One bad line, the others are read.
        ("ts,tag,v\n1,a\n2,b,2\n", vec![bad(), b.clone()]),
        ("ts,tag,v\n1,a,1.5,9\n2,b,2\n", vec![bad(), b.clone()]),
        (
            "ts,tag,v\n1,,1.5\n2,b,2\n",
            vec![refused(FieldMissing, "tag"), b.clone()],
        ),
        (
            "ts,tag,v\n1,a,x\n",
            vec![Outcome::Reading(
                1,
                vec!["a".into()],
                true,
                Err((BadNumber, "v".into())),
            )],
        ),
        (
            "ts,tag,v\n1,a,\n",
            vec![Outcome::Reading(
                1,
                vec!["a".into()],
                true,
                Err((FieldMissing, "v".into())),
            )],
        ),
        // No such column; one that is there twice.
        ("ts,TAG,v\n1,a,1\n", vec![refused(FieldMissing, "tag")]),
        ("ts,tag,v,v\n1,a,1,2\n2,a,1,2\n", vec![bad()]),
        // What follows an open quote could be anything.
        ("ts,tag,v\n1,\"a,1.5\n2,b,2\n", vec![bad()]),
        ("ts,tag,v\n1,\"a\"x,1.5\n2,b,2\n", vec![bad()]),
    ] {
        assert_eq!(of(&mut headed, body.as_bytes()), expected, "{body}");
    }
    assert_eq!(
        of(&mut headed, b"ts,tag,v\n1,\xff,1\n"),
        vec![refused(BadText, "tag")]
    );
    let mut named = spec("Csv", &json!({}));
    named.header = ["tag", "ts", "x", "v"].map(str::to_owned).to_vec();
    let mut named = decoder(&named, None);
    assert_eq!(of(&mut named, b"a,1,?,1.5\nb,2,?,2"), vec![a, b]);
    let mut last = String::new();
    headed.decode(&record(b"ts,tag,v\n1,\"a\nb\",2\n3,4"), &mut |outcome| {
        last = outcome.map_or_else(
            |refusal| refusal.value.unwrap_or_default(),
            |_| String::new(),
        );
    });
    assert_eq!(last, "line 4: it has 2 fields, not 3");
}
