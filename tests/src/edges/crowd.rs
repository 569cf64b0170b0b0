//! Tokens that stay valid, and tokens that are revoked one by one.

use crate::fault::Fault;
use crate::service::{Client, Stock};

/// The tokens of a stock.
#[derive(Debug)]
pub struct Crowd {
    /// `Authorization` values that stay valid.
    pub good: Vec<String>,
    victims: Vec<Victim>,
}

/// A token to revoke.
#[derive(Debug)]
pub struct Victim {
    /// Its `Authorization` value.
    pub authorization: String,
    name: String,
    /// The `Authorization` value of another token of the account.
    owner: String,
}

impl Crowd {
    /// Splits a stock. The first token of each account manages the account, and `wanted` of the next ones are to be revoked.
    ///
    /// # Errors
    /// The stock has too few tokens.
    pub fn of(stock: &Stock, wanted: usize) -> Result<Crowd, Fault> {
        let mut accounts: Vec<Vec<String>> = Vec::new();
        let mut last = "";
        for presented in stock.presented() {
            let user = presented.split(':').next().unwrap_or_default();
            if user != last {
                accounts.push(Vec::new());
                last = user;
            }
            if let Some(account) = accounts.last_mut() {
                account.push(format!("cpanel {presented}"));
            }
        }
        let each = wanted.div_ceil(accounts.len().max(1));
        let (mut good, mut victims) = (Vec::new(), Vec::new());
        for account in accounts {
            let Some(owner) = account.first().cloned() else {
                continue;
            };
            for (number, authorization) in account.into_iter().enumerate() {
                match number {
                    0 => good.push(authorization),
                    number if number <= each && victims.len() < wanted => victims.push(Victim {
                        authorization,
                        name: format!("t{number}"),
                        owner: owner.clone(),
                    }),
                    _ => good.push(authorization),
                }
            }
        }
        match victims.len() == wanted {
            true => Ok(Crowd { good, victims }),
            false => Err(Fault::new("there are fewer tokens than are to be revoked")),
        }
    }

    /// The next token to revoke.
    ///
    /// # Errors
    /// All tokens are revoked.
    pub fn victim(&mut self) -> Result<Victim, Fault> {
        self.victims
            .pop()
            .ok_or_else(|| Fault::new("there is no further token to revoke"))
    }
}

impl Victim {
    /// Revokes the token by the API of the account port.
    ///
    /// # Errors
    /// The origin does not acknowledge it.
    pub fn revoke(&self, origin: &mut Client) -> Result<(), Fault> {
        let form = format!("name={}", self.name);
        let answer = origin
            .post("/execute/Tokens/revoke", &self.owner, &form)
            .map_err(Fault::during("revoking"))?;
        match answer.json()["status"] == 1 {
            true => Ok(()),
            false => Err(Fault::new(format!("revoking: {} {}", answer.status, answer.body))),
        }
    }
}
