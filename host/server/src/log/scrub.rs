//! Removes secrets from text.

use std::borrow::Cow;

/// Minimum length of a run of secret characters that is removed. It is shorter than a secret, so that no useful part of one
/// remains, and longer than any number.
const RUN: usize = 24;

/// The replacement for a secret.
const MARK: &[u8] = b"[secret]";

/// The prefix of a session's number in a path, and the replacement for the number.
const NUMBERED: &[u8] = b"cpsess";
const NUMBER_MARK: &[u8] = "…".as_bytes();

/// Replaces each run of 24 or more characters `A-Z 0-9`, which secrets consist of, and the session number after each `cpsess`.
/// Text without either is not copied.
#[must_use]
pub fn scrub(text: &[u8]) -> Cow<'_, [u8]> {
    let mut clean = Scrubbed {
        text,
        copied: 0,
        made: None,
    };
    let mut start = 0;
    let mut at = 0;
    for byte in text {
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            clean.run(start, at);
            start = at + 1;
        }
        at += 1;
    }
    clean.run(start, at);
    clean.done()
}

/// A text that is copied once the first secret is replaced.
struct Scrubbed<'a> {
    text: &'a [u8],
    /// How much of `text` has been copied to `made`.
    copied: usize,
    made: Option<Vec<u8>>,
}

impl<'a> Scrubbed<'a> {
    /// Checks a run of capital letters and digits.
    fn run(&mut self, start: usize, end: usize) {
        if end - start >= RUN {
            self.put(start, end, MARK);
        } else if end > start && self.text.get(..start).is_some_and(|before| before.ends_with(NUMBERED)) {
            self.put(start, end, NUMBER_MARK);
        }
    }

    fn put(&mut self, start: usize, end: usize, mark: &[u8]) {
        let made = self.made.get_or_insert_with(|| Vec::with_capacity(self.text.len()));
        made.extend_from_slice(self.text.get(self.copied..start).unwrap_or_default());
        made.extend_from_slice(mark);
        self.copied = end;
    }

    fn done(self) -> Cow<'a, [u8]> {
        match self.made {
            None => self.text.into(),
            Some(mut made) => {
                made.extend_from_slice(self.text.get(self.copied..).unwrap_or_default());
                made.into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(text: &str) -> String {
        String::from_utf8_lossy(&scrub(text.as_bytes())).into_owned()
    }

    #[test]
    fn removes_secrets_anywhere_in_the_text() {
        let secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
        for (before, after) in [
            ("", ""),
            ("cpanel alice:", "\r\n"),
            ("tl_", "0ABCDEF"),
            ("b\"", "\""),
            ("?token=", "&a=b"),
        ] {
            let text = scrubbed(&format!("{before}{secret}{after}{before}{secret}{after}"));
            assert!(!text.contains("ABCDEFGH"), "{text}");
            assert!(text.starts_with(before), "{text}");
        }
    }

    #[test]
    fn removes_the_session_number() {
        assert_eq!(
            scrubbed("GET /cpsess0123456789/tokens and /cpsess9/"),
            "GET /cpsess…/tokens and /cpsess…/"
        );
        assert_eq!(scrubbed("cpsess, cpsession=x"), "cpsess, cpsession=x");
    }

    #[test]
    fn leaves_other_text_unchanged() {
        for text in [
            "",
            "plain",
            "POST /execute/Tokens/list 200",
            "ABCDEFGHIJKLMNO",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(scrubbed(text), text);
        }
    }
}
