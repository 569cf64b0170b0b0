//! Records the known databases in a file beside them, so that none is silently replaced by a new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokenlatch::{Store, StoreError, lock_beside, write_atomically};

/// The file. It has a line for each database, because a folder may hold several: the identity, the least revision that it must
/// have, the newest one seen, and the name.
const KNOWN_FILE: &str = "tokenlatch-database.id";

/// The files of a first start. They show that there was a database even if the file above is missing.
pub const FIRST_FILES: [&str; 3] = [
    "tokenlatch-account.header",
    "tokenlatch-admin.header",
    "tokenlatch-admin.password",
];

/// The databases recorded in a folder's file.
pub struct Known {
    database: String,
    /// The name at the end of this database's lines.
    name: String,
    folder: PathBuf,
    /// The entries of all databases in the folder.
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    id: String,
    /// A database with a lower revision has lost some of its files.
    least: i64,
    /// A database with a lower revision was put back to an older state.
    seen: i64,
}

impl Known {
    /// Reads the file beside a database.
    pub fn beside(database: &str) -> io::Result<Known> {
        let folder = folder_of(database)?;
        Ok(Known {
            database: shown(database),
            name: name_of(database),
            entries: entries(&folder.join(KNOWN_FILE))?,
            folder,
        })
    }

    /// Returns the entries of this database.
    fn own(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.name == self.name)
    }

    /// Fails if there was a database at this place, so that no new one is created.
    pub fn check_missing(&self) -> Result<(), StoreError> {
        let first = || FIRST_FILES.iter().find(|name| self.folder.join(name).is_file());
        let evidence = match self.own().next() {
            Some(_) => Some(KNOWN_FILE),
            // If other databases are recorded, the files may belong to one of them.
            None => first().filter(|_| self.entries.is_empty()).copied(),
        };
        match evidence {
            Some(name) => Err(StoreError::Gone {
                database: self.database.clone(),
                evidence: self.folder.join(name).display().to_string(),
            }),
            None => Ok(()),
        }
    }

    /// Fails for another database, and for one that lost data. Returns the revision that was seen before if it is newer than the
    /// database's.
    pub async fn check(&self, store: &dyn Store) -> Result<Option<i64>, StoreError> {
        if self.own().next().is_none() {
            return Ok(None);
        }
        let database = || self.database.clone();
        let evidence = || self.folder.join(KNOWN_FILE).display().to_string();
        let (id, revision) = (store.identity().await?, store.revision().await?.number);
        let Some(entry) = self.own().find(|entry| entry.id == id) else {
            return Err(StoreError::Differs {
                database: database(),
                evidence: evidence(),
            });
        };
        if revision < entry.least {
            return Err(StoreError::Younger {
                database: database(),
                evidence: evidence(),
            });
        }
        Ok(Some(entry.seen).filter(|seen| revision < *seen))
    }

    /// Records the state of a database. With `least`, a lower revision counts as data loss from now on.
    pub async fn record(&mut self, store: &dyn Store, least: bool) -> Result<(), StoreError> {
        let (id, seen) = (store.identity().await?, store.revision().await?.number);
        if let Err(error) = self.write_entry(id, seen, least) {
            // The database must stay usable even if the folder is read-only.
            tracing::warn!("{} cannot be written: {error}", self.folder.join(KNOWN_FILE).display());
        }
        Ok(())
    }

    fn write_entry(&mut self, id: String, seen: i64, least: bool) -> io::Result<()> {
        let path = self.folder.join(KNOWN_FILE);
        let _lock = lock_beside(&path)?;
        // Another process may have changed the file since it was read.
        self.entries = entries(&path)?;
        let before = self.own().find(|entry| entry.id == id);
        let least = match (least, before) {
            (true, _) => seen,
            (false, before) => before.map_or(1, |entry| entry.least),
        };
        if before.is_some_and(|entry| (entry.least, entry.seen) == (least, seen)) {
            return Ok(());
        }
        let name = self.name.clone();
        self.entries.retain(|entry| entry.id != id || entry.name != name);
        self.entries.push(Entry { name, id, least, seen });
        let text: String = self
            .entries
            .iter()
            .map(|Entry { name, id, least, seen }| format!("{id} {least} {seen} {name}\n"))
            .collect();
        write_atomically(&path, text.as_bytes(), 0o600)
    }
}

impl Entry {
    fn read(line: &str) -> Option<Entry> {
        let mut words = line.splitn(4, ' ');
        Some(Entry {
            id: words.next()?.to_owned(),
            least: words.next()?.parse().ok()?,
            seen: words.next()?.parse().ok()?,
            name: words.next()?.to_owned(),
        })
    }
}

/// Reads the entries; none if there is no file. A line that can't be read is an error: it may be that of any database.
fn entries(path: &Path) -> io::Result<Vec<Entry>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        outcome => outcome?,
    };
    let entry = |(index, line)| {
        Entry::read(line).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "line {} of {KNOWN_FILE} cannot be read; remove it only if its database was deleted on purpose",
                    index + 1
                ),
            )
        })
    };
    text.lines().enumerate().map(entry).collect()
}

/// Returns the folder for files beside the database; the current one if the database is on a server.
pub fn folder_of(database: &str) -> io::Result<PathBuf> {
    let Some(path) = file_of(database) else {
        return std::env::current_dir();
    };
    let path = std::path::absolute(path)?;
    Ok(path.parent().unwrap_or(&path).to_owned())
}

/// Returns the name of a database in the file: a SQLite file's own name, so that the folder can be moved, or a server's address
/// with only the parts that choose the database, without user and password.
fn name_of(database: &str) -> String {
    if let Some(path) = file_of(database) {
        let name = path.file_name().unwrap_or(path.as_os_str());
        return name.to_string_lossy().replace('\n', " ");
    }
    let (bare, options) = database.split_once('?').unwrap_or((database, ""));
    let (_, address) = bare.split_once("://").unwrap_or(("", bare));
    let chooses = |option: &&str| {
        ["host=", "hostaddr=", "port=", "dbname="]
            .iter()
            .any(|name| option.starts_with(name))
    };
    let mut chosen: Vec<&str> = options.split('&').filter(chooses).collect();
    chosen.sort_unstable();
    let address = address.rsplit('@').next().unwrap_or_default();
    std::iter::once(address)
        .chain(chosen)
        .collect::<Vec<_>>()
        .join("?")
        .replace('\n', " ")
}

/// Returns the path of a SQLite database.
pub fn file_of(database: &str) -> Option<&Path> {
    let path = match database.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None if database.contains("://") => return None,
        None => return Some(Path::new(database)),
    };
    Some(Path::new(path.split('?').next().unwrap_or(path)))
}

/// Returns the database's address for printing. It drops what follows a server's scheme, which may contain a password.
pub fn shown(database: &str) -> String {
    match file_of(database) {
        Some(path) => std::path::absolute(path)
            .unwrap_or(path.to_owned())
            .display()
            .to_string(),
        None => format!("{}://…", database.split("://").next().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_databases_password_is_not_shown() {
        assert_eq!(shown("postgres://a:SECRET@host/db"), "postgres://…");
        assert_eq!(file_of("sqlite:///a/b.db?mode=rwc"), Some(Path::new("/a/b.db")));
        assert_eq!(file_of("sqlite:b.db"), Some(Path::new("b.db")));
    }
}
