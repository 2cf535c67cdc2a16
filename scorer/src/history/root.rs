use fleetscore_crds::Window;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::location::Template;
use crate::outputs;
use fleetscore_storage::ObjectUrl;

/// The root of an output location: the folder up to the last `/` before its first placeholder other than `{schedule}`. The records of all
/// runs of the same root lie together in its `_runs/`.
///
/// None where there is no such folder: the container itself is a placeholder, `{schedule}` has no value, or it is no location at all.
pub fn root(location: &str, schedule: Option<&str>) -> Option<ObjectUrl> {
    let root = Template::parse(location).ok()?.root(schedule).ok()?;
    // Nobody's runs belong into the root of a file system.
    if root == "file:///" {
        return None;
    }
    ObjectUrl::parse(&root).ok()
}

/// Path of a run's record below its [`root`]: the day is that of the window's end, without a window that of the run's `start`, in UTC.
///
/// In a namespace no two runs have the same name. Elsewhere one manifest is run again and again, so its window is a part of the name.
pub fn record_path(
    namespace: Option<&str>,
    run: &str,
    window: Option<Window>,
    start: Timestamp,
) -> String {
    let day = window
        .map_or(start, |window| window.end)
        .to_zoned(TimeZone::UTC)
        .date();
    let (folder, (year, month, day)) = (outputs::RUNS_FOLDER, (day.year(), day.month(), day.day()));
    let name = match (namespace, window) {
        (Some(namespace), _) => format!("{namespace}.{run}"),
        (None, Some(window)) => format!("{run}-{}-{}", instant(window.start), instant(window.end)),
        (None, None) => run.to_owned(),
    };
    format!("{folder}{year:04}/{month:02}/{day:02}/{name}.json")
}

/// Such as `20260105T020000Z`, in UTC; with a fraction where there is one.
fn instant(instant: Timestamp) -> impl std::fmt::Display {
    instant.strftime("%Y%m%dT%H%M%S%.fZ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_ends_before_what_differs_between_runs() {
        for (location, schedule, expected) in [
            ("az://predictions/{run}/", None, Some("az://predictions/")),
            (
                "az://pred/pumps/{window.start:%Y/%m/%d/%H}/",
                None,
                Some("az://pred/pumps/"),
            ),
            (
                "az://pred/{schedule}/{window.end}/",
                Some("pumps"),
                Some("az://pred/pumps/"),
            ),
            (
                "az://pred/{schedule}-{run}/x/",
                Some("pumps"),
                Some("az://pred/"),
            ),
            ("az://pred/{namespace}/{run}/", None, Some("az://pred/")),
            ("az://pred/all", None, Some("az://pred/all/")),
            ("az://pred/{{x}}/{run}/", None, Some("az://pred/{x}/")),
            ("file:///data/out/{run}/", None, Some("file:///data/out/")),
            ("file:///{run}/", None, None),
            ("az://{run}/", None, None),
            ("az://{namespace}-x/a/", None, None),
            ("az://pred/{schedule}/", None, None),
            ("az://pred/{run", None, None),
        ] {
            let expected = expected.map(|url| ObjectUrl::parse(url).unwrap());
            assert_eq!(root(location, schedule), expected, "{location}");
        }
    }

    #[test]
    fn a_record_lies_on_the_day_of_the_windows_end() {
        let start = "2026-11-28T16:00:00Z".parse().unwrap();
        let window = Window {
            start: "2018-08-28T23:00:00Z".parse().unwrap(),
            end: "2018-08-29T00:00:00Z".parse().unwrap(),
        };
        let path = record_path(Some("plant-a"), "pumps-1", Some(window), start);
        assert_eq!(path, "_runs/2018/08/29/plant-a.pumps-1.json");
        let path = record_path(None, "pumps", None, start);
        assert_eq!(path, "_runs/2026/11/28/pumps.json");
        let path = record_path(None, "pumps", Some(window), start);
        assert_eq!(
            path,
            "_runs/2018/08/29/pumps-20180828T230000Z-20180829T000000Z.json"
        );
    }
}
