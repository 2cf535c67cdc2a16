use fleetscore_crds::FieldType;

use crate::event::Meta;
use crate::export::quote::{analytics_name, analytics_text};
use crate::export::stream::{Place, Stream};

/// The value of a field that has a path, as what its field is, and NULL where it is not.
pub(super) fn value(stream: &mut Stream<'_>, places: &[(usize, Place)], field: usize) -> String {
    let kind = match stream.kind(field) {
        FieldType::Text => "nvarchar(max)",
        FieldType::Number => "float",
        FieldType::Time => "datetime",
        FieldType::Boolean => "bit",
    };
    format!("TRY_CAST({} AS {kind})", column(stream, places, field))
}

/// The column that it is in as the event has it.
pub(super) fn column(stream: &mut Stream<'_>, places: &[(usize, Place)], field: usize) -> String {
    let path = format!("spec.event.fields.{}.path", stream.field(field));
    if let Some((_, place)) = places.iter().find(|(other, _)| *other == field) {
        let names: Result<Vec<_>, _> = place
            .names
            .iter()
            .map(|name| analytics_name(name))
            .collect();
        let start = if place.in_item {
            "[i].[ArrayValue]"
        } else {
            "[e]"
        };
        let written = names.map(|names| [vec![start.to_owned()], names].concat().join("."));
        return stream.or_refuse(&path, written);
    }
    let meta = stream.plan.meta.iter().find(|(other, _)| *other == field);
    let written = match meta.map(|(_, meta)| meta) {
        Some(Meta::EnqueuedTime) => Ok("[e].[EventEnqueuedUtcTime]".to_owned()),
        Some(Meta::Partition) => Ok("[e].[PartitionId]".to_owned()),
        Some(Meta::Header(name)) => header(name),
        Some(Meta::Key | Meta::Offset) => Err(
            "Stream Analytics does not know an event's key and offset: put it into the event's body".to_owned(),
        ),
        None => Ok(String::new()),
    };
    stream.or_refuse(&path, written)
}

fn header(name: &str) -> Result<String, String> {
    let property = format!("[User].{}", analytics_name(name)?);
    Ok(format!(
        "GetMetadataPropertyValue([e], {})",
        analytics_text(&property)?
    ))
}
