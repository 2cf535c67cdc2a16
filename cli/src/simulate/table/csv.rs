use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Clock, Layout, Row, Table};
use crate::simulate::Error;

const BUFFER: usize = 1 << 20;

/// A CSV file with a header line and `\n` at the end of every line.
pub(super) struct CsvTable {
    path: PathBuf,
    out: BufWriter<File>,
    clock: Clock,
    labelled: bool,
}

impl CsvTable {
    /// Writes the header.
    pub(super) fn new(path: &Path, file: File, layout: &Layout) -> Result<Self, Error> {
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let label = if layout.labelled { ",Label" } else { "" };
        writeln!(out, "TS,Device,Tag,{}{label}", layout.features.join(","))
            .map_err(Error::io(path))?;
        Ok(Self {
            path: path.to_owned(),
            out,
            clock: Clock::new(layout.time_format),
            labelled: layout.labelled,
        })
    }

    fn write(&mut self, row: Row<'_>) -> std::io::Result<()> {
        self.clock.write(row.time, &mut self.out)?;
        write!(self.out, ",{},{}", row.place.device, row.place.tag)?;
        for value in row.values {
            let sign = if *value < 0 { "-" } else { "" };
            let size = value.unsigned_abs();
            write!(self.out, ",{sign}{}.{:04}", size / 10_000, size % 10_000)?;
        }
        let end: &[u8] = match (self.labelled, row.anomalous) {
            (false, _) => b"\n",
            (true, false) => b",0\n",
            (true, true) => b",1\n",
        };
        self.out.write_all(end)
    }
}

impl Table for CsvTable {
    fn push(&mut self, row: Row<'_>) -> Result<(), Error> {
        self.write(row).map_err(Error::io(&self.path))
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        self.out.flush().map_err(Error::io(&self.path))
    }
}
