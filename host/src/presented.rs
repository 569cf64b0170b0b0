//! What a request presents, as a host received it.

use std::fmt;

use tokenlatch_core::{Authorization, RequestFields, SecretString};

/// The name of the field that holds the usual credentials.
const AUTHORIZATION: &[u8] = b"authorization";

/// What a request presented. Which of it counts is decided by the module.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// No `Authorization` header.
    Missing,
    /// The value of the only `Authorization` header.
    One(&'a [u8]),
    /// More than one `Authorization` header.
    Repeated,
    /// Names and values of header fields, each as often as it came: all of them, or at least those that
    /// [`Module::credentials`](crate::Module::credentials) names for the chosen credentials.
    Fields(&'a [(&'a [u8], &'a [u8])]),
}

impl Presented<'_> {
    /// The same for the operations that take an `authorization`, with the credentials that are accepted; `None` for the usual
    /// ones.
    #[must_use]
    pub fn authorization(self, credentials: Option<&[String]>) -> Authorization {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pair = |&(name, value): &(&[u8], &[u8])| (text(name), SecretString::new(text(value)));
        let fields = self.with_fields(|fields| fields.iter().map(pair).collect());
        Authorization::Fields(Box::new(RequestFields {
            credentials: credentials.map(<[String]>::to_vec),
            fields,
        }))
    }

    /// Passes on the header fields. Values that aren't known, because they don't count, are empty.
    pub(crate) fn with_fields<T>(self, work: impl FnOnce(&[(&[u8], &[u8])]) -> T) -> T {
        match self {
            Presented::Missing => work(&[]),
            Presented::One(value) => work(&[(AUTHORIZATION, value)]),
            Presented::Repeated => work(&[(AUTHORIZATION, b""), (AUTHORIZATION, b"")]),
            Presented::Fields(fields) => work(fields),
        }
    }
}

/// Hides the values, which may be secrets.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Presented::Missing => "Missing",
            Presented::One(_) => "One(…)",
            Presented::Repeated => "Repeated",
            Presented::Fields(_) => "Fields(…)",
        })
    }
}
