//! How the templates show tokens and times.

use chrono::{DateTime, SecondsFormat};
use tokenlatch_core::{Access, Description, Notice, Realm, Status};

use tokenlatch::ListedToken;
use tokenlatch::ServerZone;

/// An instant: as text in the server's zone, and for the script, which shows it in the reader's zone.
pub(crate) struct Moment {
    /// RFC 3339, in UTC.
    pub(crate) utc: String,
    /// As text, in the server's zone.
    pub(crate) shown: String,
}

impl Moment {
    /// Formats a time in Unix seconds.
    pub(crate) fn of(zone: ServerZone, at: i64) -> Moment {
        let utc = DateTime::from_timestamp(at, 0);
        Moment {
            utc: utc.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            shown: zone.show(at),
        }
    }
}

/// A notice about a token for its owner. It is text, so that it does not depend on colour.
pub(crate) struct Label {
    /// The name of the icon.
    pub(crate) icon: &'static str,
    /// A word or two.
    pub(crate) text: &'static str,
    /// A sentence of advice.
    pub(crate) advice: &'static str,
}

impl Label {
    fn of(notice: Notice) -> Option<Label> {
        let (icon, text, advice) = match notice {
            Notice::ExpiresSoon => (
                "soon",
                "Expires soon",
                "Create another before it expires, and use it in your script.",
            ),
            Notice::Expired => ("over", "Expired", "It is refused. Revoke it, or create another."),
            Notice::Revoked => ("over", "Revoked", "It is refused."),
            // The expiry column says this.
            Notice::NeverExpires => return None,
        };
        Some(Label { icon, text, advice })
    }
}

/// A token as a row of a table.
pub(crate) struct Row {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The last four characters of its secret.
    pub(crate) hint: String,
    /// Its permissions, in a few words.
    pub(crate) access: String,
    /// When it was created.
    pub(crate) created: Moment,
    /// When it expires, if it does.
    pub(crate) expires: Option<Moment>,
    /// When it was last used, if that is known.
    pub(crate) used: Option<Moment>,
    /// The row's CSS class.
    pub(crate) class: &'static str,
    /// The notice for its owner.
    pub(crate) notice: Option<Label>,
}

impl Row {
    /// The row of a token.
    pub(crate) fn of(zone: ServerZone, listed: &ListedToken) -> Row {
        let token = &listed.token;
        Row {
            id: token.id.clone(),
            name: token.name.clone(),
            hint: token.hint.clone(),
            access: access(token),
            created: Moment::of(zone, token.created),
            expires: token.expires.map(|at| Moment::of(zone, at)),
            used: listed.usage.as_ref().map(|usage| Moment::of(zone, usage.last_used)),
            class: match token.status {
                Status::Expiring => "expiring",
                Status::Expired | Status::Revoked => "expired",
                Status::Active => "",
            },
            notice: token.notices.iter().find_map(|notice| Label::of(*notice)),
        }
    }
}

/// A short text for a token's permissions.
pub(crate) fn access(token: &Description) -> String {
    let mut words = match &token.access {
        Access::Full => "Full access".to_owned(),
        Access::Limited { features } => count(features.len(), "feature"),
    };
    if token.read_only {
        words.push_str(", read only");
    }
    if !token.addresses.is_empty() {
        words = format!("{words}, from {} only", count(token.addresses.len(), "address"));
    }
    if token.realm == Realm::Admin {
        words.push_str(", administrator’s port");
    }
    words
}

/// A number and what is counted, such as `1 feature`, `no addresses`, `10,000 API tokens`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let ending = match number {
        1 => "",
        _ if what.ends_with('s') => "es",
        _ => "s",
    };
    let number = match number {
        0 => "no".to_owned(),
        _ => grouped(number),
    };
    format!("{number} {what}{ending}")
}

/// Formats a number with a comma before every third digit.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_counts_with_plurals() {
        for (number, what, text) in [
            (0, "feature", "no features"),
            (1, "address", "1 address"),
            (2, "address", "2 addresses"),
            (999, "API token", "999 API tokens"),
            (10_000, "API token", "10,000 API tokens"),
            (1_234_567, "API token", "1,234,567 API tokens"),
        ] {
            assert_eq!(count(number, what), text);
        }
    }
}
