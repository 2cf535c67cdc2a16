use fleetscore_crds::SensorKey;
use jiff::Timestamp;

use crate::history::Series;
use crate::links::NO_NAMESPACE;
use crate::slug;

/// What an address means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The first page.
    Overview,
    /// The list of runs.
    Runs,
    /// The nodes.
    Nodes,
    /// A run by namespace (empty outside a cluster) and name, and where others have its name, by its start.
    Run(String, String, Option<Timestamp>),
    /// A series.
    Schedule(Series),
    /// The health of a series' models.
    Health(Series),
    /// A sensor of a series.
    Sensor(Series, SensorKey),
}

/// The ending of an address that means the page's numbers.
const JSON: &str = ".json";

impl Route {
    /// Reads a path: the page, and whether its numbers are wanted. None where there is no such page.
    pub fn parse(path: &str) -> Option<(Self, bool)> {
        if path == "/overview.json" {
            return Some((Self::Overview, true));
        }
        let (page, is_json) = match path.strip_suffix(JSON) {
            Some(page) => (page, true),
            None => (path, false),
        };
        let segments: Vec<_> = page.strip_prefix('/')?.split('/').collect();
        let series = |space: &str, name: &str| {
            let (namespace, name) = (namespace(space)?, self::name(name)?);
            Some(Series { namespace, name })
        };
        let route = match segments.as_slice() {
            [""] if !is_json => Self::Overview,
            ["nodes"] => Self::Nodes,
            ["runs"] => Self::Runs,
            ["runs", space, run] => Self::Run(namespace(space)?, name(run)?, None),
            ["runs", space, run, start] => {
                Self::Run(namespace(space)?, name(run)?, Some(start.parse().ok()?))
            }
            ["schedules", space, name] => Self::Schedule(series(space, name)?),
            ["health", space, name] => Self::Health(series(space, name)?),
            ["sensors", space, name, key] => {
                Self::Sensor(series(space, name)?, slug::decode_key(key)?)
            }
            _ => return None,
        };
        Some((route, is_json))
    }

    /// The path of the numbers of the page at `path`.
    pub fn json(path: &str) -> String {
        if path == "/" {
            "/overview.json".into()
        } else {
            format!("{path}{JSON}")
        }
    }
}

fn namespace(segment: &str) -> Option<String> {
    if segment == NO_NAMESPACE {
        Some(String::new())
    } else {
        slug::decode(segment)
    }
}

fn name(segment: &str) -> Option<String> {
    if segment == "~" {
        Some(String::new())
    } else {
        slug::decode(segment)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_mean_pages() {
        let pumps = Series {
            namespace: "plant-a".into(),
            name: "pumps".into(),
        };
        let laptop = Series {
            namespace: String::new(),
            name: "run:plant".into(),
        };
        let start = "2026-11-28T16:00:00.5Z".parse().ok();
        let key: SensorKey = [("device", "1"), ("tag", "a/b")].into_iter().collect();
        for (path, route) in [
            ("/", Some((Route::Overview, false))),
            ("/overview.json", Some((Route::Overview, true))),
            ("/runs", Some((Route::Runs, false))),
            ("/nodes", Some((Route::Nodes, false))),
            ("/runs.json", Some((Route::Runs, true))),
            (
                "/runs/plant-a/x~2Ejson",
                Some((Route::Run("plant-a".into(), "x.json".into(), None), false)),
            ),
            (
                "/runs/-/x.json",
                Some((Route::Run(String::new(), "x".into(), None), true)),
            ),
            (
                "/runs/-/x/2026-11-28T16:00:00.5Z.json",
                Some((Route::Run(String::new(), "x".into(), start), true)),
            ),
            (
                "/schedules/plant-a/pumps",
                Some((Route::Schedule(pumps.clone()), false)),
            ),
            ("/health/-/run:plant", Some((Route::Health(laptop), false))),
            (
                "/sensors/plant-a/pumps/device=1,tag=a~2Fb",
                Some((Route::Sensor(pumps, key), false)),
            ),
            ("/.json", None),
            ("/runs/", None),
            ("/runs/a/b/c", None),
            ("/runs/a/b/2026-11-28T16:00:00Z/d", None),
            ("/etc/passwd", None),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_harmless(path in any::<String>()) {
            let _ = Route::parse(&path);
        }
    }
}
