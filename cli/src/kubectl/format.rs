//! In which form a command prints what it found.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::screen::{Page, Screen};
use crate::commands::{Result, failure, output};

/// Options of every command that prints.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct FormatArgs {
    /// The form; default: text for people
    #[arg(short, long, value_enum, value_name = "FORM")]
    pub output: Option<Form>,
    #[arg(
        help = "When words are coloured; NO_COLOR also turns it off",
        long, value_enum, value_name = "WHEN", default_value_t = Color::Auto
    )]
    /// When words are coloured.
    pub color: Color,
}

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Text, with all columns
    Wide,
    /// JSON, with the version of its form
    Json,
    /// The same as YAML
    Yaml,
    /// Names alone, one a line, such as run/pumps-1764324000
    Name,
    /// A line a sensor, with commas between its values: of `failed` and `sensors` alone
    Csv,
}

/// When words are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl FormatArgs {
    /// The screen that is drawn on.
    pub fn screen(&self) -> Screen {
        Screen::of(self.color, self.output == Some(Form::Wide))
    }

    /// Prints a view: as data, as names, as rows, or as `draw` draws it.
    pub fn print<V: Serialize>(
        &self,
        view: &V,
        names: impl FnOnce(&V) -> Vec<String>,
        draw: impl FnOnce(&V, &mut Page),
    ) -> Result<()> {
        match self.output {
            Some(Form::Json) => output::print_json(view),
            Some(Form::Yaml) => print_yaml(view),
            Some(Form::Name) => {
                let lines = names(view).into_iter().map(|name| name + "\n");
                output::print(lines.collect::<String>())
            }
            Some(Form::Csv) => Err(crate::commands::usage(anyhow::anyhow!(
                "-o csv: this command prints no table of sensors; `failed` and `sensors` do"
            ))),
            None | Some(Form::Wide) => {
                let mut page = Page::new(self.screen());
                draw(view, &mut page);
                page.print()
            }
        }
    }
}

fn print_yaml(view: &impl Serialize) -> Result<()> {
    // By way of JSON, whose names and order they share.
    let value = serde_json::to_value(view).map_err(failure)?;
    let text = serde_saphyr::to_string(&value).map_err(failure)?;
    output::print(text)
}
