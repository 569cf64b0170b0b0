//! Prints tables with aligned columns, and colour for what needs attention.

use comfy_table::{Attribute, Cell, Color, Table, presets};

/// The style of a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// No style.
    Plain,
    /// Valid.
    Good,
    /// Needs attention soon.
    Warn,
    /// No longer valid.
    Bad,
    /// Less important.
    Faint,
}

/// A row: the text and the style of each cell.
pub type Row = Vec<(String, Tone)>;

/// Formats a table.
pub fn render_table(heading: &[&str], rows: Vec<Row>, colour: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(
        heading
            .iter()
            .map(|word| Cell::new(word).add_attribute(Attribute::Bold)),
    );
    for row in rows {
        table.add_row(row.into_iter().map(|(words, tone)| {
            let cell = Cell::new(words);
            match tone {
                Tone::Plain => cell,
                Tone::Good => cell.fg(Color::Green),
                Tone::Warn => cell.fg(Color::Yellow),
                Tone::Bad => cell.fg(Color::Red),
                Tone::Faint => cell.add_attribute(Attribute::Dim),
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}
