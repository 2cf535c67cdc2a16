use fleetscore_crds::FieldType;

use super::Plan;
use crate::event::Meta;
use crate::export::condition::LARGEST;
use crate::export::quote::flink_path;
use crate::export::stream::{Place, Stream};

/// The column that a field's value is in as the event has it: text, or a number.
///
/// `alias` is put before the columns of the table of events; items of the list are `i`.
pub(super) fn column(stream: &mut Stream<'_>, plan: &Plan, field: usize, alias: &str) -> String {
    if let Some((_, place)) = plan.places.iter().find(|(other, _)| *other == field) {
        return of_place(place, alias);
    }
    let meta = stream.plan.meta.iter().find(|(other, _)| *other == field);
    let Some((_, meta)) = meta.cloned() else {
        return String::new();
    };
    let kind = stream.kind(field);
    let path = format!("spec.event.fields.{}.path", stream.field(field));
    match (meta, kind) {
        (Meta::EnqueuedTime, FieldType::Time) => format!("{alias}`@arrival`"),
        (Meta::Key, FieldType::Text) => format!("{alias}`@key`"),
        (Meta::Partition, FieldType::Text) => format!("CAST({alias}`@partition` AS STRING)"),
        (Meta::Partition, FieldType::Number) => format!("CAST({alias}`@partition` AS DOUBLE)"),
        (Meta::Offset, FieldType::Text) => format!("CAST({alias}`@offset` AS STRING)"),
        (Meta::Offset, FieldType::Number) => format!("CAST({alias}`@offset` AS DOUBLE)"),
        (Meta::Header(name), _) => {
            let message = format!(
                "Flink has headers as bytes, which AMQP senders encode: put {name:?} into the event's body"
            );
            stream.refuse(path, message);
            String::new()
        }
        (_, kind) => {
            let message = format!(
                "this as {kind:?} cannot be exported to Flink: @enqueuedTime is a Time there, @key a Text, @partition and @offset Text or Number"
            );
            stream.refuse(path, message);
            String::new()
        }
    }
}

fn of_place(place: &Place, alias: &str) -> String {
    let names = place.names.iter().map(String::as_str);
    match (place.in_item, place.names.is_empty()) {
        (true, true) => "`i`.`@item`".to_owned(),
        (true, false) => format!("`i`.{}", flink_path(names)),
        (false, _) => format!("{alias}{}", flink_path(names)),
    }
}

/// The value of a field that has a path, as what its field is, and NULL where it is not.
pub(super) fn value(stream: &mut Stream<'_>, plan: &Plan, field: usize, alias: &str) -> String {
    let raw = column(stream, plan, field, alias);
    let is_of_body = plan.places.iter().any(|(other, _)| *other == field);
    match stream.kind(field) {
        FieldType::Number if is_of_body => {
            format!("CASE WHEN ABS({raw}) <= {LARGEST} THEN {raw} END")
        }
        FieldType::Time if is_of_body => time(&raw),
        FieldType::Boolean if is_of_body => format!(
            "CASE WHEN LOWER(TRIM({raw})) IN ('true', '1', '1.0') THEN TRUE WHEN LOWER(TRIM({raw})) IN ('false', '0', '0.0') THEN FALSE END"
        ),
        _ => raw,
    }
}

/// The time that a text names.
fn time(text: &str) -> String {
    let local = |text: &str| format!("TRY_CAST(REPLACE({text}, 'T', ' ') AS TIMESTAMP(3))");
    let without = |count: u32| local(&format!("LEFT({text}, CHAR_LENGTH({text}) - {count})"));
    let sign = format!("CAST(SUBSTRING({text}, CHAR_LENGTH({text}) - 5, 1) || '1' AS INT)");
    let hours = format!("CAST(SUBSTRING({text}, CHAR_LENGTH({text}) - 4, 2) AS INT)");
    let minutes = format!("CAST(RIGHT({text}, 2) AS INT)");
    let number = format!("CAST({text} AS DECIMAL(28, 9))");
    format!(
        "CASE
    WHEN {text} LIKE '%Z' THEN CAST({} AS TIMESTAMP_LTZ(3))
    WHEN REGEXP({text}, '[0-9][+-][0-9]{{2}}:[0-9]{{2}}$')
      THEN CAST(TIMESTAMPADD(MINUTE, - {sign} * ({hours} * 60 + {minutes}), {}) AS TIMESTAMP_LTZ(3))
    WHEN REGEXP({text}, '^-?[0-9]{{1,19}}([.][0-9]+)?$') THEN TO_TIMESTAMP_LTZ(CAST(FLOOR(CASE
      WHEN ABS({number}) < 100000000000 THEN {number} * 1000
      WHEN ABS({number}) < 100000000000000 THEN {number}
      WHEN ABS({number}) < 100000000000000000 THEN {number} / 1000
      ELSE {number} / 1000000 END) AS BIGINT), 3)
    ELSE CAST({} AS TIMESTAMP_LTZ(3))
  END",
        without(1),
        without(6),
        local(text)
    )
}
