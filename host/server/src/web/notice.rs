//! A page that says one thing and offers ways on.

use askama::Template;

use crate::web::reply::Layout;

/// A page that says one thing and offers ways on.
#[derive(Template)]
#[template(path = "note.html")]
pub(crate) struct NotePage<'a> {
    /// What is around it; its title is the heading.
    pub(crate) layout: Layout<'a>,
    /// What it says.
    pub(crate) lines: &'a [&'a str],
    /// What can be done now, and where.
    pub(crate) links: &'a [(&'static str, String)],
}
