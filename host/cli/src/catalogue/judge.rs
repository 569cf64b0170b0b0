//! Verdicts of the module on made-up tokens.

use std::collections::HashMap;

use tokenlatch::core::{
    Access, Account, Call, Catalogue, CreateRequest, ExpiryInput, Features, Realm, SecretString, TableInput,
    TableUpdate, Verdict,
};
use tokenlatch::{Module, Table};

use crate::failure::Failure;

/// The time of every verdict; the tokens never expire.
const NOW: i64 = 1_800_000_000;

/// The user who has every feature.
const RICH: &str = "rich";

/// The user who has no feature but that of using tokens.
const BARE: &str = "bare";

/// A token to be made up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The features; `None` for full access.
    pub features: Option<Vec<String>>,
    pub read_only: bool,
    pub realm: Realm,
    /// Whether its account has every feature, or none.
    pub bare: bool,
}

/// Judges requests by a catalogue.
pub struct Judge {
    module: Module,
    table: Table,
    headers: HashMap<Token, String>,
}

impl Judge {
    pub fn new(module: &Module, catalogue: &Catalogue) -> Result<Judge, Failure> {
        let account = |user: &str, features: Features| Account {
            user: user.to_owned(),
            features,
            ..Account::default()
        };
        let table = Table::new(
            module,
            &TableInput {
                accounts: vec![
                    account(RICH, Features::All),
                    account(BARE, Features::List(vec!["apitokens".to_owned()])),
                ],
                catalogue: Some(catalogue.clone()),
                ..TableInput::default()
            },
        )?;
        Ok(Judge {
            module: module.clone(),
            table,
            headers: HashMap::new(),
        })
    }

    /// The verdict on a call with a token, or without one.
    pub fn verdict(&mut self, call: &Call, token: Option<&Token>) -> Result<Verdict, Failure> {
        let header = match token {
            Some(token) => self.header(token)?,
            None => String::new(),
        };
        let call = self.table.prepare(call)?;
        let decision = self.table.verify(call, header.as_bytes(), None, NOW)?;
        Ok(self.table.verdict(decision)?)
    }

    fn header(&mut self, token: &Token) -> Result<String, Failure> {
        if let Some(known) = self.headers.get(token) {
            return Ok(known.clone());
        }
        let access = match &token.features {
            None => Access::Full,
            Some(features) => Access::Limited {
                features: features.clone(),
            },
        };
        let user = if token.bare { BARE } else { RICH };
        let entropy = SecretString::new(entropy(self.headers.len()));
        let created = self.module.create(&CreateRequest {
            expires: Some(ExpiryInput::Text("never".to_owned())),
            read_only: token.read_only,
            realm: token.realm,
            ..CreateRequest::new(NOW, entropy, user.to_owned(), "made-up".to_owned(), access)
        })?;
        self.table.update(&TableUpdate {
            records: vec![created.record],
            ..TableUpdate::default()
        })?;
        let header = format!("Bearer {}", created.token.expose());
        self.headers.insert(token.clone(), header.clone());
        Ok(header)
    }
}

/// 64 bytes in hex that give every number a token of its own. The tokens protect nothing.
fn entropy(number: usize) -> String {
    let digits = format!("{number:016}");
    let bytes = digits.bytes().flat_map(|digit| [digit, digit + 40]);
    let half: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    half.repeat(2)
}
