use fleetscore_crds::ReadingFormat;
use fleetscore_readings::dataset::table_above;
use fleetscore_storage::ObjectUrl;

use crate::steps::{Context, StepError};

/// Refuses a run whose readings lie in a table: the folder of its input location, or one above it, has a table's mark.
pub async fn refuse_tables(context: &Context) -> Result<(), StepError> {
    let literal = context.run.input.literal_prefix();
    let named = context.run.input.keys().is_empty() && !literal.ends_with('/');
    let Some((folder, _)) = literal.rsplit_once('/').filter(|_| !named) else {
        return Ok(());
    };
    let folder = ObjectUrl::parse(&format!("{folder}/"))?;
    let is_asked_for = matches!(
        context.run.spec.input.format,
        ReadingFormat::Auto | ReadingFormat::Stream
    );
    match table_above(&context.storage, &folder).await? {
        // The stream's own files are told by its documents.
        Some(table) if is_asked_for && table.is_stream() && literal == table.folder => Ok(()),
        Some(table) => Err(StepError::Table(table)),
        None => Ok(()),
    }
}
