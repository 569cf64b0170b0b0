//! The frame around every page.

use crate::state::State;
use crate::web::assets;
use crate::web::session::Visitor;
use crate::web_names::home;
use tokenlatch_core::Realm;

/// The frame around every page's content.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// The page's title.
    pub(crate) title: &'a str,
    /// The logged-in user.
    pub(crate) visitor: Option<&'a Visitor>,
    /// The realm of the port.
    pub(crate) realm: Realm,
    /// The server's time zone.
    pub(crate) zone: &'static str,
    /// Seconds without a request after which a session ends.
    pub(crate) idle: u64,
}

impl<'a> Layout<'a> {
    /// The layout of a page for a logged-in user.
    pub(crate) fn of(state: &State, visitor: &'a Visitor, title: &'a str) -> Layout<'a> {
        Layout {
            title,
            visitor: Some(visitor),
            realm: visitor.realm,
            zone: state.service.zone().name(),
            idle: state.config.sessions.idle.as_secs(),
        }
    }

    /// The layout of a public page.
    pub(crate) fn open(state: &State, realm: Realm, title: &'a str) -> Layout<'a> {
        Layout {
            title,
            visitor: None,
            realm,
            zone: state.service.zone().name(),
            idle: state.config.sessions.idle.as_secs(),
        }
    }

    /// The path of the style sheet.
    pub(crate) fn style(&self) -> &'static str {
        &assets::STYLE.path
    }

    /// The path of the script.
    pub(crate) fn script(&self) -> &'static str {
        &assets::SCRIPT.path
    }

    /// The path of the icon.
    pub(crate) fn icon(&self) -> &'static str {
        &assets::ICON.path
    }

    /// The path of the user's first page.
    pub(crate) fn home(&self) -> String {
        self.visitor
            .map_or_else(|| "/".to_owned(), |visitor| visitor.path(home(self.realm)))
    }

    /// [`Layout::idle`] in words.
    pub(crate) fn idle_words(&self) -> String {
        match self.idle / 60 {
            0 | 1 => "a minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        }
    }

    /// Whether this is the administrator's port.
    pub(crate) fn admin(&self) -> bool {
        self.realm == Realm::Admin
    }
}
