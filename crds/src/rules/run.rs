use serde_json::{Value, json};

use super::apart::apart;
use super::location::{BUILT_IN, placeholders, template};
use super::{LATEST, rule};

const KEY_NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]*$";

/// Rules of a run's spec.
pub fn run() -> Value {
    let mut rules = fleet();
    rules.push(rule(
        format!("has(self.window) || !({})", uses_window("self")),
        "a location holds {window...}, but the run has no window; set spec.window",
        "",
    ));
    Value::Array(rules)
}

/// What a run's spec and a schedule's template have in common: the rules that do not speak of the window.
pub(super) fn fleet() -> Vec<Value> {
    let mut rules = vec![azure_needed(), failed_in()];
    rules.extend(keys_of_models());
    rules.extend(keys_of_list());
    rules.extend(apart());
    rules
}

/// Whether any text of `spec` holds a window's placeholder, as CEL.
pub(super) fn uses_window(spec: &str) -> String {
    let holds = |field: &str| {
        format!("{spec}.{field}.replace('{{{{', '').matches('[{{]window[.](start|end):')")
    };
    let fields = [
        "model.location",
        "input.location",
        "output.location",
        "output.file",
    ]
    .map(holds);
    format!(
        "{} || (has({spec}.logs) && {}) || (has({spec}.sensors.manifest) && {})",
        fields.join(" || "),
        holds("logs.location"),
        holds("sensors.manifest"),
    )
}

fn azure_needed() -> Value {
    let azure = |field: &str| format!("self.{field}.startsWith('az://')");
    let fields = ["model.location", "input.location", "output.location"].map(azure);
    rule(
        format!(
            "has(self.storage.azure) || !({} || (has(self.logs) && {}) || (has(self.sensors.manifest) && {}))",
            fields.join(" || "),
            azure("logs.location"),
            azure("sensors.manifest"),
        ),
        "az:// locations need the storage account; set spec.storage.azure",
        ".storage",
    )
}

fn failed_in() -> Value {
    rule(
        "!has(self.sensors.failedIn) || self.output.location.contains('{run}')",
        "sensors.failedIn looks for the earlier run under its name; put {run} into output.location",
        ".output.location",
    )
}

/// With `fromModels` the keys are the placeholders of `model.location`.
fn keys_of_models() -> [Value; 4] {
    let listed =
        "has(self.sensors.list) || has(self.sensors.manifest) || has(self.sensors.failedIn)";
    let model = placeholders("self.model.location");
    // A list of one binds what is used for each element: found anew each time, it passes the API server's bound on costs.
    let from_models = |text: &str| {
        format!(
            "{listed} || [{model}].all(keys, {}.all(p, p in {BUILT_IN} || p in keys))",
            placeholders(text)
        )
    };
    let remedy = "holds a key that is not in model.location, where the sensors' keys come from; name the same keys in both";
    [
        rule(
            from_models("self.input.location"),
            remedy,
            ".input.location",
        ),
        rule(from_models("self.output.file"), remedy, ".output.file"),
        rule(
            format!(
                "{listed} || [{}].all(keys, {model}.all(p, p in {BUILT_IN} || p in keys))",
                placeholders("self.output.file")
            ),
            "two sensors would share one file; name every key of model.location",
            ".output.file",
        ),
        rule(
            format!(
                "{listed} || [{model}].all(keys, self.input.columns.keys.all(k, ('{{' + k + '}}') in keys))"
            ),
            "names a key that is not in model.location, where the sensors' keys come from; name the same keys in both",
            ".input.columns.keys",
        ),
    ]
}

/// With `list` the keys are those of the entries, which all have the same.
fn keys_of_list() -> [Value; 5] {
    let known = "self.sensors.list[0].map(k, '{' + k + '}')";
    let all = |text: &str| {
        format!(
            "!has(self.sensors.list) || {}.all(p, p in {BUILT_IN} || p in {known})",
            placeholders(text)
        )
    };
    let remedy =
        "holds a key that the entries of sensors.list lack; add it to every entry or take it out";
    [
        rule(all("self.model.location"), remedy, ".model.location"),
        rule(all("self.input.location"), remedy, ".input.location"),
        rule(all("self.output.file"), remedy, ".output.file"),
        rule(
            format!(
                "!has(self.sensors.list) || self.sensors.list.size() == 1 || {}.exists(p, !(p in {BUILT_IN}))",
                placeholders("self.output.file")
            ),
            "two sensors would share one file; name the keys that tell the sensors apart",
            ".output.file",
        ),
        rule(
            "!has(self.sensors.list) || self.input.columns.keys.all(k, k in self.sensors.list[0])",
            "names a key that the entries of sensors.list lack; add it to every entry or take it out",
            ".input.columns.keys",
        ),
    ]
}

/// Rules of a window.
pub fn window() -> Value {
    json!([
        rule(
            "self.start < self.end",
            "must be after window.start",
            ".end"
        ),
        rule(
            format!("self.end <= timestamp('{LATEST}')"),
            format!("must be at most {LATEST}; to score all readings, leave window out"),
            ".end"
        ),
    ])
}

/// Rules of the choice of sensors.
pub fn sensors() -> Value {
    json!([rule(
        "[has(self.fromModels), has(self.list), has(self.manifest), has(self.failedIn)].filter(set, set).size() <= 1",
        "set one of fromModels, list, manifest and failedIn",
        "",
    )])
}

/// Rules of the sensors that a spec lists.
pub fn sensor_list() -> Value {
    json!([rule(
        "self.all(sensor, sensor.size() == self[0].size() && sensor.all(k, k in self[0]))",
        "every sensor must have the same keys",
        "",
    )])
}

/// Rules of a map from key name to something.
pub fn key_names() -> Value {
    json!([
        rule(
            format!("self.all(k, k.matches('{KEY_NAME}'))"),
            "a key's name is a letter or '_', then letters, digits, '_' and '-'",
            "",
        ),
        rule(
            "!('run' in self || 'namespace' in self || 'schedule' in self || 'window' in self)",
            "run, namespace, schedule and window are placeholders already; give the key another name",
            "",
        ),
    ])
}

/// Rules of the list of features.
pub fn features() -> Value {
    json!([rule(
        "self.all(feature, self.exists_one(other, other == feature))",
        "must not name a column twice",
        "",
    )])
}

/// Rules of the columns as a whole.
pub fn columns() -> Value {
    json!([
        rule(
            "!(self.time in self.features)",
            "must not be a feature too",
            ".time"
        ),
        rule(
            "self.keys.all(k, self.keys[k] != self.time && !(self.keys[k] in self.features))",
            "a key's column must be neither the time nor a feature",
            ".keys",
        ),
        rule(
            "!has(self.label) || (self.label != self.time && !(self.label in self.features) && self.keys.all(k, self.keys[k] != self.label))",
            "must be neither the time, nor a feature, nor a key",
            ".label",
        ),
    ])
}

/// Rules of the predictions' place and name.
pub fn output() -> Value {
    json!([
        template("self.file", ".file"),
        rule(
            r"!self.file.matches('^/|/$|//|(^|/)[.][.]?(/|$)|^[A-Za-z][A-Za-z0-9+.-]*:|\\\\')",
            "is a name below output.location: no leading or trailing '/', no '.' or '..' segments, no URL",
            ".file",
        ),
        rule(
            "!self.file.startsWith('_run/') && self.file != '_SUCCESS'",
            "must not be below _run/ nor _SUCCESS, which hold the run's own files",
            ".file",
        ),
        rule(
            "self.format != 'Auto' || ['.csv', '.parquet', '.jsonl', '.ndjson'].exists(e, self.file.endsWith(e))",
            "tells no format; end it in .csv, .parquet, .jsonl or .ndjson, or set output.format",
            ".file",
        ),
    ])
}

/// Rules of a storage account.
pub fn azure() -> Value {
    json!([
        rule(
            "self.auth == 'Secret' || !has(self.secretRef)",
            "secretRef and auth: Secret belong together; set auth to Secret, or take secretRef out",
            ".secretRef",
        ),
        rule(
            "self.auth != 'Secret' || has(self.secretRef)",
            "secretRef and auth: Secret belong together: name the secret that pods take the key from. On a laptop the key comes from the \
             environment in either case, also where auth is left out",
            ".secretRef",
        ),
        rule(
            "self.account.matches('^[a-z0-9]{3,24}$')",
            "a storage account's name has 3 to 24 lower-case letters and digits",
            ".account",
        ),
        rule(
            "self.auth != 'Emulator' || self.account == 'devstoreaccount1'",
            "auth: Emulator signs in to devstoreaccount1; set account to it, or auth to Secret",
            ".account",
        ),
        rule(
            "!has(self.endpoint) || self.endpoint.matches('^https?://[^/?#@]+[^?#@]*$')",
            "must be the Blob service's URL, such as https://account.blob.core.windows.net",
            ".endpoint",
        ),
        rule(
            "!has(self.endpoint) || !self.endpoint.matches('^https?://[^/]+/+[^/]') || (self.endpoint.matches('^https?://[^/]+/[^/]+/*$') && \
             (self.endpoint.endsWith('/' + self.account) || self.endpoint.endsWith('/' + self.account + '/')))",
            "must end at the account, such as https://account.blob.core.windows.net or http://127.0.0.1:10000/devstoreaccount1; the container \
             belongs into the locations: az://container/path",
            ".endpoint",
        ),
        rule(
            "!has(self.endpoint) || !self.endpoint.startsWith('http://') || self.auth in ['Emulator', 'Anonymous'] || \
             self.endpoint.matches('^http://(localhost|[^/:]+[.]localhost|127[.][0-9.]+|\\\\[::1\\\\])(:[0-9]+)?(/|$)')",
            "would carry keys and tokens unencrypted over the network; write https://, or auth: Emulator for an emulator",
            ".endpoint",
        ),
    ])
}
