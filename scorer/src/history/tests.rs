use fleetscore_crds::{SensorKey, StorageSpec};
use fleetscore_storage::{ObjectUrl, Storage, StorageOptions};
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::ledger::{Confusion, ScoreSummary, SensorState};

fn storage() -> Storage {
    Storage::new(&StorageSpec::default(), StorageOptions::default()).unwrap()
}

fn url(text: &str) -> ObjectUrl {
    ObjectUrl::parse(text).unwrap()
}

fn row(key: SensorKey, number: u64) -> SensorRow {
    if number % 7 == 3 {
        return SensorRow::failed(key, "ModelNotFound".to_owned());
    }
    SensorRow {
        state: SensorState::Succeeded,
        reason: None,
        rows: 100 + number % 5,
        skipped: number % 2,
        anomalies: number % 100,
        score: (!number.is_multiple_of(11)).then_some(ScoreSummary {
            min: -1.5 * number as f64,
            mean: 0.25,
            max: number as f64,
        }),
        warnings: ["MostlyAnomalous", "FeaturesRenamed"]
            .iter()
            .take(usize::try_from(number % 3).unwrap())
            .map(|&warning| warning.to_owned())
            .collect(),
        labels: number.is_multiple_of(2).then_some(Confusion {
            true_positives: number,
            false_positives: 1,
            false_negatives: 2,
            true_negatives: 3,
        }),
        output: Some(format!("preds_{number}.csv")),
        ..SensorRow::failed(key, String::new())
    }
}

fn fleet(areas: u64, sensors: u64) -> Vec<SensorRow> {
    let mut keys: Vec<SensorKey> = (0..sensors)
        .map(|number| {
            let area = format!("area {}", number % areas);
            SensorKey::from_iter([("area", area), ("tag", number.to_string())])
        })
        .collect();
    keys.sort();
    (0..)
        .zip(keys)
        .map(|(number, key)| row(key, number))
        .collect()
}

fn info(keys: &[&str]) -> TableInfo {
    TableInfo {
        run: "pumps-1".to_owned(),
        namespace: Some("plant-a".to_owned()),
        retries: Some("pumps-0".to_owned()),
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
    }
}

fn write(info: &TableInfo, rows: &[SensorRow]) -> Vec<u8> {
    let mut writer = TableWriter::new(info).unwrap();
    for row in rows {
        writer.add(row.clone()).unwrap();
    }
    writer.finish().unwrap()
}

async fn open(storage: &Storage, bytes: Vec<u8>) -> SensorTable {
    let url = url("memory:///out/_run/sensors.parquet");
    storage.put(&url, bytes).await.unwrap();
    SensorTable::open(storage, &url).await.unwrap()
}

#[tokio::test]
async fn a_table_is_read_back_whole_by_sensor_and_by_column() {
    let storage = storage();
    let rows = fleet(3, 12_345);
    let info = info(&["area", "tag"]);
    let bytes = write(&info, &rows);
    assert_eq!(bytes, write(&info, &rows), "the same bytes again");
    let table = open(&storage, bytes).await;
    assert_eq!(table.info(), &info);
    assert_eq!(table.sensors(), 12_345);
    assert_eq!(table.read_all().await.unwrap(), rows);
    for row in rows.iter().step_by(997).chain(rows.last()) {
        let found = table.find(&row.key).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    for stranger in [
        SensorKey::from_iter([("area", "area 1"), ("tag", "nobody")]),
        SensorKey::from_iter([("area", "area 1")]),
        SensorKey::from_iter([("device", "1")]),
    ] {
        assert_eq!(table.find(&stranger).await.unwrap(), None, "{stranger}");
    }
    let mut anomalies = Vec::new();
    let read = |row: SensorRow| {
        assert_eq!((row.rows, row.score, row.output), (0, None, None));
        anomalies.push((row.key, row.state, row.anomalies));
    };
    table.read(&[Column::Anomalies], read).await.unwrap();
    let expected = rows
        .into_iter()
        .map(|row| (row.key, row.state, row.anomalies));
    assert_eq!(anomalies, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn sensors_may_have_different_keys_and_those_of_other_columns() {
    let storage = storage();
    let keys: [&[(&str, &str)]; 4] = [
        &[("State", "x")],
        &[("State", "x"), ("rows", "y")],
        &[("key_State", "z")],
        &[],
    ];
    let keys = keys.map(|key| key.iter().copied().collect::<SensorKey>());
    let rows: Vec<_> = keys.iter().map(|key| row(key.clone(), 4)).collect();
    let bytes = write(&info(&["State", "key_State", "rows"]), &rows);
    let table = open(&storage, bytes).await;
    assert_eq!(table.read_all().await.unwrap(), rows);
    for row in &rows {
        assert_eq!(table.find(&row.key).await.unwrap().as_ref(), Some(row));
    }
}

#[tokio::test]
async fn an_empty_table_is_a_table() {
    let table = open(&storage(), write(&info(&["tag"]), &[])).await;
    assert_eq!(table.read_all().await.unwrap(), []);
}

/// A table of one sensor, whose key is so long that the size of its page takes four bytes in the page's header.
fn table_with_a_large_page() -> (Vec<u8>, Vec<u8>) {
    let key = SensorKey::from_iter([("tag", "x".repeat(1_100_000))]);
    let bytes = write(&info(&["tag"]), &[row(key, 1)]);
    // In a header sizes are zigzag numbers of seven bits a byte; a text has its length before it.
    let mut size = 2 * (1_100_000_u32 + 4);
    let mut packed = vec![0x15];
    while size > 0 {
        let more = if size > 0x7f { 0x80 } else { 0 };
        packed.push(u8::try_from(size & 0x7f).unwrap() | more);
        size >>= 7;
    }
    (bytes, packed)
}

#[tokio::test]
async fn a_page_that_says_more_than_the_footer_is_refused_before_it_is_unpacked() {
    let (mut bytes, size) = table_with_a_large_page();
    assert!(
        open(&storage(), bytes.clone())
            .await
            .read_all()
            .await
            .is_ok()
    );
    let at = bytes.windows(size.len()).position(|found| found == size);
    let at = at.unwrap() + 1;
    bytes[at..at + 4].copy_from_slice(&[0xfe, 0xff, 0xff, 0x7f]);
    let table = open(&storage(), bytes).await;
    let error = table.read_all().await.unwrap_err().to_string();
    assert!(
        error.contains("room for 67108864") && error.contains("\"tag\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_text_that_is_held_once_does_not_fill_the_memory_as_that_of_thousands() {
    let device = "x".repeat(20_000);
    let keys = (0..5_000).map(|number| {
        SensorKey::from_iter([("device", device.clone()), ("tag", format!("{number:04}"))])
    });
    let rows: Vec<_> = keys.map(|key| row(key, 0)).collect();
    let table = open(&storage(), write(&info(&["device", "tag"]), &rows)).await;
    let error = table.read_all().await.unwrap_err().to_string();
    assert!(error.contains("come to 100"), "{error}");
}

#[test]
fn a_key_without_a_column_and_too_many_columns_are_refused() {
    let mut writer = TableWriter::new(&info(&["tag"])).unwrap();
    let stranger = row(SensorKey::from_iter([("device", "1")]), 0);
    let error = writer.add(stranger).unwrap_err().to_string();
    assert!(error.contains("`device`"), "{error}");
    let many: Vec<_> = (0..65).map(|number| format!("k{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(TableWriter::new(&info(&many)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_bytes_are_an_error_or_rows(at in 0_usize..6000, with in any::<[u8; 4]>(), cut in 0_usize..6000) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bytes = write(&info(&["area", "tag"]), &fleet(2, 40));
            let length = bytes.len();
            if cut < length {
                bytes.truncate(length - cut);
            }
            let length = bytes.len();
            for (offset, byte) in with.into_iter().enumerate() {
                if let Some(old) = bytes.get_mut((at + offset) % length.max(1)) {
                    *old = byte;
                }
            }
            let storage = storage();
            let url = url("memory:///table");
            storage.put(&url, bytes).await.unwrap();
            if let Ok(table) = SensorTable::open(&storage, &url).await {
                let _ = table.read_all().await;
                let _ = table.find(&SensorKey::from_iter([("area", "area 1"), ("tag", "1")])).await;
            }
        });
    }
}

#[test]
fn shares_are_quantiles_by_nearest_rank() {
    let mut counts = ShareCounts::default();
    assert_eq!(counts.spread(), None);
    counts.add(3, 0);
    assert_eq!(counts.spread(), None);
    for anomalies in 1..=100 {
        counts.add(anomalies, 1000);
    }
    let spread = counts.spread().unwrap();
    let expected = Shares {
        p50: 0.05,
        p90: 0.09,
        p99: 0.099,
        max: 0.1,
    };
    assert_eq!(spread, expected);
}

#[tokio::test]
async fn the_records_of_a_month_are_listed() {
    let storage = storage();
    let root = url("memory:///out/");
    for path in [
        "2026/11/28/plant-a.pumps-2.json",
        "2026/11/03/pumps.json",
        "2026/11/03/pumps.txt",
        "2026/11/31/pumps.json",
        "2026/11/03/x/pumps.json",
        "2026/12/01/pumps.json",
    ] {
        let url = root.join(&format!("_runs/{path}")).unwrap();
        storage.put(&url, bytes::Bytes::new()).await.unwrap();
    }
    let found = list_records(&storage, &root, date(2026, 11, 1))
        .await
        .unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|record| (record.day.to_string(), record.name.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("2026-11-03".to_owned(), "pumps"),
            ("2026-11-28".to_owned(), "plant-a.pumps-2"),
        ]
    );
    let empty = root.join("_runs/2026/11/03/pumps.json").unwrap();
    let error = read_record(&storage, &empty).await.unwrap_err().to_string();
    assert!(error.contains("not the record of a run"), "{error}");
}
