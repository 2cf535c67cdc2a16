use fleetscore_cluster::act::{redact, redact_object};
use serde_json::json;

#[test]
fn secrets_are_taken_out_of_text_and_the_rest_stays() {
    let key64 = format!("{}==", "Ab1+".repeat(22).get(..86).unwrap());
    let key32 = format!("{}=", "Ab1/".repeat(11).get(..43).unwrap());
    for (text, clean) in [
        (
            "https://a.blob.core.windows.net/c/x?sv=2024-01-01&sig=aB%2Bc%3D&sp=r",
            "https://a.blob.core.windows.net/c/x?sv=2024-01-01&sig=REDACTED&sp=r",
        ),
        (
            "Endpoint=sb://x;SharedAccessKeyName=n;SharedAccessKey=abc=;EntityPath=e",
            "Endpoint=sb://x;SharedAccessKeyName=n;SharedAccessKey=REDACTED;EntityPath=e",
        ),
        ("AccountKey=abc==", "AccountKey=REDACTED"),
        (
            "authorization: Bearer abcdefghijkl",
            "authorization: REDACTED",
        ),
        ("sent Bearer abcdefghijkl on", "sent Bearer REDACTED on"),
        (
            "\"password\": \"hunter2\", \"user\": \"x\"",
            "\"password\": \"REDACTED\", \"user\": \"x\"",
        ),
        (
            "http://me:secret@proxy:8080/",
            "http://REDACTED@proxy:8080/",
        ),
        (
            "token eyJhbGciOiJI.eyJzdWIiOiIx.c2ln end",
            "token REDACTED end",
        ),
        (&format!("key {key64} end"), "key REDACTED end"),
        (&format!("key {key32} end"), "key REDACTED end"),
        (
            "ModelNotFound device=3: az://models/model_3 signal=4 keys: device",
            "ModelNotFound device=3: az://models/model_3 signal=4 keys: device",
        ),
        (
            "0123456789abcdef0123456789abcdef01234567",
            "0123456789abcdef0123456789abcdef01234567",
        ),
    ] {
        assert_eq!(redact(text), clean);
        assert_eq!(redact(&redact(text)), clean);
    }
}

#[test]
fn values_of_variables_and_what_was_applied_are_taken_out_of_objects() {
    let mut object = json!({
        "metadata": {
            "name": "x", "managedFields": [{}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"env\": 1}", "note": "?sig=abc"},
        },
        "spec": {"containers": [{"env": [{"name": "KEY", "value": "v"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]},
        "data": {"run.json": "{}"},
        "count": 3,
    });
    redact_object(&mut object);
    assert_eq!(
        object,
        json!({
            "metadata": {"name": "x", "annotations": {"note": "?sig=REDACTED"}},
            "spec": {"containers": [{"env": [{"name": "KEY", "value": "REDACTED"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]},
            "data": {"run.json": "REDACTED"},
            "count": 3,
        })
    );
}
