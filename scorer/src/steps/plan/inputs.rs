use super::survey::Sizes;
use fleetscore_crds::Failure;
use fleetscore_readings::dataset::{Contents, no_object};

/// What there is of readings.
pub struct Inputs {
    all: Sizes,
    /// The last location, which the next sensor mostly shares, and what is there.
    last: Option<(String, Result<Vec<(String, u64)>, Failure>)>,
}

impl Inputs {
    /// `all`: every object that may hold readings.
    pub fn new(all: Sizes) -> Self {
        Self { all, last: None }
    }

    /// The object at `location`, or all readings under it when it ends in `/`; else why there are none.
    pub fn at(&mut self, location: &str) -> Result<&[(String, u64)], &Failure> {
        if self.last.as_ref().is_none_or(|(last, _)| last != location) {
            self.last = None;
        }
        let all = &self.all;
        let (_, found) = self
            .last
            .get_or_insert_with(|| (location.to_owned(), look_up(all, location)));
        found.as_deref()
    }
}

fn look_up(all: &Sizes, location: &str) -> Result<Vec<(String, u64)>, Failure> {
    if let Some(size) = all.get(location) {
        return Ok(vec![(location.to_owned(), *size)]);
    }
    let folder = format!("{}/", location.trim_end_matches('/'));
    let below = all
        .range(folder.clone()..)
        .take_while(|(url, _)| url.starts_with(&folder))
        .map(|(url, size)| (url.clone(), *size, (url.clone(), *size)));
    if location.ends_with('/') {
        return Contents::of(location, below).map(|contents| contents.data);
    }
    let message = format!("there are no readings at {location}");
    Err(no_object(location, below.count() > 0, message))
}
