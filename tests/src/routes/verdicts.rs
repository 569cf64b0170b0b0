//! The core's verdicts on tokens by which each route is told from the others.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use tokenlatch_core::{Access, Account, Call, Error, Features, Realm, Reason, Record, TableInput, TokenTable, Value};

use super::list::{Answer, Given, Wrong};

/// The most routes whose verdicts are compared: each needs tokens of its own.
pub const MOST_ROUTES: usize = 16;

const NOW: i64 = 1_800_000_000;

/// A table of tokens, and the routes of a catalogue. Each route with a feature has one of its own.
#[derive(Debug)]
pub struct Verdicts {
    table: TokenTable,
    given: Vec<Given>,
    denies: bool,
}

/// A token of the table.
#[derive(Clone, Copy, Debug)]
enum Token {
    None,
    Full,
    ReadOnly,
    /// Limited to the feature of a route.
    LimitedTo(usize),
    /// With full access, of an account without the feature of a route.
    Without(usize),
}

impl Token {
    /// Which of all tokens it is.
    fn number(self) -> usize {
        match self {
            Token::None => 0,
            Token::Full => 1,
            Token::ReadOnly => 2,
            Token::LimitedTo(route) => 3 + 2 * route,
            Token::Without(route) => 4 + 2 * route,
        }
    }

    fn secret(self) -> String {
        format!("{:0>32}", self.number())
    }

    fn header(self) -> String {
        match self {
            Token::None => String::new(),
            _ => format!("Bearer {}", self.secret()),
        }
    }

    fn record(self) -> Record {
        let number = self.number();
        let hash = Sha256::digest(self.secret())
            .iter()
            .fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        Record {
            v: 1,
            id: format!("id{number}"),
            user: self.user(),
            name: format!("token{number}"),
            hash: format!("sha256:{hash}"),
            hint: String::new(),
            created: NOW,
            expires: None,
            access: match self {
                Token::LimitedTo(route) => Access::Limited {
                    features: vec![feature(route)],
                },
                _ => Access::Full,
            },
            read_only: matches!(self, Token::ReadOnly),
            addresses: Vec::new(),
            realm: Realm::Account,
            revoked: None,
            extra: Default::default(),
        }
    }

    fn user(self) -> String {
        match self {
            Token::Without(route) => format!("without{route}"),
            _ => "all".into(),
        }
    }
}

fn feature(route: usize) -> String {
    format!("f{route}")
}

fn account(user: String, features: Features) -> Account {
    Account {
        user,
        features,
        ..Account::default()
    }
}

impl Verdicts {
    /// A table without routes.
    ///
    /// # Errors
    /// The core refuses the tokens.
    pub fn new() -> Result<Self, Error> {
        let mut tokens = vec![Token::Full, Token::ReadOnly];
        let mut accounts = vec![account("all".into(), Features::All)];
        for route in 0..=MOST_ROUTES {
            tokens.extend([Token::LimitedTo(route), Token::Without(route)]);
            let others = (0..=MOST_ROUTES).filter(|other| *other != route).map(feature);
            let features = others.chain(["apitokens".into()]).collect();
            accounts.push(account(Token::Without(route).user(), Features::List(features)));
        }
        let table = TokenTable::new(TableInput {
            records: tokens.into_iter().map(Token::record).collect(),
            accounts,
            ..TableInput::default()
        });
        Ok(Verdicts {
            table: table?,
            given: Vec::new(),
            denies: false,
        })
    }

    /// Loads routes. Returns how the core's answer differs from the expected one, if it does.
    pub fn load(&mut self, given: &[Given], denies: bool, expected: Option<Wrong>) -> Option<String> {
        let routes = given
            .iter()
            .enumerate()
            .map(|(at, route)| route_value(at, route))
            .collect();
        let catalogue = Value::Object(vec![
            ("functions".into(), Value::Array(Vec::new())),
            ("routes".into(), Value::Array(routes)),
            ("default".into(), text(if denies { "deny" } else { "full" })),
        ]);
        let loaded = self
            .table
            .set_catalogue(Value::Object(vec![("catalogue".into(), catalogue)]));
        let said = loaded
            .err()
            .map(|error| (error.code.as_str(), error.field.clone().unwrap_or_default()));
        let expected = expected.map(|wrong| {
            let place = match wrong {
                Wrong::Method(at) => format!("[{at}].method"),
                Wrong::Path(at) => format!("[{at}].path"),
                Wrong::Public(at) => format!("[{at}].public"),
                Wrong::Twice(_) | Wrong::Spelled(_) | Wrong::TooMany => String::new(),
            };
            ("catalogue_invalid", format!("catalogue.routes{place}"))
        });
        (self.given, self.denies) = (given.to_vec(), denies);
        (said != expected).then(|| format!("the core says {said:?}, expected {expected:?}"))
    }

    /// Asks for the verdicts on a request. Returns the first that differs from those that follow from the expected answer.
    pub fn differ(&mut self, method: &str, target: &str, expected: Answer) -> Option<String> {
        let call = Call {
            method: Some(method.into()),
            path: Some(target.into()),
            ..Call::default()
        };
        let call = match self.table.prepare(&call) {
            Ok(call) => call,
            Err(error) => return Some(format!("the call is refused: {}", error.code.as_str())),
        };
        // One that isn't the expected route's.
        let (own, other) = match expected {
            Answer::Route(at) | Answer::Near(at) => (at, if at == 0 { 1 } else { at - 1 }),
            Answer::Doubtful | Answer::Unlisted => (0, 1),
        };
        let tokens = [
            Token::None,
            Token::Full,
            Token::ReadOnly,
            Token::LimitedTo(own),
            Token::LimitedTo(other),
            Token::Without(own),
            Token::Without(other),
        ];
        tokens.into_iter().find_map(|token| {
            let code = self.table.verify(call, token.header().as_bytes(), None, NOW);
            let reason = usize::try_from(code >> 32)
                .ok()
                .and_then(|number| Reason::ALL.get(number));
            let wanted = self.reason(expected, token);
            (reason != Some(&wanted)).then(|| format!("{token:?} is {reason:?}, expected {wanted:?} by {expected:?}"))
        })
    }

    /// What a token is told, by OPERATIONS.md.
    fn reason(&self, answer: Answer, token: Token) -> Reason {
        let (route, near) = match answer {
            Answer::Route(at) => (Some(at), false),
            Answer::Near(at) => (Some(at), true),
            Answer::Doubtful | Answer::Unlisted => (None, false),
        };
        let of_route = route.and_then(|at| self.given.get(at));
        let feature = route.filter(|_| of_route.is_some_and(|route| route.featured));
        let writes = near || of_route.is_none_or(|route| route.writes);
        if of_route.is_some_and(|route| route.public) && !near {
            return Reason::Public;
        }
        match token {
            Token::None => Reason::HeaderMissing,
            _ if answer == Answer::Doubtful => Reason::TargetDoubtful,
            _ if answer == Answer::Unlisted && self.denies => Reason::RouteUnlisted,
            Token::LimitedTo(_) if near || feature.is_none() => Reason::FunctionWithoutFeature,
            Token::LimitedTo(own) if feature != Some(own) => Reason::FeatureNotGranted,
            Token::Without(own) if feature == Some(own) => Reason::FeatureNotInAccount,
            Token::ReadOnly if writes => Reason::ReadOnly,
            _ => Reason::Ok,
        }
    }
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn route_value(at: usize, route: &Given) -> Value {
    Value::Object(vec![
        ("method".into(), text(&route.method)),
        ("path".into(), text(&route.path)),
        (
            "feature".into(),
            if route.featured {
                text(&feature(at))
            } else {
                Value::Null
            },
        ),
        ("writes".into(), Value::Bool(route.writes)),
        ("public".into(), Value::Bool(route.public)),
    ])
}
