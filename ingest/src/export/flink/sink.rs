use fleetscore_crds::{AggregateFunction, AzureAuth, StartAt};

use super::seconds;
use super::source::option;
use crate::export::quote::{flink_name, is_plain};
use crate::export::stream::Stream;

/// The table of published readings: folders by date and time, each with `_SUCCESS` once it is complete.
pub(super) fn table(stream: &mut Stream<'_>) -> String {
    let output = &stream.spec.output;
    let mut columns = vec![(
        output.time_column.clone(),
        "spec.output.timeColumn".to_owned(),
        "TIMESTAMP(3)",
    )];
    for (key, _) in stream.keys() {
        let path = format!("spec.event.columns.keys.{key}");
        columns.push((key, path, "STRING"));
    }
    for (at, aggregate) in stream.spec.aggregates.iter().enumerate() {
        columns.push((
            aggregate.column.clone(),
            format!("spec.aggregates[{at}].column"),
            "DOUBLE",
        ));
    }
    if stream.spec.window.is_none() {
        for (at, feature) in stream.spec.event.columns.features.iter().enumerate() {
            columns.push((
                feature.clone(),
                format!("spec.event.columns.features[{at}]"),
                "DOUBLE",
            ));
        }
    }
    for (name, path, _) in &columns {
        if matches!(name.as_str(), "date" | "time") || !is_plain(name) {
            stream.refuse(
                path.clone(),
                format!("the column {name:?} cannot be written by Flink, whose folders are the columns date and time: give it another name"),
            );
        }
    }
    let columns = columns
        .iter()
        .map(|(name, _, kind)| format!("{} {kind}", flink_name(name)));
    let columns = columns.collect::<Vec<_>>().join(",\n  ");
    format!(
        "CREATE TABLE `published` (\n  {columns},\n  `date` STRING,\n  `time` STRING\n) PARTITIONED BY (`date`, `time`) WITH (\n  {}\n);\n",
        options(stream).join(",\n  ")
    )
}

fn options(stream: &mut Stream<'_>) -> Vec<String> {
    check_location(stream);
    let path = location(stream);
    let window = stream.spec.window.as_ref();
    // The last window of a segment begins a hop before its end.
    let over = window.map_or(0, |window| {
        window.size_seconds - window.hop_seconds.unwrap_or(window.size_seconds)
    });
    let delay = format!(
        "{} s",
        stream.spec.output.segment_seconds.saturating_add(over)
    );
    vec![
        option("connector", "filesystem"),
        option("path", &path),
        option("format", "parquet"),
        option("parquet.compression", "ZSTD"),
        option("parquet.utc-timezone", "true"),
        option("parquet.write.int64.timestamp", "true"),
        option("parquet.timestamp.time.unit", "micros"),
        option("partition.time-extractor.timestamp-pattern", "$date $time"),
        option(
            "partition.time-extractor.timestamp-formatter",
            "yyyy-MM-dd HHmm",
        ),
        option("sink.partition-commit.trigger", "partition-time"),
        option("sink.partition-commit.delay", &delay),
        option("sink.partition-commit.watermark-time-zone", "UTC"),
        option("sink.partition-commit.policy.kind", "success-file"),
    ]
}

/// Refuses locations that Flink cannot write to.
fn check_location(stream: &mut Stream<'_>) {
    if !stream.spec.output.location.starts_with("az://") {
        return;
    }
    let Some(azure) = stream.spec.storage.azure.clone() else {
        stream.refuse("spec.storage.azure", "the account of az:// must be named");
        return;
    };
    if azure.auth == AzureAuth::Emulator {
        stream.refuse(
            "spec.storage.azure.auth",
            "Flink does not write to Azurite: name an account, or a file:// location",
        );
    }
    if (azure.endpoint.as_deref()).is_some_and(|endpoint| data_lake(endpoint).is_none()) {
        stream.refuse(
            "spec.storage.azure.endpoint",
            "Flink writes to the account's Data Lake endpoint, which cannot be told from this one: leave it out",
        );
    }
    stream.warn(
        "spec.storage: Flink signs in to storage by its own configuration (fs.azure.account.*)",
    );
}

/// The folder as Flink names it.
pub(super) fn location(stream: &Stream<'_>) -> String {
    let location = &stream.spec.output.location;
    let Some((container, path)) =
        (location.strip_prefix("az://")).and_then(|rest| rest.split_once('/'))
    else {
        return location.clone();
    };
    let azure = stream.spec.storage.azure.as_ref();
    let endpoint = azure.and_then(|azure| data_lake(azure.endpoint.as_deref()?));
    let account = azure.map_or("", |azure| azure.account.as_str());
    let host = endpoint.unwrap_or_else(|| format!("{account}.dfs.core.windows.net"));
    format!("abfss://{container}@{host}/{path}")
}

/// The host of the Data Lake endpoint that belongs to one of Blob storage.
fn data_lake(endpoint: &str) -> Option<String> {
    let host = endpoint.strip_prefix("https://")?.trim_end_matches('/');
    let is_host = host.contains(".blob.") && !host.contains(['/', '@', ':', '?', '#']);
    is_host.then(|| host.replacen(".blob.", ".dfs.", 1))
}

/// What fills it.
pub(super) fn insert(stream: &mut Stream<'_>) -> String {
    let keys: Vec<_> = stream
        .keys()
        .iter()
        .map(|(name, place)| (flink_name(stream.field(*place)), flink_name(name)))
        .collect();
    let grouped: Vec<_> = keys.iter().map(|(column, _)| column.clone()).collect();
    let mut columns: Vec<_> = keys
        .iter()
        .map(|(column, name)| format!("{column} AS {name}"))
        .collect();
    let Some(window) = &stream.spec.window else {
        let features = stream.spec.event.columns.features.iter();
        columns.extend(features.map(|name| flink_name(name)));
        let folder = folder(stream, "CAST(`@time` AS TIMESTAMP(3))");
        return format!(
            "INSERT INTO `published` SELECT\n  CAST(`@time` AS TIMESTAMP(3)),\n  {},\n  {folder}\nFROM `readings`;\n",
            columns.join(",\n  ")
        );
    };
    let size = seconds(window.size_seconds);
    let windows = match window.hop_seconds {
        Some(hop) if hop != window.size_seconds => {
            format!(
                "HOP(TABLE `readings`, DESCRIPTOR(`@time`), {}, {size})",
                seconds(hop)
            )
        }
        _ => format!("TUMBLE(TABLE `readings`, DESCRIPTOR(`@time`), {size})"),
    };
    for aggregate in &stream.spec.aggregates {
        let of = flink_name(&aggregate.of);
        columns.push(format!(
            "{} AS {}",
            aggregated(aggregate.function, &of),
            flink_name(&aggregate.column)
        ));
    }
    let functions = stream
        .spec
        .aggregates
        .iter()
        .map(|aggregate| aggregate.function);
    if functions
        .clone()
        .any(|function| matches!(function, AggregateFunction::StdDev | AggregateFunction::Var))
    {
        stream.warn("spec.aggregates: StdDev and Var come from sums of squares there, which lose digits where values are large and close together");
    }
    let from = match stream.spec.source.start_at {
        StartAt::Instant(time) => {
            // A window that begins within a millisecond begins with the next one.
            let start = time.as_nanosecond().div_euclid(1_000_000)
                + i128::from(time.as_nanosecond() % 1_000_000 != 0);
            format!("\nHAVING `window_start` >= CAST(TO_TIMESTAMP_LTZ({start}, 3) AS TIMESTAMP(3))")
        }
        StartAt::Latest | StartAt::Earliest => String::new(),
    };
    format!(
        "INSERT INTO `published` SELECT\n  `window_start`,\n  {},\n  {}\nFROM TABLE({windows})\nGROUP BY `window_start`, `window_end`, {}{from};\n",
        columns.join(",\n  "),
        folder(stream, "`window_start`"),
        grouped.join(", ")
    )
}

fn aggregated(function: AggregateFunction, of: &str) -> String {
    match function {
        AggregateFunction::Avg => format!("AVG({of})"),
        AggregateFunction::Count => format!("CAST(COUNT({of}) AS DOUBLE)"),
        AggregateFunction::Sum => format!("SUM({of})"),
        AggregateFunction::Min => format!("MIN({of})"),
        AggregateFunction::Max => format!("MAX({of})"),
        AggregateFunction::Range => format!("MAX({of}) - MIN({of})"),
        // Rounding may leave a little less than nothing.
        AggregateFunction::StdDev => {
            format!("SQRT(CASE WHEN VAR_SAMP({of}) < 0 THEN 0 ELSE VAR_SAMP({of}) END)")
        }
        AggregateFunction::Var => {
            format!("CASE WHEN VAR_SAMP({of}) < 0 THEN 0 ELSE VAR_SAMP({of}) END")
        }
        // Refused before.
        AggregateFunction::First | AggregateFunction::Last => String::new(),
    }
}

/// The folder's date and time: the segment's start.
fn folder(stream: &Stream<'_>, time: &str) -> String {
    let segment = stream.spec.output.segment_seconds / 60;
    let date = format!("DATE_FORMAT({time}, 'yyyy-MM-dd')");
    if segment == 60 {
        return format!("{date},\n  DATE_FORMAT({time}, 'HH00')");
    }
    let minute = format!("(EXTRACT(HOUR FROM {time}) * 60 + EXTRACT(MINUTE FROM {time}))");
    let start = format!("({minute} - MOD({minute}, {segment}))");
    format!(
        "{date},\n  LPAD(CAST(CAST(FLOOR({start} / 60) * 100 + MOD({start}, 60) AS INT) AS STRING), 4, '0')"
    )
}
