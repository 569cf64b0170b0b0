//! Many tokens, made by the module and written to a database in one step.

use std::fmt::Write;
use std::path::Path;

use tokenlatch::core::{Access, Account, CreateRequest, ExpiryInput, Features, Policy, SecretString};
use tokenlatch::{
    ArchivedAccount, ArchivedToken, Clock, CodeCache, ENTROPY_BYTES, Entropy, Module, NewAccount, Options, Plan,
    StoredToken, SystemClock, SystemEntropy, open_store,
};

use crate::fault::Fault;

/// Accounts and their tokens.
#[derive(Debug)]
pub struct Stock {
    accounts: Vec<ArchivedAccount>,
    tokens: Vec<ArchivedToken>,
    /// The credentials of each token, without the scheme.
    presented: Vec<String>,
}

impl Stock {
    /// Makes this number of tokens for this number of accounts.
    ///
    /// # Errors
    /// The module, the clock or the random source fails.
    pub fn make(accounts: usize, tokens: usize) -> Result<Stock, Fault> {
        let accounts = accounts.max(1);
        let users: Vec<String> = (0..accounts).map(|number| format!("user{number}")).collect();
        let share = |number: usize| tokens / accounts + usize::from(number < tokens % accounts);
        let holders = users
            .iter()
            .enumerate()
            .map(|(number, user)| (user.as_str(), share(number)));
        Stock::of(&holders.collect::<Vec<_>>())
    }

    /// Makes this number of tokens, which never expire, for each of these users.
    ///
    /// # Errors
    /// The module, the clock or the random source fails.
    pub fn of(holders: &[(&str, usize)]) -> Result<Stock, Fault> {
        let module =
            Module::embedded_with(Options::new().cache(CodeCache::User)).map_err(Fault::during("the module"))?;
        let now = SystemClock.now().map_err(Fault::during("the clock"))?;
        let mut stock = Stock {
            accounts: Vec::with_capacity(holders.len()),
            tokens: Vec::new(),
            presented: Vec::new(),
        };
        for (number, (user, count)) in holders.iter().enumerate() {
            let account = account(number, user, now);
            for number in 0..*count {
                stock.add(&module, now, &account, number)?;
            }
            stock.accounts.push(account);
        }
        Ok(stock)
    }

    fn add(&mut self, module: &Module, now: i64, of: &ArchivedAccount, number: usize) -> Result<(), Fault> {
        let user = &of.account.account.user;
        let entropy = SecretString::new(entropy()?);
        let created = module
            .create(&CreateRequest {
                expires: Some(ExpiryInput::Text("never".to_owned())),
                ..CreateRequest::new(now, entropy, user.clone(), format!("t{number}"), Access::Full)
            })
            .map_err(Fault::during("creating a token"))?;
        self.presented.push(format!("{user}:{}", created.token.expose()));
        self.tokens.push(ArchivedToken {
            account: of.account.key.clone(),
            token: StoredToken {
                record: created.record,
                revision: 1,
            },
        });
        Ok(())
    }

    /// The credentials of each token, without the scheme, by account. An account's tokens are named `t0`, `t1` and so on.
    #[must_use]
    pub fn presented(&self) -> &[String] {
        &self.presented
    }

    /// Writes the tokens to a new database.
    ///
    /// # Errors
    /// The store fails.
    pub fn fill(&self, database: &str) -> Result<(), Fault> {
        let runtime = tokio::runtime::Runtime::new().map_err(Fault::during("a runtime"))?;
        runtime
            .block_on(async {
                let store = open_store(database, true).await?;
                let plan = Plan {
                    since: store.revision().await?,
                    pruned: 0,
                    accounts: self.accounts.clone(),
                    tokens: self.tokens.clone(),
                    changes: Vec::new(),
                };
                store.apply(&plan).await?;
                store.close().await;
                Ok::<(), tokenlatch::StoreError>(())
            })
            .map_err(Fault::during("filling the database"))
    }

    /// Writes the tokens' credentials, one per line, in an order that no cache could use.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        // A step that is coprime to the count visits each once.
        let count = self.presented.len().max(1);
        let step = (0..)
            .map(|more| count * 5 / 8 + more)
            .find(|step| gcd(*step, count) == 1)
            .unwrap_or(1);
        let mut text = String::new();
        for number in 0..self.presented.len() {
            let _ = writeln!(text, "{}", self.presented[number * step % count]);
        }
        std::fs::write(path, text).map_err(Fault::during(path.display()))
    }
}

fn account(number: usize, user: &str, now: i64) -> ArchivedAccount {
    ArchivedAccount {
        account: NewAccount {
            key: format!("{number:024x}"),
            account: Account {
                user: user.to_owned(),
                suspended: false,
                administrator: false,
                features: Features::All,
            },
            policy: Policy::default(),
            password: None,
        },
        created: now,
        removed: None,
    }
}

fn entropy() -> Result<String, Fault> {
    let mut bytes = [0; ENTROPY_BYTES];
    SystemEntropy.fill(&mut bytes).map_err(Fault::during("randomness"))?;
    let mut digits = String::with_capacity(2 * ENTROPY_BYTES);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
