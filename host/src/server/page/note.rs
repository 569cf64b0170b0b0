//! A page that says one thing and offers ways on.

use askama::Template;

use super::reply::Layout;

/// A page that says one thing and offers ways on.
#[derive(Template)]
#[template(path = "note.html")]
pub(super) struct NotePage<'a> {
    /// What is around it; its title is the heading.
    pub(super) layout: Layout<'a>,
    /// What it says.
    pub(super) lines: &'a [&'a str],
    /// What can be done now, and where.
    pub(super) links: &'a [(&'static str, String)],
}
