use std::collections::BTreeSet;

use fleetscore_crds::{AggregateFunction, StartAt};

use super::{ENGINE, field};
use crate::event::Formula;
use crate::export::condition::{Engine, Sql};
use crate::export::quote::{analytics_name, analytics_text};
use crate::export::stream::{Stream, list, places};

/// The job's query.
pub(super) fn query(stream: &mut Stream<'_>) -> String {
    let shape = stream.shape(ENGINE);
    stream.refuse_time_in_list(&shape, ENGINE);
    refuse_same_names(stream);
    let places = places(&shape);
    let time = stream.time_source();
    let time = field::column(stream, &places, time);
    let mut from = format!("[events] AS [e] TIMESTAMP BY {time}");
    if let Some(names) = list(&shape.root) {
        let names: Result<Vec<_>, _> = names.iter().map(|name| analytics_name(name)).collect();
        let list = stream.or_refuse("spec.event.fields", names.map(|names| names.join(".")));
        from += &format!("\n  CROSS APPLY GetArrayElements([e].{list}) AS [i]");
    }
    let unpivot = stream.plan.judge.unpivot.clone();
    let late = unpivot.iter().flat_map(|unpivot| unpivot.formulas.clone());
    let (formulas, late) = (stream.plan.judge.formulas.clone(), late.collect::<Vec<_>>());
    let reckoned: Vec<_> = formulas
        .iter()
        .chain(&late)
        .map(|formula| formula.field)
        .collect();
    let mut columns = Vec::new();
    for place in 0..stream.spec.event.fields.len() {
        if !reckoned.contains(&place) {
            let value = field::value(stream, &places, place);
            columns.push(format!("{value} AS {}", name(stream, place)));
        }
    }
    let mut steps = vec![step("fields", &columns.join(",\n    "), &from, &[])];
    let mut last = "fields";
    if !formulas.is_empty() {
        steps.push(reckon(stream, &formulas, last, "reckoned"));
        last = "reckoned";
    }
    if let Some(unpivot) = &unpivot {
        let parts = unpivot.fields.iter().map(|place| {
            let (from, key) = (name(stream, *place), name(stream, unpivot.key));
            let text = analytics_text(stream.field(*place)).unwrap_or_default();
            let value = name(stream, unpivot.value);
            format!("SELECT *, {text} AS {key}, {from} AS {value}\n  FROM [{last}] WHERE {from} IS NOT NULL")
        });
        let parts = parts.collect::<Vec<_>>().join("\n  UNION\n  ");
        steps.push(format!("[unpivoted] AS (\n  {parts}\n)"));
        last = "unpivoted";
        if !late.is_empty() {
            steps.push(reckon(stream, &late, last, "reckoned_of_each"));
            last = "reckoned_of_each";
        }
    }
    steps.push(kept(stream, last));
    format!("WITH\n{}\n{}", steps.join(",\n"), published(stream))
}

/// A field's column. Names of fields are plain.
fn name(stream: &Stream<'_>, place: usize) -> String {
    format!("[{}]", stream.field(place))
}

/// Columns there are told apart by more than their case.
fn refuse_same_names(stream: &mut Stream<'_>) {
    let mut seen = BTreeSet::new();
    for name in stream.plan.judge.names.clone() {
        if !seen.insert(name.to_lowercase()) {
            let message = format!(
                "Stream Analytics does not tell {name:?} from another field that differs by case: give it another name"
            );
            stream.refuse(format!("spec.event.fields.{name}"), message);
        }
    }
}

fn reckon(stream: &mut Stream<'_>, formulas: &[Formula], from: &str, step_name: &str) -> String {
    let names = stream.plan.judge.names.clone();
    let column = |place: usize| format!("[{}]", names.get(place).map_or("", String::as_str));
    let sql = Sql {
        engine: Engine::Analytics,
        column: &column,
    };
    let mut columns = vec!["*".to_owned()];
    for formula in formulas {
        let written = stream.formula(&sql, formula.field, &formula.expression);
        columns.push(format!("{written} AS {}", column(formula.field)));
    }
    step(
        step_name,
        &columns.join(",\n    "),
        &format!("[{from}]"),
        &[],
    )
}

fn kept(stream: &mut Stream<'_>, from: &str) -> String {
    let names = stream.plan.judge.names.clone();
    let column = |place: usize| format!("[{}]", names.get(place).map_or("", String::as_str));
    let judge = &stream.plan.judge;
    let needed = judge.keys.iter().chain(&judge.features);
    let needed: BTreeSet<_> = needed
        .map(|place| format!("{} IS NOT NULL", column(*place)))
        .collect();
    let mut conditions: Vec<_> = needed.into_iter().collect();
    if let Some(filter) = stream.plan.judge.filter.clone() {
        let sql = Sql {
            engine: Engine::Analytics,
            column: &column,
        };
        conditions.push(stream.condition(&sql, "spec.filter", &filter));
    }
    step("readings", "*", &format!("[{from}]"), &conditions)
}

fn step(name: &str, columns: &str, from: &str, conditions: &[String]) -> String {
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!("\n  WHERE {}", conditions.join("\n    AND "))
    };
    format!("[{name}] AS (\n  SELECT {columns}\n  FROM {from}{filter}\n)")
}

fn published(stream: &mut Stream<'_>) -> String {
    let output = |stream: &mut Stream<'_>, path: String, name: &str| {
        let written = analytics_name(name);
        stream.or_refuse(&path, written)
    };
    let time_column = stream.spec.output.time_column.clone();
    let time = output(stream, "spec.output.timeColumn".to_owned(), &time_column);
    let (mut columns, mut grouped) = (Vec::new(), Vec::new());
    for (key, place) in stream.keys() {
        let column = output(stream, format!("spec.event.columns.keys.{key}"), &key);
        columns.push(format!("{} AS {column}", name(stream, place)));
        grouped.push(name(stream, place));
    }
    let Some(window) = stream.spec.window.clone() else {
        columns.extend(
            stream
                .spec
                .event
                .columns
                .features
                .iter()
                .map(|feature| format!("[{feature}]")),
        );
        let reading = name(stream, stream.plan.judge.time);
        return format!(
            "SELECT {reading} AS {time},\n  {}\nINTO [published]\nFROM [readings]",
            columns.join(",\n  ")
        );
    };
    for (at, aggregate) in stream.spec.aggregates.iter().enumerate() {
        let column = output(
            stream,
            format!("spec.aggregates[{at}].column"),
            &aggregate.column,
        );
        columns.push(format!(
            "{} AS {column}",
            aggregated(aggregate.function, &format!("[{}]", aggregate.of))
        ));
    }
    // Windows there hold their end, not their start: a millisecond earlier they hold what they hold here.
    let size = window.size_seconds;
    let start = format!(
        "DATEADD(millisecond, {}, System.Timestamp())",
        1 - i64::from(size) * 1000
    );
    let windows = match window.hop_seconds {
        Some(hop) if hop != size => format!(
            "HoppingWindow(Duration(second, {size}), Hop(second, {hop}), Offset(millisecond, -1))"
        ),
        _ => format!("TumblingWindow(Duration(second, {size}), Offset(millisecond, -1))"),
    };
    let from = match stream.spec.source.start_at {
        StartAt::Instant(instant) => format!("\nHAVING {start} >= CAST('{instant}' AS datetime)"),
        StartAt::Latest | StartAt::Earliest => String::new(),
    };
    format!(
        "SELECT {start} AS {time},\n  {}\nINTO [published]\nFROM [readings]\nGROUP BY {},\n  {windows}{from}",
        columns.join(",\n  "),
        grouped.join(", ")
    )
}

fn aggregated(function: AggregateFunction, of: &str) -> String {
    match function {
        AggregateFunction::Avg => format!("AVG({of})"),
        AggregateFunction::Count => format!("CAST(COUNT({of}) AS float)"),
        AggregateFunction::Sum => format!("SUM({of})"),
        AggregateFunction::Min => format!("MIN({of})"),
        AggregateFunction::Max => format!("MAX({of})"),
        AggregateFunction::Range => format!("MAX({of}) - MIN({of})"),
        AggregateFunction::StdDev => format!("STDEV({of})"),
        AggregateFunction::Var => format!("VAR({of})"),
        // Refused before.
        AggregateFunction::First | AggregateFunction::Last => String::new(),
    }
}
