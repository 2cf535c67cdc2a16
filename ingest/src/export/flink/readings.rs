use fleetscore_crds::{FieldType, StartAt};

use super::{Plan, field, source};
use crate::event::Formula;
use crate::export::condition::{Engine, Sql};
use crate::export::quote::{flink_name, flink_path, flink_text};
use crate::export::stream::{Stream, list};

/// Views from events to readings: fields, what is reckoned from them, unpivoted, and those that are kept.
pub(super) fn views(stream: &mut Stream<'_>, plan: &Plan) -> String {
    let mut text = fields(stream, plan);
    let mut last = "fields";
    let formulas = stream.plan.judge.formulas.clone();
    if !formulas.is_empty() {
        text += &reckoned(stream, &formulas, last, "reckoned");
        last = "reckoned";
    }
    if let Some(unpivot) = stream.plan.judge.unpivot.clone() {
        let [key, value] =
            [unpivot.key, unpivot.value].map(|place| flink_name(stream.field(place)));
        let rows = unpivot.fields.iter().map(|place| {
            let name = stream.field(*place);
            format!(
                "ROW(CAST({} AS STRING), `l`.{})",
                flink_text(name),
                flink_name(name)
            )
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        text += &view(
            "unpivoted",
            &format!("`l`.*, `u`.{key} AS {key}, `u`.{value} AS {value}"),
            &format!("`{last}` AS `l` CROSS JOIN UNNEST(ARRAY[{rows}]) AS `u`({key}, {value})"),
            &[format!("`u`.{value} IS NOT NULL")],
        );
        last = "unpivoted";
        if !unpivot.formulas.is_empty() {
            text += &reckoned(stream, &unpivot.formulas, last, "reckoned_of_each");
            last = "reckoned_of_each";
        }
    }
    text + &kept(stream, last)
}

/// What the event holds.
fn fields(stream: &mut Stream<'_>, plan: &Plan) -> String {
    let mut columns = vec!["`e`.`@time` AS `@time`".to_owned()];
    let time = stream.time_source();
    let reckoned: Vec<_> = all_formulas(stream).map(|formula| formula.field).collect();
    for place in 0..stream.spec.event.fields.len() {
        if !reckoned.contains(&place) {
            let value = if place == time {
                "`e`.`@time`".to_owned()
            } else {
                field::value(stream, plan, place, "`e`.")
            };
            columns.push(format!("{value} AS {}", flink_name(stream.field(place))));
        }
    }
    let mut from = "`events` AS `e`".to_owned();
    if let Some(names) = list(&plan.shape.root) {
        let path = flink_path(names.iter().map(String::as_str));
        let items: Vec<_> = match &plan.shape.item {
            crate::event::Node::Object(members) => members
                .iter()
                .map(|member| flink_name(&member.name))
                .collect(),
            _ => vec!["`@item`".to_owned()],
        };
        from += &format!(
            " CROSS JOIN UNNEST(`e`.{path}) AS `i`({})",
            items.join(", ")
        );
    }
    let in_time = source::in_time(stream, "`e`.");
    view("fields", &columns.join(",\n  "), &from, &[in_time])
}

fn all_formulas<'s>(stream: &'s Stream<'_>) -> impl Iterator<Item = &'s Formula> {
    let judge = &stream.plan.judge;
    let late = judge.unpivot.iter().flat_map(|unpivot| &unpivot.formulas);
    judge.formulas.iter().chain(late)
}

fn reckoned(stream: &mut Stream<'_>, formulas: &[Formula], from: &str, name: &str) -> String {
    let names = stream.plan.judge.names.clone();
    let column = |place: usize| flink_name(names.get(place).map_or("", String::as_str));
    let sql = Sql {
        engine: Engine::Flink,
        column: &column,
    };
    let mut columns = vec!["*".to_owned()];
    for formula in formulas {
        let written = stream.formula(&sql, formula.field, &formula.expression);
        let written = match formula.expression.kind() {
            FieldType::Text => format!("CAST({written} AS STRING)"),
            _ => written,
        };
        columns.push(format!("{written} AS {}", column(formula.field)));
    }
    view(name, &columns.join(",\n  "), &format!("`{from}`"), &[])
}

/// Readings with all that they need, which the filter selects.
fn kept(stream: &mut Stream<'_>, from: &str) -> String {
    let names = stream.plan.judge.names.clone();
    let column = |place: usize| flink_name(names.get(place).map_or("", String::as_str));
    let judge = &stream.plan.judge;
    let needed = judge.keys.iter().chain(&judge.features);
    let mut conditions: Vec<_> = needed
        .map(|place| format!("{} IS NOT NULL", column(*place)))
        .collect();
    conditions.sort();
    conditions.dedup();
    if let Some(filter) = stream.plan.judge.filter.clone() {
        let sql = Sql {
            engine: Engine::Flink,
            column: &column,
        };
        conditions.push(stream.condition(&sql, "spec.filter", &filter));
    }
    if stream.spec.window.is_none() {
        conditions.extend(of_open_segment(stream));
    }
    view("readings", "*", &format!("`{from}`"), &conditions)
}

/// Without windows: that a reading's segment is still open, and not before the start.
fn of_open_segment(stream: &Stream<'_>) -> Vec<String> {
    let segment = stream.spec.output.segment_seconds;
    let second = "EXTRACT(HOUR FROM `@time`) * 3600 + EXTRACT(MINUTE FROM `@time`) * 60 + EXTRACT(SECOND FROM `@time`)";
    let end = format!(
        "TIMESTAMPADD(SECOND, CAST({segment} - MOD({second}, {segment}) AS INT), FLOOR(`@time` TO SECOND))"
    );
    let mut conditions = vec![format!(
        "(CURRENT_WATERMARK(`@time`) IS NULL OR {end} > CURRENT_WATERMARK(`@time`) + INTERVAL '0.001' SECOND)"
    )];
    if let StartAt::Instant(time) = stream.spec.source.start_at {
        conditions.push(format!(
            "`@time` >= TO_TIMESTAMP_LTZ({}, 3)",
            time.as_millisecond()
        ));
    }
    conditions
}

fn view(name: &str, columns: &str, from: &str, conditions: &[String]) -> String {
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!("\nWHERE {}", conditions.join("\n  AND "))
    };
    format!("CREATE TEMPORARY VIEW `{name}` AS SELECT\n  {columns}\nFROM {from}{filter};\n\n")
}
