//! Tables for people: columns under headings, nothing around them, so that lines can be cut and searched.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// A heading, and how its column is aligned.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    heading: String,
    alignment: CellAlignment,
}

impl Column {
    /// Words.
    pub(crate) fn text(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            alignment: CellAlignment::Left,
        }
    }

    /// What stands above it.
    pub(crate) fn heading(&self) -> &str {
        &self.heading
    }

    /// Amounts, one below the other.
    pub(crate) fn number(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            alignment: CellAlignment::Right,
        }
    }
}

/// The table, with a line end. Cells may come from anybody: nothing in them can move a cursor or end a line.
pub(crate) fn render(columns: &[Column], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|column| column.heading.clone()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for (index, column) in columns.iter().enumerate() {
        if let Some(found) = table.column_mut(index) {
            found.set_cell_alignment(column.alignment);
            found.set_padding((0, 2));
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `text` with what would steer a terminal, or turn the direction of text, made visible.
pub(crate) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let columns = [Column::text("PROVIDER"), Column::number("REQUESTS")];
        let rows = [
            vec!["openai".to_owned(), "450,000".to_owned()],
            vec!["b".to_owned(), "1".to_owned()],
        ];
        assert_eq!(
            render(&columns, &rows),
            "PROVIDER  REQUESTS\n\
             openai     450,000\n\
             b                1\n"
        );
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let rows = [vec!["\u{1b}[2J\rgpt\n\u{202e}4".to_owned()]];
        assert_eq!(
            render(&[Column::text("MODEL")], &rows),
            "MODEL\n\\u{1b}[2J\\rgpt\\n\\u{202e}4\n"
        );
    }
}
