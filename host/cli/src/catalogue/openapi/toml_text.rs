//! The text of a catalogue file, with a comment for each operation.

use tokenlatch::core::Route;

use super::groups::Written;
use super::routes::Converted;

/// The most characters of a comment.
const MAX_COMMENT: usize = 160;

/// Writes a catalogue file in TOML.
pub fn toml_text(converted: &Converted, head: &[String]) -> String {
    let mut text: String = head.iter().map(|line| comment(line)).collect();
    text += "builtin = false   # leave it out if the API has cPanel's functions, too\n";
    text += "default = \"full\"  # what no route names is for full tokens that may write; \"deny\" refuses it\n";
    for Written {
        route,
        operations,
        notes,
        reason,
        open,
        ..
    } in &converted.routes
    {
        text.push('\n');
        for line in operations {
            text += &comment(line);
        }
        if let Some(reason) = reason {
            text += &comment(&format!("For full tokens only: {reason}."));
        }
        for note in notes {
            text += &comment(&format!("Note: {note}."));
        }
        if *open {
            text += &comment(
                "The document requires nothing for it. `public = true` instead of `feature` would let it through without a token.",
            );
        }
        text += &table(route);
    }
    text
}

/// The strings of a route that the core accepts need no escapes.
fn table(route: &Route) -> String {
    let Route {
        method, path, writes, ..
    } = route;
    let feature = route
        .feature
        .as_ref()
        .map(|feature| format!("feature = \"{feature}\"\n"));
    let feature = feature.unwrap_or_default();
    format!("[[route]]\nmethod = \"{method}\"\npath = \"{path}\"\n{feature}writes = {writes}\n")
}

/// A line of comment. What a document says becomes one line without characters that a reader can't see.
fn comment(text: &str) -> String {
    format!("# {}\n", one_line(text))
}

/// A text on one line, cut if it is long.
pub fn one_line(text: &str) -> String {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let words: Vec<&str> = text
        .split(|character: char| hidden(character) || character.is_whitespace())
        .collect();
    let line: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let line = line.join(" ");
    match line.char_indices().nth(MAX_COMMENT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_COMMENT, comment, one_line};

    #[test]
    fn a_comment_is_one_visible_line() {
        assert_eq!(
            comment("a\nb = 1\r\n[[route]]\u{2028}\u{202e}c\u{0}\td"),
            "# a b = 1 [[route]] c d\n"
        );
        let long = one_line(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), MAX_COMMENT + 1);
    }
}
