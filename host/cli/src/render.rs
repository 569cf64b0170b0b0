//! The output formats of `uapi` and `whmapi1`.

use std::io;

use clap::ValueEnum;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::Value;
use zeroize::Zeroizing;

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// YAML, keys sorted
    Yaml,
    /// JSON on one line, as the server returns it
    Json,
    /// Indented JSON, keys sorted
    Jsonpretty,
    /// XML: an element for each key, list items as repeated elements
    Xml,
}

/// Formats a reply, given as JSON text, without a final line end. The result is wiped on drop because it may contain a new
/// token.
///
/// # Errors
/// If the text is not JSON.
pub fn render(reply: &str, form: Form) -> io::Result<Zeroizing<String>> {
    let text = reply.trim();
    let value: Value = serde_json::from_str(text)?;
    Ok(Zeroizing::new(match form {
        Form::Json => text.to_owned(),
        Form::Jsonpretty => serde_json::to_string_pretty(&value)?,
        Form::Yaml => yaml(&value)?,
        Form::Xml => xml(&value)?,
    }))
}

/// Formats YAML as the original does: with a document marker, and `~` for null.
fn yaml(value: &Value) -> io::Result<String> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false, compact_list_indent: false };
    let text = serde_saphyr::to_string_with_options(value, options).map_err(io::Error::other)?;
    let mut document = String::from("---");
    for line in text.lines() {
        document.push('\n');
        // A plain `null` after a key or a dash is the value null; a string `null` would be quoted.
        let is_null = line.ends_with(": null") || line.trim_start() == "- null";
        match line.strip_suffix("null").filter(|_| is_null) {
            Some(start) => {
                document.push_str(start);
                document.push('~');
            }
            None => document.push_str(line),
        }
    }
    Ok(document)
}

fn xml(value: &Value) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    element(&mut writer, "result", value)?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn element(writer: &mut Writer<Vec<u8>>, name: &str, value: &Value) -> io::Result<()> {
    let single = match value {
        Value::Array(items) if !items.is_empty() => {
            return items.iter().try_for_each(|item| element(writer, name, item));
        }
        other => other,
    };
    let start = match is_name(name) {
        true => writer.create_element(name),
        false => writer
            .create_element("item")
            .with_attribute(("name", clean(name).as_str())),
    };
    match single {
        Value::Object(entries) if !entries.is_empty() => {
            start
                .write_inner_content(|inner| entries.iter().try_for_each(|(key, value)| element(inner, key, value)))?;
        }
        Value::String(text) => {
            start.write_text_content(BytesText::new(&clean(text)))?;
        }
        Value::Number(_) | Value::Bool(_) => {
            start.write_text_content(BytesText::new(&single.to_string()))?;
        }
        // Null, and empty objects and lists.
        _ => {
            start.write_empty()?;
        }
    }
    Ok(())
}

/// Whether a key is a valid element name (XML 1.0, 2.3) in ASCII. A token's name may not be.
fn is_name(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Removes control characters that XML 1.0 cannot represent (2.2).
fn clean(text: &str) -> String {
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step of a test is a failed test")]

    use super::{Form, render};

    const REPLY: &str = r#"{"apiversion":3,"result":{"status":1,"data":[{"name":"1a","features":[],"expires_at":null},{"name":"b","features":["x","z"],"expires_at":7}],"errors":null,"metadata":{}}}"#;

    #[test]
    fn json_output_is_the_reply_unchanged() {
        assert_eq!(*render(REPLY, Form::Json).unwrap(), REPLY);
    }

    #[test]
    fn yaml_has_the_format_that_scripts_expect() {
        let expected = "---\napiversion: 3\nresult:\n  data:\n    - expires_at: ~\n      features: []\n      name: 1a\n    - expires_at: 7\n      features:\n        - x\n        - z\n      name: b\n  errors: ~\n  metadata: {}\n  status: 1";
        assert_eq!(*render(REPLY, Form::Yaml).unwrap(), expected);
    }

    #[test]
    fn yaml_quotes_ambiguous_text() {
        let reply = r#"{"a":"null","b":"x: null","c":"one\ntwo: null","d":"12345678901234567890123456789012","e":["null",null],"f":"- null","g: null":1}"#;
        let text = render(reply, Form::Yaml).unwrap();
        assert_eq!(text.matches('~').count(), 1, "{}", *text);
        assert!(text.contains("\n  - ~"), "{}", *text);
        assert!(text.contains("\"12345678901234567890123456789012\""), "{}", *text);
        assert_eq!(text.lines().count(), 10, "{}", *text);
    }

    #[test]
    fn xml_repeats_the_element_of_a_list_and_is_well_formed() {
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<result>\n  <apiversion>3</apiversion>\n  <result>\n    <data>\n      <expires_at/>\n      <features/>\n      <name>1a</name>\n    </data>\n    <data>\n      <expires_at>7</expires_at>\n      <features>x</features>\n      <features>z</features>\n      <name>b</name>\n    </data>\n    <errors/>\n    <metadata/>\n    <status>1</status>\n  </result>\n</result>";
        assert_eq!(*render(REPLY, Form::Xml).unwrap(), expected);
        let hostile = render(r#"{"1a<\"":{"x":"<&]]>\u0007"}}"#, Form::Xml).unwrap();
        assert!(hostile.contains("<item name=\"1a&lt;&quot;\">"), "{}", *hostile);
        assert!(hostile.contains("&lt;&amp;]]&gt;\u{fffd}"), "{}", *hostile);
    }

    #[test]
    fn text_that_is_not_json_is_an_error() {
        assert!(render("<html>", Form::Json).is_err());
    }
}
