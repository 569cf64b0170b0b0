//! Names a forbidden character in an error message, so that people find even invisible ones.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// Appends the forbidden character to a rule: `RULE; the last character is a space`.
///
/// Names the first character that `allowed` rejects, or returns the rule alone. Not for secrets: the message contains
/// the character.
pub(crate) fn with_culprit(rule: &'static str, text: &str, allowed: fn(char) -> bool) -> Cow<'static, str> {
    let Some((at, character)) = text.chars().enumerate().find(|(_, character)| !allowed(*character)) else {
        return Cow::Borrowed(rule);
    };
    let place = if at == 0 {
        Cow::Borrowed("the first character")
    } else if text.chars().nth(at.saturating_add(1)).is_none() {
        Cow::Borrowed("the last character")
    } else {
        Cow::Owned(format!("character {}", at.saturating_add(1)))
    };
    Cow::Owned(format!("{rule}; {place} is {}", name_of(character)))
}

/// The name of a character. An invisible one, or one that resembles another, is given with its code point.
fn name_of(character: char) -> String {
    let code = u32::from(character);
    let what = match character {
        ' ' => return "a space".into(),
        '\t' => return "a tab".into(),
        '\n' | '\r' => return "a line break".into(),
        '!'..='~' => return format!("`{character}`"),
        '\u{a0}' | '\u{202f}' => "a no-break space",
        '\u{ad}' => "a soft hyphen",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{2060}' => "a word joiner",
        '\u{feff}' => "a byte order mark",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a text direction mark"
        }
        '\u{2028}' | '\u{2029}' => "a line break",
        _ if character.is_whitespace() => "a space",
        _ if character.is_control() => "a control character",
        // A combining mark would attach to the character before it in the message.
        '\u{300}'..='\u{36f}' => "a combining mark",
        // Letters of common scripts are visible; others may not be.
        '\u{a1}'..='\u{24f}'
        | '\u{370}'..='\u{482}'
        | '\u{48a}'..='\u{52f}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' => return format!("`{character}` (U+{code:04X})"),
        _ => return format!("U+{code:04X}"),
    };
    format!("{what} (U+{code:04X})")
}
