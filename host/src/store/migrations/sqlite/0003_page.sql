-- What the page needs: administrators, sessions, forms that count once, pages of tokens in every order, last use.

ALTER TABLE accounts ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0 CHECK (administrator IN (0, 1));

-- The port that a token belongs to.
ALTER TABLE tokens ADD COLUMN realm TEXT
    GENERATED ALWAYS AS (coalesce(json_extract(record, '$.realm'), 'account')) VIRTUAL;

-- One for each order, so that a page is read where it stands and nothing is sorted. Equal ones stand by id in both
-- directions, and those that never expire stand last in both; a name has no equal.
CREATE INDEX tokens_by_name ON tokens (account, realm, name) WHERE revoked IS NULL;
CREATE INDEX tokens_by_created ON tokens (account, realm, created, id) WHERE revoked IS NULL;
CREATE INDEX tokens_by_created_last ON tokens (account, realm, created DESC, id) WHERE revoked IS NULL;
CREATE INDEX tokens_by_expires ON tokens (account, realm, expires, id) WHERE revoked IS NULL;
CREATE INDEX tokens_by_expires_last ON tokens (account, realm, expires DESC, id) WHERE revoked IS NULL;

-- How many live tokens an account has for each port: counting them takes as long as there are many.
CREATE TABLE token_counts (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    realm   TEXT    NOT NULL,
    live    INTEGER NOT NULL CHECK (live >= 0),
    PRIMARY KEY (account, realm)
) STRICT, WITHOUT ROWID;

INSERT INTO token_counts (account, realm, live)
SELECT account, realm, count(*) FROM tokens WHERE revoked IS NULL GROUP BY account, realm;

CREATE TRIGGER tokens_count_inserted AFTER INSERT ON tokens
WHEN NEW.revoked IS NULL
BEGIN
    INSERT INTO token_counts (account, realm, live) VALUES (NEW.account, NEW.realm, 1)
    ON CONFLICT (account, realm) DO UPDATE SET live = live + 1;
END;

-- A revocation is never undone, and no token goes to another account or port.
CREATE TRIGGER tokens_count_revoked AFTER UPDATE ON tokens
WHEN OLD.revoked IS NULL AND NEW.revoked IS NOT NULL
BEGIN
    UPDATE token_counts SET live = live - 1 WHERE account = NEW.account AND realm = NEW.realm;
END;

-- `key` is a hash: who reads this table learns no session. Neither this table nor those after it are counted as changes
-- of accounts and tokens.
CREATE TABLE page_sessions (
    key     TEXT    PRIMARY KEY NOT NULL CHECK (length(key) >= 16),
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    data    TEXT    NOT NULL CHECK (json_valid(data)),
    ends    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX page_sessions_account ON page_sessions (account);
CREATE INDEX page_sessions_ends ON page_sessions (ends);

-- Forms that were sent.
CREATE TABLE page_forms (
    key  TEXT    PRIMARY KEY NOT NULL CHECK (length(key) >= 16),
    ends INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX page_forms_ends ON page_forms (ends);

CREATE TABLE token_usage (
    token     INTEGER PRIMARY KEY REFERENCES tokens (seq),
    last_used INTEGER NOT NULL,
    uses      INTEGER NOT NULL CHECK (uses >= 0)
) STRICT;

-- Who was logged in as an account must not stay so when it is another's, is shut, or may do less.
CREATE TRIGGER accounts_sessions AFTER UPDATE ON accounts
WHEN OLD.user <> NEW.user
    OR NEW.removed IS NOT NULL
    OR NEW.suspended > OLD.suspended
    OR NEW.administrator < OLD.administrator
    OR OLD.password IS NOT NEW.password
BEGIN
    DELETE FROM page_sessions WHERE account = NEW.id;
END;
