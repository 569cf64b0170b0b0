//! Tokens that stay good, and tokens that are revoked one after the other.

use crate::fault::Fault;
use crate::service::{Client, Stock};

/// The tokens of a stock.
#[derive(Debug)]
pub struct Crowd {
    /// Authorizations that stay good.
    pub good: Vec<String>,
    victims: Vec<Victim>,
}

/// A token that is to be revoked.
#[derive(Debug)]
pub struct Victim {
    /// The authorization that is good until then.
    pub authorization: String,
    name: String,
    /// That of another token of the account.
    owner: String,
}

impl Crowd {
    /// The first token of each account manages the account; of the next ones so many are to be revoked.
    ///
    /// # Errors
    /// When the stock has fewer.
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

    /// The next that is to be revoked.
    ///
    /// # Errors
    /// When all are revoked.
    pub fn victim(&mut self) -> Result<Victim, Fault> {
        self.victims
            .pop()
            .ok_or_else(|| Fault::new("there is no further token to revoke"))
    }
}

impl Victim {
    /// Revokes it, by the API of the account's port.
    ///
    /// # Errors
    /// When that isn't acknowledged.
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
