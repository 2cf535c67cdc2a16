//! What is drawn on, and in which tones. Text of others is made visible before it comes here onto a page.

use std::borrow::Cow;
use std::io::IsTerminal as _;

use fleetscore_crds::visible;
use unicode_width::UnicodeWidthStr as _;

use super::format::Color;
use super::table::Table;
use crate::commands::{Result, output};

/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 40;

/// Where text goes.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Its columns; none: lines may be as long as they are.
    pub width: Option<usize>,
    /// Whether words are coloured.
    pub color: bool,
    /// Whether all columns of tables are asked for.
    pub wide: bool,
}

impl Screen {
    /// Standard output as it is: `COLUMNS`, else the terminal's columns, else no end of them.
    pub fn of(color: Color, wide: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let said = std::env::var("COLUMNS").ok();
        let width = said.and_then(|text| text.parse().ok()).or_else(|| {
            let (width, _) = terminal_size::terminal_size()?;
            terminal.then_some(usize::from(width.0))
        });
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        Self {
            width: width.map(|width| width.max(NARROWEST)),
            color,
            wide,
        }
    }
}

/// How a word is meant. It is never told by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// Good.
    Good,
    /// To be looked at.
    Warn,
    /// Bad.
    Bad,
    /// Less important.
    Dim,
    /// A heading.
    Head,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Warn => Some("33"),
            Self::Bad => Some("31"),
            Self::Dim => Some("2"),
            Self::Head => Some("1"),
        }
    }
}

/// A piece of text on one line.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// Text in a tone. What nobody would see in it is written out.
    pub fn new(text: impl AsRef<str>, tone: Tone) -> Self {
        Self {
            text: visible(text.as_ref()).into_owned(),
            tone,
        }
    }

    /// What is on it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its tone.
    pub fn tone(&self) -> Tone {
        self.tone
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.text.width()
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// What a command shows.
#[derive(Debug)]
pub struct Page {
    screen: Screen,
    text: String,
}

impl Page {
    /// An empty page.
    pub fn new(screen: Screen) -> Self {
        Self {
            screen,
            text: String::new(),
        }
    }

    /// Where it goes.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// What is on it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing is on it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a line of pieces, as they are.
    pub fn line(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut line = String::new();
        for cell in cells {
            line.push_str(&self.painted(&cell.text, cell.tone));
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Adds what was drawn before.
    pub fn raw(&mut self, drawn: &str) {
        self.text.push_str(drawn);
    }

    /// Adds an empty line, unless the page is still empty.
    pub fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Adds `text` behind `label`, broken between words where the screen ends; later lines begin below the text.
    pub fn paragraph(&mut self, label: &Cell, text: &Cell) {
        let indent = label.width();
        let room = self.screen.width.map(|width| width.saturating_sub(indent));
        for (number, line) in wrapped(text.text(), room).into_iter().enumerate() {
            let before = if number == 0 {
                self.painted(label.text(), label.tone())
            } else {
                Cow::Owned(" ".repeat(indent))
            };
            let line = format!("{before}{}", self.painted(&line, text.tone()));
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        for line in table.lines(self.screen) {
            self.line(line);
        }
    }

    /// Prints it.
    pub fn print(&self) -> Result<()> {
        output::print_as_is(self.text.as_bytes())
    }

    fn painted<'a>(&self, text: &'a str, tone: Tone) -> Cow<'a, str> {
        match tone
            .code()
            .filter(|_| self.screen.color && !text.trim().is_empty())
        {
            None => Cow::Borrowed(text),
            Some(code) => Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m")),
        }
    }
}

/// The text in lines of at most so many columns, broken between words; a longer word is a line of its own.
pub fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![text.to_owned()];
    };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else {
            break;
        };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
