-- What must never be raced is enforced here: one account a user, one live name a user, one record a hash, and a
-- revocation that nothing undoes. Rows are never deleted: a removed account and a revoked token stay as tombstones,
-- so a hash that was ever refused can never be good again.

-- "TLCH": tells this database from any other file of the same format.
PRAGMA application_id = 1414284104;

CREATE TABLE accounts (
    id        INTEGER PRIMARY KEY,
    user      TEXT    NOT NULL CHECK (user <> ''),
    suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1)),
    features  TEXT    NOT NULL CHECK (json_valid(features)),
    created   INTEGER NOT NULL,
    removed   INTEGER
) STRICT;

CREATE UNIQUE INDEX accounts_live_user ON accounts (user) WHERE removed IS NULL;

-- `record` is the whole record, with keys that this version does not know. The columns after it are taken from it by
-- the database, so they cannot differ from it when they are written; a reader that finds a difference has found damage.
CREATE TABLE tokens (
    seq      INTEGER PRIMARY KEY,
    account  INTEGER NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    revision INTEGER NOT NULL DEFAULT 1,
    record   TEXT    NOT NULL CHECK (json_valid(record)),
    id       TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.id')) STORED,
    user     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.user')) STORED,
    name     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.name')) STORED,
    hash     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.hash')) STORED,
    created  INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.created')) STORED,
    expires  INTEGER          GENERATED ALWAYS AS (json_extract(record, '$.expires')) STORED,
    revoked  INTEGER          GENERATED ALWAYS AS (json_extract(record, '$.revoked')) STORED
) STRICT;

CREATE UNIQUE INDEX tokens_id ON tokens (id);
CREATE UNIQUE INDEX tokens_hash ON tokens (hash);
CREATE UNIQUE INDEX tokens_live_name ON tokens (account, name) WHERE revoked IS NULL;

CREATE TRIGGER tokens_insert BEFORE INSERT ON tokens
WHEN NOT EXISTS (
    SELECT 1 FROM accounts
    WHERE id = NEW.account AND removed IS NULL AND user = json_extract(NEW.record, '$.user')
)
BEGIN
    SELECT RAISE(ABORT, 'account_unknown');
END;

CREATE TRIGGER tokens_update_revoked BEFORE UPDATE ON tokens
WHEN OLD.revoked IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'token_revoked');
END;

CREATE TRIGGER tokens_update_fixed BEFORE UPDATE ON tokens
WHEN OLD.seq <> NEW.seq
    OR OLD.account <> NEW.account
    OR OLD.id IS NOT json_extract(NEW.record, '$.id')
    OR OLD.user IS NOT json_extract(NEW.record, '$.user')
    OR OLD.hash IS NOT json_extract(NEW.record, '$.hash')
    OR OLD.created IS NOT json_extract(NEW.record, '$.created')
    OR OLD.expires IS NOT json_extract(NEW.record, '$.expires')
BEGIN
    SELECT RAISE(ABORT, 'token_fixed');
END;

CREATE TRIGGER tokens_delete BEFORE DELETE ON tokens
BEGIN
    SELECT RAISE(ABORT, 'token_kept');
END;

CREATE TRIGGER accounts_remove BEFORE UPDATE ON accounts
WHEN NEW.removed IS NOT NULL
    AND EXISTS (SELECT 1 FROM tokens WHERE account = OLD.id AND revoked IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'account_in_use');
END;

CREATE TRIGGER accounts_update_removed BEFORE UPDATE ON accounts
WHEN OLD.removed IS NOT NULL OR OLD.id <> NEW.id OR OLD.user <> NEW.user
BEGIN
    SELECT RAISE(ABORT, 'account_fixed');
END;

CREATE TRIGGER accounts_delete BEFORE DELETE ON accounts
BEGIN
    SELECT RAISE(ABORT, 'account_kept');
END;
