//! The first start of the service: creates an account with a password and a token for each port, writes each secret to a
//! file, and suggests commands to try.
//!
//! This takes several steps, each of which may fail. A marker file beside the database records that it has begun; if the
//! next start finds the marker, it repeats all steps. The password is set last, so an account with a password is complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokenlatch::core::{Access, ExpiryInput, Features, Realm};
use tokenlatch::{Clock, Error, NewToken, Service, StoreError, StoredAccount, SystemClock, write_atomically};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::known_databases::FIRST_FILES;
use crate::secrets;

/// The name of the account.
pub const USER: &str = "admin";
/// The lifetime of its first tokens, in seconds.
const LIFE: i64 = 86_400;

/// The marker file of a first start that has begun and is not complete.
const BEGUN_FILE: &str = "tokenlatch-first.begun";

/// The results of the first start.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct First {
    /// The account.
    pub user: &'static str,
    /// The file with the account's password for the page.
    pub password_file: PathBuf,
    /// The file with the header line for the account port.
    pub account_header: PathBuf,
    /// The file with the header line for the administrator's port.
    pub admin_header: PathBuf,
    /// When both tokens expire, in Unix seconds.
    pub expires: i64,
}

/// Creates the account, a token for each port and a password, if this is the first start or an earlier one was interrupted.
/// The secrets go only into files that the owner alone can read, never to a screen or a log.
pub async fn make(service: &Service, folder: &Path) -> Result<Option<First>, Failure> {
    let begun = folder.join(BEGUN_FILE);
    let revision = service.store().revision().await?;
    let identity = service.store().identity().await?;
    let note = format!("The first start on the database {identity} has begun.\n");
    let broken_off = fs::read_to_string(&begun).is_ok_and(|text| text == note);
    let account = find(service).await?;
    // A database whose accounts were all removed has a higher revision.
    let fresh = revision.number <= 1 && service.accounts().await?.is_empty();
    let unfinished = broken_off && account.as_ref().is_none_or(|account| !account.has_password);
    if !fresh && !unfinished {
        if broken_off {
            fs::remove_file(&begun)?;
        }
        return Ok(None);
    }
    write(&begun, note.as_bytes())?;
    if account.is_none() {
        match service.add_account(USER, Features::All).await {
            // Another server on the same database was faster, and does the rest.
            Err(Error::Store(StoreError::AccountExists)) => {
                fs::remove_file(&begun)?;
                return Ok(None);
            }
            outcome => outcome?,
        }
    }
    let first = finish(service, folder).await?;
    fs::remove_file(&begun)?;
    Ok(Some(first))
}

/// Creates everything but the account. It can be repeated after an interrupted attempt.
async fn finish(service: &Service, folder: &Path) -> Result<First, Failure> {
    service.set_administrator(USER, true).await?;
    let expires = SystemClock.now()?.saturating_add(LIFE);
    let [account, admin, password] = FIRST_FILES;
    let first = First {
        user: USER,
        password_file: folder.join(password),
        account_header: folder.join(account),
        admin_header: folder.join(admin),
        expires,
    };
    let files = [
        (&first.account_header, "first-start", Realm::Account, "cpanel"),
        (&first.admin_header, "first-start-admin", Realm::Admin, "whm"),
    ];
    for (path, name, realm, scheme) in files {
        // The token's text from an earlier attempt is lost.
        service.revoke(USER, realm, &[name.to_owned()]).await?;
        let wanted = NewToken {
            expires: Some(ExpiryInput::Seconds(expires)),
            realm,
            ..NewToken::new(USER, name, Access::Full)
        };
        let created = service.create(wanted).await?;
        let line = Zeroizing::new(format!("Authorization: {scheme} {USER}:{}\n", created.token.expose()));
        write(path, line.as_bytes())?;
    }
    let password = secrets::random_password()?;
    let line = Zeroizing::new(format!("{}\n", password.as_str()));
    write(&first.password_file, line.as_bytes())?;
    service.set_password(USER, password).await?;
    Ok(first)
}

async fn find(service: &Service) -> Result<Option<StoredAccount>, Failure> {
    match service.account(USER).await {
        Ok(account) => Ok(Some(account)),
        Err(Error::Store(StoreError::AccountUnknown(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a file that only its owner can read, replacing an older one. The error names the file.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomically(path, bytes, 0o600)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// The addresses of the service.
pub struct ServiceAddresses<'a> {
    /// The URL of the account port.
    pub account: &'a str,
    /// The URL of the administrator's port.
    pub admin: Option<&'a str>,
    /// The self-signed certificate to trust, if there is one.
    pub certificate: Option<&'a Path>,
}

/// A command to try, and what it does.
#[derive(Serialize)]
pub struct Step {
    /// What it does.
    pub what: &'static str,
    /// The command, for a POSIX shell.
    pub line: String,
}

/// Returns the whole life of a token as shell commands. They contain no secret.
pub fn steps(first: &First, reached: &ServiceAddresses<'_>) -> Vec<Step> {
    let trust = match reached.certificate {
        Some(certificate) => format!(" --cacert {}", quoted(&certificate.to_string_lossy())),
        None => String::new(),
    };
    let curl = format!("curl -sS{trust}");
    let header = |path: &Path| format!("-H {}", quoted(&format!("@{}", path.to_string_lossy())));
    let account = header(&first.account_header);
    let tokens = format!("{}/execute/Tokens", reached.account);
    let ends = r"-w '\n'";
    let guarded = format!(
        r#"printf 'Authorization: cpanel {USER}:%s\n' "$TOKEN" | {curl} -H @- -o /dev/null -w '%{{http_code}}\n' '{}/auth?module=Email&function=list_pops'"#,
        reached.account
    );
    let mut steps = vec![
        Step {
            what: "create a token; it is shown only once",
            line: format!(
                r#"TOKEN=$({curl} {account} {tokens}/create_full_access -d name=hello | sed -n 's/.*"token":"\([A-Z0-9]*\)".*/\1/p')"#
            ),
        },
        Step {
            what: "list the tokens",
            line: format!("{curl} {account} {ends} {tokens}/list"),
        },
        Step {
            what: "a guarded call with the new token: 200",
            line: guarded.clone(),
        },
        Step {
            what: "rename it",
            line: format!("{curl} {account} {ends} {tokens}/rename -d name=hello -d new_name=hello-2"),
        },
        Step {
            what: "revoke it",
            line: format!("{curl} {account} {ends} {tokens}/revoke -d name=hello-2"),
        },
        Step {
            what: "the same call is now refused: 401",
            line: guarded,
        },
    ];
    if let Some(admin) = reached.admin {
        let header = header(&first.admin_header);
        steps.push(Step {
            what: "the administrator's port",
            line: format!("{curl} {header} {ends} '{admin}/json-api/api_token_list?api.version=1'"),
        });
    }
    steps
}

/// Quotes a text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn quotes_any_path_for_the_shell() {
        assert_eq!(quoted("/a b/$c"), "'/a b/$c'");
        assert_eq!(quoted("/it's"), r"'/it'\''s'");
    }
}
