use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::testing::{fixture, keyed, object, request};
use crate::{ObjectSource, ReadRequest, read};

/// The numbers of the rows of each sensor.
fn numbers(object: &ObjectSource, request: &ReadRequest) -> BTreeMap<u32, Vec<u64>> {
    let mut all: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    read(object, request, &mut |chunk| {
        for rows in &chunk.rows {
            let numbers = (0..rows.len()).map(|row| rows.numbers.get(row));
            all.entry(rows.sensor).or_default().extend(numbers);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

/// Rows are numbered by their line, whoever parses it and however much memory there is.
#[test]
fn a_csv_row_s_number_is_its_line() {
    let plain = (0..20_000).map(|row| format!("{row},{},1\n", row % 3));
    let text: String = ["TS,Tag,Value\n".to_owned(), "\n".to_owned()]
        .into_iter()
        .chain(plain)
        .chain(["7,\"0\",1\n8,1,1\n".to_owned()])
        .collect();
    let wanted = keyed(
        request("TS", &["Value"]),
        &[("tag", "Tag")],
        &[&["0"], &["1"]],
    );
    let mut expected = BTreeMap::new();
    for sensor in 0..2_u32 {
        let lines = (0..20_000)
            .filter(|row| row % 3 == u64::from(sensor))
            .map(|row| row + 3);
        let last = 20_003 + u64::from(sensor);
        expected.insert(sensor, lines.chain([last]).collect::<Vec<u64>>());
    }
    for memory in [1 << 10, 1 << 20, 64 << 20] {
        let wanted = ReadRequest {
            memory,
            ..wanted.clone()
        };
        let found = numbers(&object("a.csv", text.clone()), &wanted);
        assert!(found == expected, "{memory}");
    }
}

#[test]
fn a_parquet_row_s_number_counts_from_one() {
    let all = numbers(&fixture("types.parquet"), &request("ms_utc", &["f64"]));
    let rows = all[&0].len() as u64;
    assert!(rows > 10);
    assert_eq!(all[&0], (1..=rows).collect::<Vec<u64>>());
}
