use serde_json::{Map, Value};

use super::apart::apart;
use super::location::{
    BUILT_IN, KEY_NAME, all_keys, is_built_in, is_key_name, placeholder_names, placeholders,
    template,
};
use super::model::target;
use super::subject::{all, any, not};
use super::{Answer, LATEST, Rule, Subject, rule};

/// Rules of a run's spec.
pub fn run() -> Vec<Rule> {
    let mut rules = fleet();
    rules.push(rule(
        format!("has(self.window) || !({})", uses_window_cel("self")),
        |spec| any([spec.has("window"), not(uses_window(spec))]),
        "a location holds {window...}, but the run has no window; set spec.window",
        "",
    ));
    rules
}

/// What a run's spec and a schedule's template have in common: the rules that do not speak of the window.
pub(super) fn fleet() -> Vec<Rule> {
    let mut rules = vec![azure_needed()];
    rules.extend(keys_of_models());
    rules.extend(keys_of_list());
    rules.extend(apart());
    rules.push(target());
    rules
}

/// Whether any text of `spec` holds a window's placeholder, as CEL.
pub(super) fn uses_window_cel(spec: &str) -> String {
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
        "{} || (has({spec}.model.scaler) && {}) || (has({spec}.logs) && {}) || (has({spec}.sensors.manifest) && {}) || \
         (has({spec}.input.waitFor) && has({spec}.input.waitFor.object) && {})",
        fields.join(" || "),
        holds("model.scaler"),
        holds("logs.location"),
        holds("sensors.manifest"),
        holds("input.waitFor.object"),
    )
}

/// The same.
pub(super) fn uses_window(spec: Subject<'_>) -> Answer {
    let holds = |field| {
        let text = spec.text_at(field)?.replace("{{", "");
        Some(text.contains("{window.start:") || text.contains("{window.end:"))
    };
    any([
        holds("model.location"),
        holds("input.location"),
        holds("output.location"),
        holds("output.file"),
        all([spec.has("model.scaler"), holds("model.scaler")]),
        all([spec.has("logs"), holds("logs.location")]),
        all([spec.has("sensors.manifest"), holds("sensors.manifest")]),
        all([
            spec.has("input.waitFor"),
            spec.has("input.waitFor.object"),
            holds("input.waitFor.object"),
        ]),
    ])
}

fn azure_needed() -> Rule {
    let azure = |field: &str| format!("self.{field}.startsWith('az://')");
    let fields = ["model.location", "input.location", "output.location"].map(azure);
    rule(
        format!(
            "has(self.storage.azure) || !({} || (has(self.model.scaler) && {}) || (has(self.logs) && {}) || \
             (has(self.sensors.manifest) && {}) || (has(self.input.waitFor) && has(self.input.waitFor.object) && {}))",
            fields.join(" || "),
            azure("model.scaler"),
            azure("logs.location"),
            azure("sensors.manifest"),
            azure("input.waitFor.object"),
        ),
        |spec| {
            let azure = |field| Some(spec.text_at(field)?.starts_with("az://"));
            let needed = any([
                azure("model.location"),
                azure("input.location"),
                azure("output.location"),
                all([spec.has("model.scaler"), azure("model.scaler")]),
                all([spec.has("logs"), azure("logs.location")]),
                all([spec.has("sensors.manifest"), azure("sensors.manifest")]),
                all([
                    spec.has("input.waitFor"),
                    spec.has("input.waitFor.object"),
                    azure("input.waitFor.object"),
                ]),
            ]);
            any([spec.has("storage.azure"), not(needed)])
        },
        "az:// locations need the storage account; set spec.storage.azure",
        ".storage",
    )
}

/// With `fromModels` the keys are the placeholders of `model.location`.
fn keys_of_models() -> [Rule; 4] {
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
            |spec| are_keys_of(spec, "model.location", "input.location"),
            remedy,
            ".input.location",
        ),
        rule(
            from_models("self.output.file"),
            |spec| are_keys_of(spec, "model.location", "output.file"),
            remedy,
            ".output.file",
        ),
        rule(
            format!(
                "{listed} || [{}].all(keys, {model}.all(p, p in {BUILT_IN} || p in keys))",
                placeholders("self.output.file")
            ),
            |spec| are_keys_of(spec, "output.file", "model.location"),
            "two sensors would share one file; name every key of model.location",
            ".output.file",
        ),
        rule(
            format!(
                "{listed} || [{model}].all(keys, self.input.columns.keys.all(k, ('{{' + k + '}}') in keys))"
            ),
            |spec| {
                let known = || {
                    let keys = placeholder_names(spec.text_at("model.location")?);
                    let mut columns = spec.at("input.columns.keys")?.map()?.keys();
                    Some(columns.all(|key| keys.contains(key)))
                };
                any([listed_sensors(spec), known()])
            },
            "names a key that is not in model.location, where the sensors' keys come from; name the same keys in both",
            ".input.columns.keys",
        ),
    ]
}

/// Whether the sensors do not come from the models.
fn listed_sensors(spec: Subject<'_>) -> Answer {
    any(["list", "manifest", "failedIn"].map(|field| spec.has(&format!("sensors.{field}"))))
}

/// Whether the keys in one text of `spec` are in another, or the sensors do not come from the models.
fn are_keys_of(spec: Subject<'_>, whole: &str, part: &str) -> Answer {
    let known = || {
        let keys = placeholder_names(spec.text_at(whole)?);
        let is_known = |name: &str| Some(keys.iter().any(|key| key == name));
        all_keys(spec.text_at(part)?, is_known)
    };
    any([listed_sensors(spec), known()])
}

/// With `list` the keys are those of the entries, which all have the same.
fn keys_of_list() -> [Rule; 5] {
    let known = "self.sensors.list[0].map(k, '{' + k + '}')";
    let listed = |text: &str| {
        format!(
            "!has(self.sensors.list) || {}.all(p, p in {BUILT_IN} || p in {known})",
            placeholders(text)
        )
    };
    let remedy =
        "holds a key that the entries of sensors.list lack; add it to every entry or take it out";
    [
        rule(
            listed("self.model.location"),
            |spec| are_keys_of_list(spec, "model.location"),
            remedy,
            ".model.location",
        ),
        rule(
            listed("self.input.location"),
            |spec| are_keys_of_list(spec, "input.location"),
            remedy,
            ".input.location",
        ),
        rule(
            listed("self.output.file"),
            |spec| are_keys_of_list(spec, "output.file"),
            remedy,
            ".output.file",
        ),
        rule(
            format!(
                "!has(self.sensors.list) || self.sensors.list.size() == 1 || {}.exists(p, !(p in {BUILT_IN}))",
                placeholders("self.output.file")
            ),
            |spec| {
                let single = || Some(spec.at("sensors.list")?.list()?.len() == 1);
                let names_keys = || {
                    let names = placeholder_names(spec.text_at("output.file")?);
                    Some(names.iter().any(|name| !is_built_in(name)))
                };
                any([not(spec.has("sensors.list")), single(), names_keys()])
            },
            "two sensors would share one file; name the keys that tell the sensors apart",
            ".output.file",
        ),
        rule(
            "!has(self.sensors.list) || self.input.columns.keys.all(k, k in self.sensors.list[0])",
            |spec| {
                let known = |key: &String| Some(first_listed(spec)?.contains_key(key));
                let columns = spec.at("input.columns.keys").and_then(Subject::map);
                any([
                    not(spec.has("sensors.list")),
                    columns.and_then(|columns| all(columns.keys().map(known))),
                ])
            },
            "names a key that the entries of sensors.list lack; add it to every entry or take it out",
            ".input.columns.keys",
        ),
    ]
}

/// The first of the listed sensors.
fn first_listed(spec: Subject<'_>) -> Option<&Map<String, Value>> {
    spec.at("sensors.list")?.list()?.first()?.as_object()
}

/// Whether the keys in a text of `spec` are those of the listed sensors, or none are listed.
fn are_keys_of_list(spec: Subject<'_>, text: &str) -> Answer {
    let is_known = |name: &str| Some(first_listed(spec)?.contains_key(name));
    let known = || all_keys(spec.text_at(text)?, is_known);
    any([not(spec.has("sensors.list")), known()])
}

/// Rules of a window.
pub fn window() -> Vec<Rule> {
    vec![
        rule(
            "self.start < self.end",
            |window| Some(window.time_at("start")? < window.time_at("end")?),
            "must be after window.start",
            ".end",
        ),
        rule(
            format!("self.end <= timestamp('{LATEST}')"),
            |window| Some(window.time_at("end")? <= LATEST.parse().ok()?),
            format!("must be at most {LATEST}; to score all readings, leave window out"),
            ".end",
        ),
    ]
}

/// Rules of the choice of sensors.
pub fn sensors() -> Vec<Rule> {
    vec![rule(
        "[has(self.fromModels), has(self.list), has(self.manifest), has(self.failedIn)].filter(set, set).size() <= 1",
        |sensors| {
            let ways = sensors.map()?;
            let set = |way: &&str| ways.contains_key(*way);
            let set = ["fromModels", "list", "manifest", "failedIn"]
                .iter()
                .filter(|way| set(way));
            Some(set.count() <= 1)
        },
        "set one of fromModels, list, manifest and failedIn",
        "",
    )]
}

/// Rules of the sensors that a spec lists.
pub fn sensor_list() -> Vec<Rule> {
    vec![rule(
        "self.all(sensor, sensor.size() == self[0].size() && sensor.all(k, k in self[0]))",
        |sensors| {
            let sensors = sensors.list()?;
            let first = sensors.first().and_then(Value::as_object);
            all(sensors.iter().map(|sensor| {
                let (sensor, first) = (sensor.as_object()?, first?);
                let known = sensor.keys().all(|key| first.contains_key(key));
                Some(sensor.len() == first.len() && known)
            }))
        },
        "every sensor must have the same keys",
        "",
    )]
}

/// Rules of a map from key name to something.
pub fn key_names() -> Vec<Rule> {
    vec![
        rule(
            format!("self.all(k, k.matches('{KEY_NAME}'))"),
            |keys| Some(keys.map()?.keys().all(|key| is_key_name(key))),
            "a key's name is a letter or '_', then letters, digits, '_' and '-'",
            "",
        ),
        rule(
            "!('run' in self || 'namespace' in self || 'schedule' in self || 'window' in self)",
            |keys| {
                let reserved = |key: &String| is_built_in(key) || key == "window";
                Some(!keys.map()?.keys().any(reserved))
            },
            "run, namespace, schedule and window are placeholders already; give the key another name",
            "",
        ),
    ]
}

/// Rules of the list of features.
pub fn features() -> Vec<Rule> {
    vec![rule(
        "self.all(feature, self.exists_one(other, other == feature))",
        |features| {
            let features = features.list()?;
            let once = |feature| features.iter().filter(|other| *other == feature).count() == 1;
            Some(features.iter().all(once))
        },
        "must not name a column twice",
        "",
    )]
}

/// Rules of the columns as a whole.
pub fn columns() -> Vec<Rule> {
    vec![
        rule(
            "!(self.time in self.features)",
            |columns| not(is_feature(columns, columns.at("time")?.0)),
            "must not be a feature too",
            ".time",
        ),
        rule(
            "self.keys.all(k, self.keys[k] != self.time && !(self.keys[k] in self.features))",
            |columns| {
                let other = |column: &Value| {
                    let time = columns.at("time").map(|time| time.0 == column);
                    all([not(time), not(is_feature(columns, column))])
                };
                all(columns.at("keys")?.map()?.values().map(other))
            },
            "a key's column must be neither the time nor a feature",
            ".keys",
        ),
        rule(
            "!has(self.label) || (self.label != self.time && !(self.label in self.features) && self.keys.all(k, self.keys[k] != self.label))",
            |columns| {
                let other = || {
                    let label = columns.at("label")?.0;
                    let keys = columns.at("keys").and_then(Subject::map);
                    all([
                        columns.at("time").map(|time| time.0 != label),
                        not(is_feature(columns, label)),
                        keys.map(|keys| keys.values().all(|key| key != label)),
                    ])
                };
                any([not(columns.has("label")), other()])
            },
            "must be neither the time, nor a feature, nor a key",
            ".label",
        ),
    ]
}

fn is_feature(columns: Subject<'_>, column: &Value) -> Answer {
    Some(columns.at("features")?.list()?.contains(column))
}

/// Rules of the predictions' place and name.
pub fn output() -> Vec<Rule> {
    vec![
        template(".file"),
        rule(
            r"!self.file.matches('^/|/$|//|(^|/)[.][.]?(/|$)|^[A-Za-z][A-Za-z0-9+.-]*:|\\\\')",
            |output| Some(is_below(output.text_at("file")?)),
            "is a name below output.location: no leading or trailing '/', no '.' or '..' segments, no URL",
            ".file",
        ),
        rule(
            "!self.file.startsWith('_run/') && self.file != '_SUCCESS'",
            |output| {
                let file = output.text_at("file")?;
                Some(!file.starts_with("_run/") && file != "_SUCCESS")
            },
            "must not be below _run/ nor _SUCCESS, which hold the run's own files",
            ".file",
        ),
        rule(
            "self.format != 'Auto' || ['.csv', '.parquet', '.jsonl', '.ndjson'].exists(e, self.file.endsWith(e))",
            |output| {
                let known = |file: &str| {
                    let extensions = [".csv", ".parquet", ".jsonl", ".ndjson"];
                    extensions.iter().any(|extension| file.ends_with(extension))
                };
                any([
                    output.text_at("format").map(|format| format != "Auto"),
                    output.text_at("file").map(known),
                ])
            },
            "tells no format; end it in .csv, .parquet, .jsonl or .ndjson, or set output.format",
            ".file",
        ),
    ]
}

/// Whether a file's name leads to a place below a folder.
fn is_below(name: &str) -> bool {
    let scheme = name.split_once(':').is_some_and(|(scheme, _)| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(inner)
    });
    let segment = |segment: &str| !matches!(segment, "" | "." | "..");
    // No name at all is told by the bounds.
    let below = name.is_empty() || name.split('/').all(segment);
    below && !scheme && !name.contains('\\')
}

/// Rules of a storage account.
pub fn azure() -> Vec<Rule> {
    vec![
        rule(
            "self.auth == 'Secret' || !has(self.secretRef)",
            |azure| any([is_auth(azure, &["Secret"]), not(azure.has("secretRef"))]),
            "secretRef and auth: Secret belong together; set auth to Secret, or take secretRef out",
            ".secretRef",
        ),
        rule(
            "self.auth != 'Secret' || has(self.secretRef)",
            |azure| any([not(is_auth(azure, &["Secret"])), azure.has("secretRef")]),
            "secretRef and auth: Secret belong together: name the secret that pods take the key from. On a laptop the key comes from the \
             environment in either case, also where auth is left out",
            ".secretRef",
        ),
        rule(
            "self.account.matches('^[a-z0-9]{3,24}$')",
            |azure| {
                let account = azure.text_at("account")?;
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                Some((3..=24).contains(&account.len()) && account.bytes().all(allowed))
            },
            "a storage account's name has 3 to 24 lower-case letters and digits",
            ".account",
        ),
        rule(
            "self.auth != 'Emulator' || self.account == 'devstoreaccount1'",
            |azure| {
                let account = azure.text_at("account");
                any([
                    not(is_auth(azure, &["Emulator"])),
                    account.map(|account| account == "devstoreaccount1"),
                ])
            },
            "auth: Emulator signs in to devstoreaccount1; set account to it, or auth to Secret",
            ".account",
        ),
        rule(
            "!has(self.endpoint) || self.endpoint.matches('^https?://[^/?#@]+[^?#@]*$')",
            |azure| of_endpoint(azure, |url| Some(is_service(url))),
            "must be the Blob service's URL, such as https://account.blob.core.windows.net",
            ".endpoint",
        ),
        rule(
            "!has(self.endpoint) || !self.endpoint.matches('^https?://[^/]+/+[^/]') || (self.endpoint.matches('^https?://[^/]+/[^/]+/*$') && \
             (self.endpoint.endsWith('/' + self.account) || self.endpoint.endsWith('/' + self.account + '/')))",
            |azure| {
                of_endpoint(azure, |url| {
                    let Some((_, path)) = host_and_path(url) else {
                        return Some(true);
                    };
                    if path.trim_start_matches('/').is_empty() {
                        return Some(true);
                    }
                    if path.trim_end_matches('/').contains('/') {
                        return Some(false);
                    }
                    let account = azure.text_at("account")?;
                    Some(ends_at(url, account))
                })
            },
            "must end at the account, such as https://account.blob.core.windows.net or http://127.0.0.1:10000/devstoreaccount1; the container \
             belongs into the locations: az://container/path",
            ".endpoint",
        ),
        rule(
            "!has(self.endpoint) || !self.endpoint.startsWith('http://') || self.auth in ['Emulator', 'Anonymous'] || \
             self.endpoint.matches('^http://(localhost|[^/:]+[.]localhost|127[.][0-9.]+|\\\\[::1\\\\])(:[0-9]+)?(/|$)')",
            |azure| {
                let kept_here = of_endpoint(azure, |url| Some(is_encrypted_or_local(url)));
                any([kept_here, is_auth(azure, &["Emulator", "Anonymous"])])
            },
            "would carry keys and tokens unencrypted over the network; write https://, or auth: Emulator for an emulator",
            ".endpoint",
        ),
    ]
}

fn is_auth(azure: Subject<'_>, ways: &[&str]) -> Answer {
    azure.text_at("auth").map(|auth| ways.contains(&auth))
}

/// What holds of the account's endpoint, where it has one.
fn of_endpoint(azure: Subject<'_>, holds: impl Fn(&str) -> Answer) -> Answer {
    let endpoint = azure.text_at("endpoint");
    any([not(azure.has("endpoint")), endpoint.and_then(holds)])
}

/// What follows `http://` or `https://`.
fn after_scheme(url: &str) -> Option<&str> {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
}

/// A host without credentials, and maybe a path without a query.
fn is_service(url: &str) -> bool {
    after_scheme(url).is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@'])
    })
}

/// The host and what follows the slash after it.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let (host, path) = after_scheme(url)?.split_once('/')?;
    (!host.is_empty()).then_some((host, path))
}

/// Whether the last segment of `url` is `account`.
fn ends_at(url: &str, account: &str) -> bool {
    let of_account = |url: &str| {
        url.strip_suffix(account)
            .is_some_and(|url| url.ends_with('/'))
    };
    of_account(url) || url.strip_suffix('/').is_some_and(of_account)
}

/// Whether nobody on a network sees what goes to `url`.
fn is_encrypted_or_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return true;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let without_port = authority
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    is_local(authority) || without_port.is_some_and(|(host, _)| is_local(host))
}

fn is_local(host: &str) -> bool {
    let below_localhost = host
        .strip_suffix(".localhost")
        .is_some_and(|name| !name.is_empty() && !name.contains(':'));
    let loopback = host.strip_prefix("127.").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
    });
    below_localhost || loopback || matches!(host, "localhost" | "[::1]")
}
