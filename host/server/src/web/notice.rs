//! A page with a message and links.

use askama::Template;

use crate::web::layout::Layout;

/// A page with a message and links.
#[derive(Template)]
#[template(path = "note.html")]
pub(crate) struct NoticePage<'a> {
    /// The layout. Its title is the heading.
    pub(crate) layout: Layout<'a>,
    /// The message's paragraphs.
    pub(crate) lines: &'a [&'a str],
    /// The links, with their texts.
    pub(crate) links: &'a [(&'static str, String)],
}
