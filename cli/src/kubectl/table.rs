//! Tables: columns that are as wide as what is in them, and fewer of them where the screen is narrow.

use super::screen::{Cell, Screen, Tone, wrapped};

/// Columns between two columns.
const GAP: usize = 2;
/// A column that is broken into lines has at least so many columns.
const BROKEN: usize = 16;

/// A column.
#[derive(Clone, Debug)]
struct Column {
    title: &'static str,
    /// Columns of the highest rank are left out first; those of rank 0 never.
    rank: u8,
    /// Only shown where all columns are asked for.
    wide: bool,
}

/// Rows under titles. The last column is broken into lines where nothing else helps.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column. Those of the highest rank are left out first where the screen is narrow, those of rank 0 never.
    #[must_use]
    pub fn column(mut self, title: &'static str, rank: u8) -> Self {
        self.columns.push(Column {
            title,
            rank,
            wide: false,
        });
        self
    }

    /// Adds a column that is shown with `-o wide` alone.
    #[must_use]
    pub fn wide(mut self, title: &'static str) -> Self {
        self.columns.push(Column {
            title,
            rank: u8::MAX,
            wide: true,
        });
        self
    }

    /// Adds a row: a piece a column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Cell::default());
        self.rows.push(cells);
    }

    /// Its lines on this screen.
    pub fn lines(&self, screen: Screen) -> Vec<Vec<Cell>> {
        let (shown, widths) = self.fitted(screen);
        let titles = shown.iter().map(|column| {
            let title = self.columns.get(*column).map_or("", |found| found.title);
            Cell::new(title, Tone::Head)
        });
        let titles: Vec<_> = titles.collect();
        let rows = self.rows.iter().map(|row| {
            let cells = shown.iter().map(|column| row.get(*column).cloned());
            cells.map(Option::unwrap_or_default).collect::<Vec<_>>()
        });
        std::iter::once(titles)
            .chain(rows)
            .flat_map(|row| laid_out(&row, &widths))
            .collect()
    }

    /// The columns that are shown, and how wide each is.
    fn fitted(&self, screen: Screen) -> (Vec<usize>, Vec<usize>) {
        let number = |column: usize| self.columns.get(column);
        let mut shown: Vec<usize> = (0..self.columns.len())
            .filter(|column| screen.wide || number(*column).is_some_and(|found| !found.wide))
            .collect();
        let widths = |shown: &[usize]| -> Vec<usize> {
            let width = |column: &usize| self.width(*column);
            shown.iter().map(width).collect()
        };
        let total =
            |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut fitted = widths(&shown);
        let Some(width) = screen.width else {
            return (shown, fitted);
        };
        while total(&fitted) > width && !screen.wide {
            let rank = |place: &usize| {
                let column = shown.get(*place).and_then(|column| number(*column));
                column.map_or(0, |found| found.rank)
            };
            let last = (0..shown.len())
                .max_by_key(rank)
                .filter(|place| rank(place) > 0);
            let Some(place) = last else {
                break;
            };
            shown.remove(place);
            fitted = widths(&shown);
        }
        let over = total(&fitted).saturating_sub(width);
        if let Some(last) = fitted.last_mut() {
            *last = last.saturating_sub(over).max(BROKEN.min(*last));
        }
        (shown, fitted)
    }

    fn width(&self, column: usize) -> usize {
        let title = self
            .columns
            .get(column)
            .map_or(0, |found| found.title.len());
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(Cell::width).max().unwrap_or(0).max(title)
    }
}

/// The lines of a row. The last piece may take several.
fn laid_out(row: &[Cell], widths: &[usize]) -> Vec<Vec<Cell>> {
    let Some((last, before)) = row.split_last() else {
        return Vec::new();
    };
    let room = widths.last().copied();
    let mut first = Vec::new();
    let mut indent = 0;
    for (cell, width) in before.iter().zip(widths) {
        first.push(cell.clone());
        let padding = width.saturating_sub(cell.width()) + GAP;
        first.push(Cell::from(" ".repeat(padding)));
        indent += width + GAP;
    }
    let mut texts = wrapped(last.text(), room).into_iter();
    let mut lines = Vec::new();
    first.push(Cell::new(texts.next().unwrap_or_default(), last.tone()));
    lines.push(first);
    lines.extend(
        texts.map(|text| vec![Cell::from(" ".repeat(indent)), Cell::new(text, last.tone())]),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: Option<usize>, wide: bool) -> Vec<String> {
        let mut table = Table::new()
            .column("NAME", 0)
            .column("SECONDARY", 2)
            .column("FIRST TO STAY", 1)
            .wide("EXTRA")
            .column("MESSAGE", 0);
        let cells = ["pumps", "b", "c", "extra", "a message of several words"];
        table.row(cells.map(Cell::from));
        let screen = Screen {
            width,
            color: false,
            wide,
        };
        let text = |line: Vec<Cell>| line.iter().map(Cell::text).collect::<String>();
        table.lines(screen).into_iter().map(text).collect()
    }

    #[test]
    fn a_narrow_screen_has_fewer_columns_and_then_broken_ones() {
        assert_eq!(
            drawn(None, false),
            [
                "NAME   SECONDARY  FIRST TO STAY  MESSAGE",
                "pumps  b          c              a message of several words"
            ]
        );
        assert_eq!(
            drawn(Some(50), false),
            [
                "NAME   FIRST TO STAY  MESSAGE",
                "pumps  c              a message of several words"
            ]
        );
        assert_eq!(
            drawn(Some(28), false),
            [
                "NAME   MESSAGE",
                "pumps  a message of several",
                "       words"
            ]
        );
        assert_eq!(
            drawn(None, true)[0],
            "NAME   SECONDARY  FIRST TO STAY  EXTRA  MESSAGE"
        );
    }
}
