use super::location::{BUILT_IN, is_built_in, placeholder_names, placeholders};
use super::subject::{any, not};
use super::{Rule, Subject, rule};

/// Rules of the readings' place and of what is waited for.
pub fn input() -> Vec<Rule> {
    let one_folder = format!(
        "self.location.endsWith('/') && {}.all(p, p in {BUILT_IN})",
        placeholders("self.location")
    );
    vec![
        rule(
            format!("self.format != 'Stream' || ({one_folder})"),
            |input| {
                any([
                    input.text_at("format").map(|format| format != "Stream"),
                    input.text_at("location").map(is_one_folder),
                ])
            },
            "is no stream's folder; write the output.location of the ReadingStream, which ends in '/' and holds no keys",
            ".location",
        ),
        rule(
            format!(
                "!has(self.waitFor) || has(self.waitFor.object) || self.format == 'Stream' || (self.format == 'Auto' && {one_folder})"
            ),
            |input: Subject<'_>| {
                let is_stream = || {
                    let location = input.text_at("location")?;
                    match input.text_at("format")? {
                        "Stream" => Some(true),
                        "Auto" => Some(is_one_folder(location)),
                        _ => Some(false),
                    }
                };
                any([
                    not(input.has("waitFor")),
                    input.has("waitFor.object"),
                    is_stream(),
                ])
            },
            "only the segments of a ReadingStream tell that they are complete; name the object that does in waitFor.object, or take waitFor out",
            ".waitFor",
        ),
    ]
}

/// Whether a location is a folder, and the same one for every sensor.
fn is_one_folder(location: &str) -> bool {
    let names = placeholder_names(location);
    location.ends_with('/') && names.iter().all(|name| is_built_in(name))
}
