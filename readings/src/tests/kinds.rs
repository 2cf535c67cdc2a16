//! Files that are not what their names say.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use fleetscore_crds::ReadingFormat;

use crate::testing::{fixture_bytes, object, outcome, request};
use fleetscore_crds::FailureReason;

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn message(name: &str, bytes: &[u8]) -> String {
    let error = outcome(&object(name, bytes.to_vec()), &request("TS", &["Value"])).unwrap_err();
    assert_eq!(error.reason(), FailureReason::ReadingsUnreadable, "{error}");
    error.to_string()
}

#[test]
fn other_files_are_named_with_the_way_out() {
    let zip = b"PK\x03\x04\x14\0\0\0\0\0y\xaa{]E\x06H\x8cB\x01\0\0B\x01\0\0\x08\0\0\0data.csvTS,Value\n1,2\n";
    let json = b"{\"TS\":1,\"Value\":2}\n";
    let parquet = fixture_bytes("pandas.parquet");
    for (name, bytes, parts) in [
        ("a.csv.zip", &zip[..], ["zip archive", "unpack"]),
        ("a.csv", b"\x28\xb5\x2f\xfd\0\0", ["zstd", "unpack"]),
        ("a.csv.bz2", b"BZh91AY&SY", ["bzip2", "unpack"]),
        ("a.avro", b"Obj\x01\x04\x14avro.codec", ["Avro", "convert"]),
        ("a.parquet", b"ORC\x08\x03", ["ORC", "convert"]),
        ("a.json", json, ["JSON", "convert"]),
        ("a.parquet", json, ["JSON", "convert"]),
        ("a.csv.gz", &packed(json), ["JSON inside gzip", "convert"]),
        (
            "a.csv.gz",
            &packed(zip),
            ["zip archive inside gzip", "unpack"],
        ),
        (
            "a.csv",
            &parquet,
            ["it is a Parquet file", "spec.input.format: Parquet"],
        ),
        (
            "a.csv.gz",
            &packed(&parquet),
            ["Parquet file inside gzip", "unpack"],
        ),
        (
            "a.parquet.gz",
            &packed(&parquet),
            ["packed with gzip", "unpack"],
        ),
        (
            "a.csv",
            &packed(&packed(b"TS,Value\n")),
            ["gzip twice", "unpack"],
        ),
        (
            "a.parquet",
            b"TS,Value\n1,2\n",
            ["text, not Parquet", "spec.input.format: Csv"],
        ),
        ("a.csv", b"\xff\xfeT\0S\0,\0", ["UTF-16", "UTF-8"]),
        ("a.csv", b"T\0S\0,\0V\0", ["UTF-16", "UTF-8"]),
        (
            "a.csv",
            b"<!DOCTYPE html><html>",
            ["web page", "look into it"],
        ),
    ] {
        let message = message(name, bytes);
        for part in parts {
            assert!(message.contains(part), "{name}: {message}");
        }
        assert!(
            message.starts_with(&format!("memory:///{name} cannot be read")),
            "{message}"
        );
    }
    let mut wanted = request("TS", &["Value"]);
    wanted.format = ReadingFormat::Parquet;
    let error = outcome(&object("a.csv", b"TS,Value\n".to_vec()), &wanted).unwrap_err();
    assert!(error.to_string().contains("text, not Parquet"), "{error}");
}

#[test]
fn padding_behind_gzip_does_not_count() {
    let whole = packed(b"TS,Value\n1,2\n");
    let padded = [whole, vec![0; 512]].concat();
    let all = outcome(&object("a.csv.gz", padded), &request("TS", &["Value"])).unwrap();
    assert_eq!(all.features(0), [2.0]);
    let cut = packed(&b"TS,Value\n1,2\n".repeat(1000));
    let message = message("a.csv.gz", &cut[..cut.len() - 9]);
    assert!(
        message.contains("gzip stream is cut off or damaged"),
        "{message}"
    );
}

#[test]
fn columns_are_quoted_with_what_is_meant() {
    for (header, parts) in [
        (
            "TS, Value",
            ["\"TS\", \" Value\"", "\" Value\" differs by blanks only"],
        ),
        (
            "TS,VALUE",
            ["\"TS\", \"VALUE\"", "\"VALUE\" differs by case"],
        ),
        ("TS;Value", ["\"TS;Value\"", "separated by semicolons"]),
        ("TS\tValue", ["\"TS\\tValue\"", "separated by tabs"]),
        ("sep=,\nTS,Value", ["\"sep=\"", "remove it"]),
    ] {
        let text = format!("{header}\n1,2\n");
        let error = outcome(
            &object("a.csv", text.into_bytes()),
            &request("TS", &["Value"]),
        );
        let error = error.unwrap_err();
        assert_eq!(error.reason(), FailureReason::ColumnMissing, "{header}");
        let message = error.to_string();
        for part in parts {
            assert!(message.contains(part), "{header}: {message}");
        }
    }
}
