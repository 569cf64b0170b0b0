-- What an administrator sets for an account, accounts that change their names, and what changed since when.

-- The old guard of accounts would not let their new column be filled.
DROP TRIGGER accounts_update_removed;

-- `key` is the same in every copy of the account, whatever its name becomes.
ALTER TABLE accounts ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN max_lifetime INTEGER CHECK (max_lifetime >= 1);
ALTER TABLE accounts ADD COLUMN expiry_required INTEGER NOT NULL DEFAULT 0 CHECK (expiry_required IN (0, 1));
-- Argon2id in the form of the Password Hashing Competition; null where nobody can log in.
ALTER TABLE accounts ADD COLUMN password TEXT;

UPDATE accounts SET key = lower(hex(randomblob(12)));
CREATE UNIQUE INDEX accounts_key ON accounts (key);

-- The tokens of an account, in their order.
CREATE INDEX tokens_account ON tokens (account, seq);

CREATE TRIGGER accounts_insert BEFORE INSERT ON accounts
WHEN length(NEW.key) < 16
BEGIN
    SELECT RAISE(ABORT, 'account_fixed');
END;

CREATE TRIGGER accounts_update_fixed BEFORE UPDATE ON accounts
WHEN OLD.removed IS NOT NULL OR OLD.id <> NEW.id OR OLD.key <> NEW.key OR OLD.created <> NEW.created
BEGIN
    SELECT RAISE(ABORT, 'account_fixed');
END;

-- An account that is renamed keeps its tokens. Revoked ones stay as they were.
CREATE TRIGGER accounts_renamed AFTER UPDATE OF user ON accounts
WHEN OLD.user <> NEW.user
BEGIN
    UPDATE tokens SET record = json_set(record, '$.user', NEW.user), revision = revision + 1
    WHERE account = NEW.id AND revoked IS NULL;
END;

-- A revoked token may come from a backup whose account has gone since, or has another name.
DROP TRIGGER tokens_insert;
CREATE TRIGGER tokens_insert BEFORE INSERT ON tokens
WHEN json_extract(NEW.record, '$.revoked') IS NULL AND NOT EXISTS (
    SELECT 1 FROM accounts
    WHERE id = NEW.account AND removed IS NULL AND user = json_extract(NEW.record, '$.user')
)
BEGIN
    SELECT RAISE(ABORT, 'account_unknown');
END;

-- The user changes only with the account, the expiry only for the administrator's own port.
DROP TRIGGER tokens_update_fixed;
CREATE TRIGGER tokens_update_fixed BEFORE UPDATE ON tokens
WHEN OLD.seq <> NEW.seq
    OR OLD.account <> NEW.account
    OR OLD.id IS NOT json_extract(NEW.record, '$.id')
    OR OLD.hash IS NOT json_extract(NEW.record, '$.hash')
    OR OLD.created IS NOT json_extract(NEW.record, '$.created')
    OR coalesce(json_extract(OLD.record, '$.realm'), 'account')
        IS NOT coalesce(json_extract(NEW.record, '$.realm'), 'account')
    OR (OLD.expires IS NOT json_extract(NEW.record, '$.expires')
        AND json_extract(OLD.record, '$.realm') IS NOT 'admin')
    OR (OLD.user IS NOT json_extract(NEW.record, '$.user')
        AND json_extract(NEW.record, '$.user') IS NOT (SELECT user FROM accounts WHERE id = OLD.account))
BEGIN
    SELECT RAISE(ABORT, 'token_fixed');
END;

-- Where the data stands. Readers ask for what is newer than what they have; in another epoch they read everything anew.
-- The triggers below count, so that no change can go unseen, whoever makes it.
CREATE TABLE state (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    epoch    INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

-- Two databases hardly ever begin with the same epoch.
INSERT INTO state (one, epoch, revision) VALUES (1, abs(random() % 4503599627370496), 1);

CREATE TABLE account_changes (
    account  INTEGER PRIMARY KEY REFERENCES accounts (id),
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX account_changes_revision ON account_changes (revision);

CREATE TABLE token_changes (
    token    INTEGER PRIMARY KEY REFERENCES tokens (seq),
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX token_changes_revision ON token_changes (revision);

CREATE TRIGGER state_update BEFORE UPDATE ON state
WHEN NEW.revision <= OLD.revision OR NEW.epoch < OLD.epoch
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;

CREATE TRIGGER state_delete BEFORE DELETE ON state
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;

CREATE TRIGGER accounts_inserted AFTER INSERT ON accounts
BEGIN
    UPDATE state SET revision = revision + 1;
    INSERT INTO account_changes (account, revision) SELECT NEW.id, revision FROM state;
END;

CREATE TRIGGER accounts_updated AFTER UPDATE ON accounts
BEGIN
    UPDATE state SET revision = revision + 1,
        epoch = epoch + (OLD.user <> NEW.user OR OLD.removed IS NOT NEW.removed);
    INSERT INTO account_changes (account, revision) SELECT NEW.id, revision FROM state WHERE true
    ON CONFLICT (account) DO UPDATE SET revision = excluded.revision;
END;

CREATE TRIGGER tokens_inserted AFTER INSERT ON tokens
BEGIN
    UPDATE state SET revision = revision + 1;
    INSERT INTO token_changes (token, revision) SELECT NEW.seq, revision FROM state;
END;

CREATE TRIGGER tokens_updated AFTER UPDATE ON tokens
BEGIN
    UPDATE state SET revision = revision + 1;
    INSERT INTO token_changes (token, revision) SELECT NEW.seq, revision FROM state WHERE true
    ON CONFLICT (token) DO UPDATE SET revision = excluded.revision;
END;
