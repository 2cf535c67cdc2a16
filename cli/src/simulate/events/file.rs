use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::courier::instant;
use super::{Error, Event, Sink};

/// A file with a line of JSON an event.
pub(super) struct Lines {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Lines {
    /// Creates the file; one that is there is only replaced with `force`.
    pub(super) fn create(path: &Path, force: bool) -> Result<Self, Error> {
        let file = if force {
            File::create(path)
        } else {
            File::create_new(path)
        };
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::new(file.map_err(Error::io(path))?),
        })
    }
}

impl Sink for Lines {
    fn push(&mut self, event: &Event, partition: i32) -> Result<(), Error> {
        let arrival = instant(event.arrival);
        let body = &event.body;
        writeln!(
            self.out,
            r#"{{"arrival":"{arrival}","partition":{partition},"event":{body}}}"#
        )
        .map_err(Error::io(&self.path))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::io(&self.path))
    }
}
