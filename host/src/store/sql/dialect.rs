//! The SQL that the kinds of database write differently.

/// A kind of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The condition that a value is in the list that is the parameter `place`.
    pub fn one_of(self, place: &str) -> String {
        match self {
            Dialect::Sqlite => format!("IN (SELECT value FROM json_each({place}))"),
            Dialect::Postgres => format!("= ANY ({place})"),
        }
    }

    /// The condition that two texts are the same JSON.
    pub fn same_json(self, one: &str, other: &str) -> String {
        match self {
            Dialect::Sqlite => format!("json({one}) = json({other})"),
            Dialect::Postgres => format!("{one}::jsonb = {other}::jsonb"),
        }
    }

    /// A JSON text, as the type of the column for records.
    pub fn to_record(self, place: &str) -> String {
        match self {
            Dialect::Sqlite => place.to_owned(),
            Dialect::Postgres => format!("{place}::jsonb"),
        }
    }

    /// The function that finds one text in another.
    pub fn within(self) -> &'static str {
        match self {
            Dialect::Sqlite => "instr",
            Dialect::Postgres => "strpos",
        }
    }

    /// The function that returns the largest of its arguments.
    pub fn largest(self) -> &'static str {
        match self {
            Dialect::Sqlite => "max",
            Dialect::Postgres => "greatest",
        }
    }

    /// The column for the revision of a row's last change, and the value that a trigger replaces. A file has a table instead.
    pub fn changed_column(self) -> (&'static str, &'static str) {
        match self {
            Dialect::Sqlite => ("", ""),
            Dialect::Postgres => (", changed", ", 0"),
        }
    }

    /// Locks the rows of the accounts `a` that a statement reads, so that neither it nor a change of them misses the other.
    /// A file has one writer at a time.
    pub fn locking_accounts(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR SHARE OF a",
        }
    }
}
