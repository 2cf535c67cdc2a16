use crate::views::Query;

/// The tabs of a run's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The sensors.
    Sensors,
    /// The shards.
    Shards,
    /// The logs.
    Logs,
    /// The manifest, of a run that is in a cluster.
    Manifest,
}

/// All of them, in their order: the first is shown where none is asked for.
const ALL: [Tab; 4] = [Tab::Sensors, Tab::Shards, Tab::Logs, Tab::Manifest];

impl Tab {
    /// The tab that `query` asks for, of those that a run has.
    pub fn asked(query: &Query, is_recorded: bool, is_live: bool) -> Self {
        let mut tabs = Self::of(is_recorded, is_live).into_iter();
        let first = tabs.clone().next().unwrap_or(Self::Sensors);
        let asked = query.get("tab");
        tabs.find(|tab| asked == Some(tab.id())).unwrap_or(first)
    }

    /// The tabs of a run that has left a record, that is in a cluster, or both.
    pub fn of(is_recorded: bool, is_live: bool) -> Vec<Self> {
        let is_there = |tab: &Self| match tab {
            Self::Sensors => is_recorded,
            Self::Shards | Self::Logs => true,
            Self::Manifest => is_live,
        };
        ALL.into_iter().filter(is_there).collect()
    }

    /// Its name in an address.
    pub fn id(self) -> &'static str {
        match self {
            Self::Sensors => "sensors",
            Self::Shards => "shards",
            Self::Logs => "logs",
            Self::Manifest => "manifest",
        }
    }

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sensors => "Sensors",
            Self::Shards => "Shards",
            Self::Logs => "Logs",
            Self::Manifest => "Manifest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_that_a_run_does_not_have_is_not_shown() {
        for (query, is_recorded, is_live, tab) in [
            ("", true, false, Tab::Sensors),
            ("", false, true, Tab::Shards),
            ("tab=logs", true, false, Tab::Logs),
            ("tab=manifest", true, false, Tab::Sensors),
            ("tab=manifest", false, true, Tab::Manifest),
            ("tab=sensors", false, true, Tab::Shards),
            ("tab=%3Cscript%3E", true, true, Tab::Sensors),
        ] {
            let query_ = Query::parse(query);
            assert_eq!(Tab::asked(&query_, is_recorded, is_live), tab, "{query}");
        }
    }
}
