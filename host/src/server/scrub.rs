//! Takes secrets out of text, whatever wrote it.

/// The shortest run of a secret's characters that is taken out: less than a secret has, so that no useful part of one
/// stays, and more than any number has digits.
const RUN: usize = 24;

/// What stands there instead.
const MARK: &[u8] = b"[secret]";

/// Replaces each run of 24 or more characters `A-Z 0-9`, of which secrets consist. Text without one is not copied.
#[must_use]
pub fn scrub(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let mut clean: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut start = 0;
    let mut at = 0;
    let take_out = |start: usize, end: usize, copied: &mut usize, clean: &mut Option<Vec<u8>>| {
        if end - start >= RUN {
            let clean = clean.get_or_insert_with(|| Vec::with_capacity(text.len()));
            clean.extend_from_slice(text.get(*copied..start).unwrap_or_default());
            clean.extend_from_slice(MARK);
            *copied = end;
        }
    };
    for byte in text {
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            take_out(start, at, &mut copied, &mut clean);
            start = at + 1;
        }
        at += 1;
    }
    take_out(start, at, &mut copied, &mut clean);
    match clean {
        None => text.into(),
        Some(mut clean) => {
            clean.extend_from_slice(text.get(copied..).unwrap_or_default());
            clean.into()
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
    fn secrets_are_taken_out_wherever_they_stand() {
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
    fn other_text_stays() {
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
