use fleetscore_crds::SCHEDULE_LABEL;
use fleetscore_crds::contract::run_pod::RUN_LABEL;
use k8s_openapi::api::batch::v1::Job;

use crate::request::Seen;
use crate::{Cluster, ClusterError, Pod, Run, Schedule, Scope, Selector, Stream};

/// What a person calls a run, a schedule or a stream: its name, or `run/NAME`, `schedule/NAME`, `stream/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The kind, where it was said.
    kind: Option<Word>,
    /// The name.
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Run,
    Schedule,
    Stream,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once('/') {
            None => (None, text),
            Some((kind, name)) => (Some(word(kind)?), name),
        };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        if name.is_empty() || name.len() > 253 || !name.chars().all(allowed) {
            return Err(format!("{name:?} is not the name of an object"));
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

fn word(kind: &str) -> Result<Word, String> {
    match kind {
        "run" | "srun" | "scoringrun" | "scoringruns" => Ok(Word::Run),
        "schedule" | "ssch" | "scoringschedule" | "scoringschedules" => Ok(Word::Schedule),
        "stream" | "rstream" | "readingstream" | "readingstreams" => Ok(Word::Stream),
        other => Err(format!(
            "{other:?} is none of run, schedule and stream; write run/NAME, schedule/NAME or stream/NAME"
        )),
    }
}

/// The kinds that a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Runs.
    pub runs: bool,
    /// Schedules.
    pub schedules: bool,
    /// Streams.
    pub streams: bool,
}

impl Kinds {
    /// Runs, schedules and streams.
    pub const ALL: Self = Self {
        runs: true,
        schedules: true,
        streams: true,
    };
    /// Runs and schedules, which have runs.
    pub const RUNS: Self = Self {
        streams: false,
        ..Self::ALL
    };
}

/// What a name means.
#[derive(Clone, Debug)]
pub enum Found {
    /// A run.
    Run(Box<Run>),
    /// A schedule.
    Schedule(Box<Schedule>),
    /// A stream.
    Stream(Box<Stream>),
}

/// The object that `target` means.
///
/// # Errors
///
/// [`ClusterError::NotFound`] where there is none, [`ClusterError::Ambiguous`] where there are several.
pub async fn find(
    cluster: &Cluster,
    scope: &Scope,
    target: &Target,
    kinds: Kinds,
) -> Result<Found, ClusterError> {
    let name = &target.name;
    let asked = |word: Word, taken: bool| match target.kind {
        None => taken,
        Some(kind) => taken && kind == word,
    };
    let mut found = Vec::new();
    if asked(Word::Run, kinds.runs) {
        let runs = cluster.named::<Run>(scope, name).await?;
        found.extend(runs.into_iter().map(|run| Found::Run(Box::new(run))));
    }
    if asked(Word::Schedule, kinds.schedules) {
        let schedules = cluster.named::<Schedule>(scope, name).await?;
        let schedules = schedules.into_iter().map(Box::new);
        found.extend(schedules.map(Found::Schedule));
    }
    if asked(Word::Stream, kinds.streams) {
        let streams = cluster.named::<Stream>(scope, name).await?;
        found.extend(
            streams
                .into_iter()
                .map(|stream| Found::Stream(Box::new(stream))),
        );
    }
    if found.len() > 1 {
        let ways: Vec<_> = found.iter().map(Found::way).collect();
        return Err(ClusterError::Ambiguous(format!(
            "{name} is more than one object; say which: {}",
            ways.join(", or ")
        )));
    }
    let words = [
        (asked(Word::Run, kinds.runs), "run"),
        (asked(Word::Schedule, kinds.schedules), "schedule"),
        (asked(Word::Stream, kinds.streams), "stream"),
    ];
    let words = words.iter().filter(|(asked, _)| *asked);
    let words: Vec<_> = words.map(|(_, word)| *word).collect();
    found.pop().ok_or_else(|| match words.as_slice() {
        [] => ClusterError::Ambiguous(format!("{name}: this command takes no object of that kind")),
        words => ClusterError::NotFound(format!("{} {name} {}", words.join(" or "), scope.words())),
    })
}

impl Found {
    /// How a person says that this object is meant.
    fn way(&self) -> String {
        let (word, name, namespace) = match self {
            Self::Run(run) => ("run", run.name(), run.namespace()),
            Self::Schedule(schedule) => ("schedule", schedule.name(), schedule.namespace()),
            Self::Stream(stream) => ("stream", stream.name(), stream.namespace()),
        };
        format!("{word}/{name} -n {namespace}")
    }
}

impl Cluster {
    /// The objects of this name: one at most in a namespace.
    async fn named<T: Seen>(&self, scope: &Scope, name: &str) -> Result<Vec<T>, ClusterError> {
        if *scope == Scope::All {
            let selector = Selector::field("metadata.name", name);
            return Ok(self.list(scope, &selector).await?.items);
        }
        match self.get(scope, name).await {
            Ok(object) => Ok(vec![object]),
            Err(ClusterError::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The runs of a schedule, newest first.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn runs_of(&self, scope: &Scope, schedule: &str) -> Result<Vec<Run>, ClusterError> {
        let selector = Selector::label(SCHEDULE_LABEL, schedule);
        let mut runs = self.list::<Run>(scope, &selector).await?.items;
        runs.sort_by(|one, other| {
            let key = |run: &Run| (run.created(), run.name().to_owned());
            key(other).cmp(&key(one))
        });
        Ok(runs)
    }

    /// The Jobs and pods of a run, and whether there are more pods than were read.
    ///
    /// # Errors
    ///
    /// What can happen to a request.
    pub async fn children(&self, run: &Run) -> Result<(Vec<Job>, Vec<Pod>, bool), ClusterError> {
        let scope = Scope::Namespace(run.namespace().to_owned());
        let selector = Selector::label(RUN_LABEL, run.name());
        let (jobs, pods) = tokio::join!(
            self.list::<Job>(&scope, &selector),
            self.list::<Pod>(&scope, &selector),
        );
        let (jobs, pods) = (jobs?, pods?);
        Ok((jobs.items, pods.items, pods.more))
    }

    /// The run that `target` means: a run, or the newest one of a schedule.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotFound`] where there is none.
    pub async fn run(&self, scope: &Scope, target: &Target) -> Result<Run, ClusterError> {
        match find(self, scope, target, Kinds::RUNS).await? {
            Found::Run(run) => Ok(*run),
            Found::Schedule(schedule) => {
                let place = Scope::Namespace(schedule.namespace().to_owned());
                let mut runs = self.runs_of(&place, schedule.name()).await?.into_iter();
                runs.next().ok_or_else(|| {
                    ClusterError::NotFound(format!(
                        "a run of schedule {} {}",
                        schedule.name(),
                        place.words()
                    ))
                })
            }
            Found::Stream(stream) => Err(ClusterError::NotFound(format!(
                "a run of stream {}",
                stream.name()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_their_kind_or_not() {
        let target: Target = "schedule/pumps"
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(target.kind, Some(Word::Schedule));
        assert_eq!(target.name, "pumps");
        for wrong in [
            "",
            "run/",
            "pod/x",
            "run/a/b",
            "a b",
            "\u{1b}[2J",
            "../../secrets",
        ] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong:?}");
        }
    }
}
