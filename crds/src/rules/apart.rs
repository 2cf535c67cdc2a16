use std::borrow::Cow;

use super::subject::{all, any, not};
use super::{Answer, Rule, Subject, rule};

/// Rules that keep what a run writes apart from what it reads, as far as the locations' texts alone tell: equal texts stand for the same
/// place, and one that begins with a folder's text lies in that folder. The program that scores compares what they stand for.
pub(super) fn apart() -> Vec<Rule> {
    let output = "self.output.location";
    let file = "(self.output.location + self.output.file)";
    // A container by itself is a folder, too.
    let folder = "(self.input.location.matches('^az://[^/]+$') ? self.input.location + '/' : self.input.location)";
    let is_folder =
        "(self.input.location.endsWith('/') || self.input.location.matches('^az://[^/]+$'))";
    let own = format!("({output} + '_run/')");
    vec![
        rule(
            format!(
                "!{is_folder} || !({output}.startsWith({folder}) || {folder}.startsWith({output}))"
            ),
            |spec| {
                let Some(folder) = folder_of(spec.text_at("input.location")?) else {
                    return Some(true);
                };
                let output = spec.text_at("output.location")?;
                Some(!output.starts_with(&*folder) && !folder.starts_with(output))
            },
            "the predictions and the readings of input.location would lie in one folder, and the next run would read what this one \
             wrote; choose a folder beside that of the readings",
            ".output.location",
        ),
        rule(
            format!(
                "{file} != self.input.location && {file} != self.model.location && \
                 (!has(self.sensors.manifest) || {file} != self.sensors.manifest)"
            ),
            |spec| {
                let location = spec.text_at("output.location")?.to_owned();
                let file = location + spec.text_at("output.file")?;
                none_read(spec, |read| read == file)
            },
            "the predictions would replace what input.location, model.location or sensors.manifest names; choose another folder or name",
            ".output.file",
        ),
        rule(
            format!(
                "!self.input.location.startsWith({own}) && !self.model.location.startsWith({own}) && \
                 (!has(self.sensors.manifest) || !self.sensors.manifest.startsWith({own}))"
            ),
            |spec| {
                let own = spec.text_at("output.location")?.to_owned() + "_run/";
                none_read(spec, |read| read.starts_with(&own))
            },
            "the folder _run/ in it holds the run's own files, but a location reads there; choose another folder",
            ".output.location",
        ),
        rule(
            format!("!has(self.logs) || !{is_folder} || !self.logs.location.startsWith({folder})"),
            |spec| {
                let beside = || {
                    let Some(folder) = folder_of(spec.text_at("input.location")?) else {
                        return Some(true);
                    };
                    Some(!spec.text_at("logs.location")?.starts_with(&*folder))
                };
                any([not(spec.has("logs")), beside()])
            },
            "the logs would lie among the readings of input.location; choose a folder beside that of the readings",
            ".logs.location",
        ),
    ]
}

/// The folder that a location of readings is; none where it is an object.
fn folder_of(location: &str) -> Option<Cow<'_, str>> {
    let container = location.strip_prefix("az://").unwrap_or_default();
    if !container.is_empty() && !container.contains('/') {
        return Some(format!("{location}/").into());
    }
    location.ends_with('/').then(|| location.into())
}

/// Whether none of the locations that a run reads is `meant`.
fn none_read(spec: Subject<'_>, meant: impl Fn(&str) -> bool) -> Answer {
    let is_not = |path| spec.text_at(path).map(|read| !meant(read));
    all([
        is_not("input.location"),
        is_not("model.location"),
        any([
            not(spec.has("sensors.manifest")),
            is_not("sensors.manifest"),
        ]),
    ])
}
