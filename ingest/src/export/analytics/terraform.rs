use fleetscore_crds::StartAt;

use crate::export::quote::{terraform_template, terraform_text};
use crate::export::stream::Stream;

/// The longest tolerance of events that are out of order.
const MAX_TOLERANCE: u32 = 599;

/// How far an event may be ahead there.
const EARLY: u32 = 300;

/// What Terraform makes.
pub(super) fn resources(stream: &mut Stream<'_>, query: &str) -> String {
    check(stream);
    let (namespace, hub) = match &stream.spec.source.event_hub {
        Some(hub) => (hub.namespace.clone(), hub.name.clone()),
        None => (String::new(), String::new()),
    };
    let (container, prefix) = output(stream);
    let azure = stream.spec.storage.azure.as_ref();
    let account = azure.map_or_else(String::new, |azure| azure.account.clone());
    stream.warn("spec.storage, spec.source: the job signs in as itself; give its identity the roles Azure Event Hubs Data Receiver and Storage Blob Data Contributor");
    let tolerance = stream.spec.lateness.tolerance_seconds;
    let (mode, time) = match stream.spec.source.start_at {
        StartAt::Instant(time) => (
            "CustomTime",
            format!("\n  start_time              = \"{time}\""),
        ),
        StartAt::Latest | StartAt::Earliest => ("JobStartTime", String::new()),
    };
    let query = terraform_template(query).replace('\n', "\n    ");
    let [name, namespace, hub, account, container, path] = [
        stream.name,
        &namespace,
        &hub,
        &account,
        &container,
        &format!("{prefix}date={{date}}/time={{time}}00"),
    ]
    .map(terraform_text);
    format!(
        r#"variable "resource_group" {{}}
variable "location" {{}}
variable "consumer_group" {{
  default = "$Default"
}}

resource "azurerm_stream_analytics_job" "stream" {{
  name                                     = {name}
  resource_group_name                      = var.resource_group
  location                                 = var.location
  compatibility_level                      = "1.2"
  events_late_arrival_max_delay_in_seconds = {tolerance}
  events_out_of_order_max_delay_in_seconds = {tolerance}
  events_out_of_order_policy               = "Drop"
  output_error_policy                      = "Drop"
  streaming_units                          = 3
  identity {{
    type = "SystemAssigned"
  }}
  transformation_query = <<-QUERY
    {query}
  QUERY
}}

resource "azurerm_stream_analytics_stream_input_eventhub_v2" "events" {{
  name                         = "events"
  stream_analytics_job_id      = azurerm_stream_analytics_job.stream.id
  servicebus_namespace         = {namespace}
  eventhub_name                = {hub}
  eventhub_consumer_group_name = var.consumer_group
  authentication_mode          = "Msi"
  serialization {{
    type     = "Json"
    encoding = "UTF8"
  }}
}}

resource "azurerm_stream_analytics_output_blob" "published" {{
  name                      = "published"
  stream_analytics_job_name = azurerm_stream_analytics_job.stream.name
  resource_group_name       = var.resource_group
  storage_account_name      = {account}
  storage_container_name    = {container}
  path_pattern              = {path}
  date_format               = "yyyy-MM-dd"
  time_format               = "HH"
  blob_write_mode           = "Once"
  batch_max_wait_time       = "00:05:00"
  batch_min_rows            = 10000
  authentication_mode       = "Msi"
  serialization {{
    type = "Parquet"
  }}
}}

resource "azurerm_stream_analytics_job_schedule" "start" {{
  stream_analytics_job_id = azurerm_stream_analytics_job.stream.id
  start_mode              = "{mode}"{time}
  depends_on = [
    azurerm_stream_analytics_stream_input_eventhub_v2.events,
    azurerm_stream_analytics_output_blob.published,
  ]
}}
"#
    )
}

/// Refuses settings that the job cannot have.
fn check(stream: &mut Stream<'_>) {
    let spec = stream.spec;
    if spec.source.event_hub.is_none() {
        stream.refuse(
            "spec.source.kafka",
            "Stream Analytics is exported for an event hub alone: name one in spec.source.eventHub",
        );
    }
    if spec.source.start_at == StartAt::Earliest {
        stream.refuse(
            "spec.source.startAt",
            "Stream Analytics begins at its start or at a time, not at the earliest: name a time",
        );
    }
    let lateness = &spec.lateness;
    if lateness.early_seconds != EARLY {
        let message = format!(
            "Stream Analytics refuses what is {EARLY} s ahead and nothing else: it cannot be {}",
            lateness.early_seconds
        );
        stream.refuse("spec.lateness.earlySeconds", message);
    }
    if lateness.tolerance_seconds > MAX_TOLERANCE {
        let message = format!(
            "Stream Analytics waits {MAX_TOLERANCE} s at most, not {}",
            lateness.tolerance_seconds
        );
        stream.refuse("spec.lateness.toleranceSeconds", message);
    }
    if lateness.max_age_seconds < lateness.tolerance_seconds {
        let message = format!(
            "Stream Analytics refuses what arrives later than the tolerance, and nothing younger: it cannot be {}",
            lateness.max_age_seconds
        );
        stream.refuse("spec.lateness.maxAgeSeconds", message);
    }
    if spec.output.segment_seconds != 3600 {
        let message = format!(
            "Stream Analytics makes folders by the hour: it cannot be {}",
            spec.output.segment_seconds
        );
        stream.refuse("spec.output.segmentSeconds", message);
    }
}

/// The container and the prefix in it.
fn output(stream: &mut Stream<'_>) -> (String, String) {
    let location = &stream.spec.output.location;
    let split = location
        .strip_prefix("az://")
        .and_then(|rest| rest.split_once('/'));
    let Some((container, prefix)) = split else {
        let message = format!(
            "Stream Analytics writes to Blob storage alone, not to {location}: name az://CONTAINER/PREFIX/"
        );
        stream.refuse("spec.output.location", message);
        return (String::new(), String::new());
    };
    (container.to_owned(), prefix.to_owned())
}
