//! SQL statements for both kinds of database. SQLite accepts `$1` as PostgreSQL does.

/// The columns of an account, as [`super::rows`] reads them.
pub(super) const SETTINGS: &str = "SELECT a.key, a.\"user\", a.suspended, a.features, a.created, a.removed, \
    a.max_lifetime, a.expiry_required, a.caps, a.password, a.administrator FROM accounts a";

/// An account and the number of its live tokens.
pub(super) const ACCOUNTS: &str = "SELECT a.key, a.\"user\", a.suspended, a.features, a.created, a.removed, \
    a.max_lifetime, a.expiry_required, a.caps, a.password, a.administrator, \
    CAST(coalesce((SELECT sum(c.live) FROM token_counts c WHERE c.account = a.id), 0) AS BIGINT) AS live_tokens \
    FROM accounts a WHERE a.removed IS NULL";

/// The columns that a record is checked against.
pub(super) const TOKEN: &str = "SELECT CAST(t.record AS TEXT) AS record, t.revision, t.id, t.\"user\", t.name, \
    t.hash, t.created, t.expires, t.revoked FROM tokens t";

/// The same, with the number of the token.
pub(super) const NUMBERED_TOKEN: &str = "SELECT t.seq, CAST(t.record AS TEXT) AS record, t.revision, t.id, \
    t.\"user\", t.name, t.hash, t.created, t.expires, t.revoked FROM tokens t";

/// The same, with the key of the account.
pub(super) const ARCHIVED_TOKEN: &str = "SELECT CAST(t.record AS TEXT) AS record, t.revision, t.id, t.\"user\", \
    t.name, t.hash, t.created, t.expires, t.revoked, a.key AS account_key \
    FROM tokens t JOIN accounts a ON a.id = t.account ORDER BY t.seq";

/// Joins a token to the live account of a user, `$1`.
pub(super) const OF_USER: &str = "JOIN accounts a ON a.id = t.account WHERE a.\"user\" = $1 AND a.removed IS NULL";

pub(super) const STATE: &str =
    "SELECT s.epoch, s.revision, m.mark FROM state s JOIN marks m ON m.revision = s.revision";

/// The oldest revision whose mark is kept, and the mark of revision `$1`.
pub(super) const HISTORY: &str = "SELECT (SELECT min(revision) FROM marks) AS oldest, \
    (SELECT mark FROM marks WHERE revision = $1) AS mark";

pub(super) const IDENTITY: &str = "SELECT id FROM identity";

/// The point up to which revoked tokens may be missing.
pub(super) const PRUNED: &str = "SELECT before, revision FROM pruned";

/// Counts what the caps limit: tokens that are not revoked, and those created since `$2`, up to `$3`.
pub(super) const HELD: &str = "SELECT \
    CAST(coalesce((SELECT sum(c.live) FROM token_counts c WHERE c.account = a.id), 0) AS BIGINT) AS tokens, \
    (SELECT count(*) FROM (SELECT 1 FROM tokens t WHERE t.account = a.id AND t.created > $2 LIMIT $3) n) AS last_hour \
    FROM accounts a WHERE a.\"user\" = $1 AND a.removed IS NULL";

/// Restricts an insertion to an account with fewer than `$4` tokens, and fewer than `$6` created since `$5`.
pub(super) const WITHIN_CAPS: &str = "CAST(coalesce((SELECT sum(c.live) FROM token_counts c \
    WHERE c.account = accounts.id), 0) AS BIGINT) < $4 AND (SELECT count(*) FROM (SELECT 1 FROM tokens t WHERE t.account = accounts.id AND t.created > $5 LIMIT $6) n) < $6";

/// The `$1` most recently revoked tokens, in the order of their revocation.
pub(super) const NEWLY_REVOKED: &str = "t.seq IN (SELECT seq FROM tokens WHERE revoked IS NOT NULL \
    ORDER BY revoked DESC, seq DESC LIMIT $1) ORDER BY t.revoked, t.seq";

/// The numbers of the first `$2` tokens revoked before `$1`.
pub(super) const PRUNABLE: &str = "SELECT seq FROM tokens WHERE revoked < $1 ORDER BY revoked LIMIT $2";

/// Counts the stored live-token counts that are wrong.
pub(super) const WRONG_COUNTS: &str = "SELECT count(*) FROM accounts a \
    CROSS JOIN (SELECT 'account' AS realm UNION ALL SELECT 'admin') r \
    WHERE coalesce((SELECT c.live FROM token_counts c WHERE c.account = a.id AND c.realm = r.realm), 0) \
    <> (SELECT count(*) FROM tokens t WHERE t.account = a.id AND t.realm = r.realm AND t.revoked IS NULL)";

pub(super) const NEW_EPOCH: &str = "UPDATE state SET epoch = epoch + $1, revision = revision + 1";

/// Begins an epoch after `$2`, unless the store's epoch is already later.
pub(super) const EPOCH_AFTER: &str = "UPDATE state SET epoch = $2 + $1, revision = revision + 1 WHERE epoch <= $2";

pub(super) const ADD_ACCOUNT: &str = "INSERT INTO accounts \
    (key, \"user\", suspended, features, created, removed, max_lifetime, expiry_required, caps, password, \
    administrator) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

pub(super) const SET_SUSPENDED: &str = "UPDATE accounts SET suspended = $1 WHERE \"user\" = $2 AND removed IS NULL";

pub(super) const SET_FEATURES: &str = "UPDATE accounts SET features = $1 WHERE \"user\" = $2 AND removed IS NULL";

pub(super) const SET_POLICY: &str = "UPDATE accounts SET max_lifetime = $1, expiry_required = $2, caps = $3 \
    WHERE \"user\" = $4 AND removed IS NULL";

pub(super) const SET_PASSWORD: &str = "UPDATE accounts SET password = $1 WHERE \"user\" = $2 AND removed IS NULL";

pub(super) const SET_ADMINISTRATOR: &str =
    "UPDATE accounts SET administrator = $1 WHERE \"user\" = $2 AND removed IS NULL";

pub(super) const PASSWORD: &str = "SELECT password FROM accounts WHERE \"user\" = $1 AND removed IS NULL";

pub(super) const RENAME_ACCOUNT: &str = "UPDATE accounts SET \"user\" = $1 WHERE \"user\" = $2 AND removed IS NULL";

pub(super) const REMOVE_ACCOUNT: &str = "UPDATE accounts SET removed = $1 WHERE \"user\" = $2 AND removed IS NULL";
