use serde_json::Value;

use super::rule;

/// Rules that keep what a run writes apart from what it reads, as far as the locations' texts alone tell: equal texts stand for the same
/// place, and one that begins with a folder's text lies in that folder. The program that scores compares what they stand for.
pub(super) fn apart() -> Vec<Value> {
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
            "the predictions and the readings of input.location would lie in one folder, and the next run would read what this one \
             wrote; choose a folder beside that of the readings",
            ".output.location",
        ),
        rule(
            format!(
                "{file} != self.input.location && {file} != self.model.location && \
                 (!has(self.sensors.manifest) || {file} != self.sensors.manifest)"
            ),
            "the predictions would replace what input.location, model.location or sensors.manifest names; choose another folder or name",
            ".output.file",
        ),
        rule(
            format!(
                "!self.input.location.startsWith({own}) && !self.model.location.startsWith({own}) && \
                 (!has(self.sensors.manifest) || !self.sensors.manifest.startsWith({own}))"
            ),
            "the folder _run/ in it holds the run's own files, but a location reads there; choose another folder",
            ".output.location",
        ),
        rule(
            format!("!has(self.logs) || !{is_folder} || !self.logs.location.startsWith({folder})"),
            "the logs would lie among the readings of input.location; choose a folder beside that of the readings",
            ".logs.location",
        ),
    ]
}
