//! The form for an account's features.

use tokenlatch_core::Features;

/// The form for an account's features.
pub(crate) struct FeaturesForm {
    /// Whether all features are allowed.
    pub(crate) every: bool,
    /// The features, one on each line.
    pub(crate) list: String,
    /// The features in force when the form was rendered.
    pub(crate) was: String,
    /// The fault in the submitted form.
    pub(crate) fault: Option<String>,
}

impl FeaturesForm {
    /// The initial form.
    pub(crate) fn of(features: &Features) -> FeaturesForm {
        let (every, list) = match features {
            Features::All => (true, String::new()),
            Features::List(list) => (false, list.join("\n")),
        };
        FeaturesForm {
            every,
            list,
            was: in_a_line(features),
            fault: None,
        }
    }
}

/// Encodes features in one line. `*`, which is not a feature, means all.
pub(crate) fn in_a_line(features: &Features) -> String {
    match features {
        Features::All => "*".to_owned(),
        Features::List(list) => list.join(","),
    }
}
