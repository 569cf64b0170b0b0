-- What the page needs: administrators, sessions, forms that count once, pages of tokens in every order, last use.
-- There is no second step: the first one made at once what took two in a file.

ALTER TABLE tokenlatch.accounts ADD COLUMN administrator boolean NOT NULL DEFAULT false;

-- The port that a token belongs to.
ALTER TABLE tokenlatch.tokens ADD COLUMN realm text COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (coalesce(record ->> 'realm', 'account')) STORED;

-- One for each order, so that a page is read where it stands and nothing is sorted. Equal ones stand by id in both
-- directions, and those that never expire stand last in both; a name has no equal.
CREATE INDEX tokens_by_name ON tokenlatch.tokens (account, realm, name) INCLUDE (id, seq) WHERE revoked IS NULL;
CREATE INDEX tokens_by_created ON tokenlatch.tokens (account, realm, created, id) INCLUDE (seq) WHERE revoked IS NULL;
CREATE INDEX tokens_by_created_last ON tokenlatch.tokens (account, realm, created DESC, id) INCLUDE (seq)
    WHERE revoked IS NULL;
CREATE INDEX tokens_by_expires ON tokenlatch.tokens (account, realm, expires, id) INCLUDE (seq) WHERE revoked IS NULL;
CREATE INDEX tokens_by_expires_last ON tokenlatch.tokens (account, realm, expires DESC NULLS LAST, id) INCLUDE (seq)
    WHERE revoked IS NULL;

-- `key` is a hash: who reads this table learns no session. Neither this table nor those after it are counted as changes
-- of accounts and tokens.
CREATE TABLE tokenlatch.page_sessions (
    key     text COLLATE "C" PRIMARY KEY CHECK (length(key) >= 16),
    account bigint NOT NULL REFERENCES tokenlatch.accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    data    text NOT NULL CHECK (data::jsonb IS NOT NULL),
    ends    bigint NOT NULL
);
CREATE INDEX page_sessions_account ON tokenlatch.page_sessions (account);
CREATE INDEX page_sessions_ends ON tokenlatch.page_sessions (ends);

-- Forms that were sent.
CREATE TABLE tokenlatch.page_forms (
    key  text COLLATE "C" PRIMARY KEY CHECK (length(key) >= 16),
    ends bigint NOT NULL
);
CREATE INDEX page_forms_ends ON tokenlatch.page_forms (ends);

CREATE TABLE tokenlatch.token_usage (
    token     bigint PRIMARY KEY REFERENCES tokenlatch.tokens (seq),
    last_used bigint NOT NULL,
    uses      bigint NOT NULL CHECK (uses >= 1)
);

-- Who was logged in as an account must not stay so when it is another's, is shut, or may do less. A session that is
-- added meanwhile waits for the account's row, and finds it changed.
CREATE FUNCTION tokenlatch.end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tokenlatch.page_sessions WHERE account = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER accounts_sessions AFTER UPDATE ON tokenlatch.accounts
    FOR EACH ROW WHEN (OLD."user" <> NEW."user"
        OR NEW.removed IS NOT NULL
        OR NEW.suspended > OLD.suspended
        OR NEW.administrator < OLD.administrator
        OR OLD.password IS DISTINCT FROM NEW.password)
    EXECUTE FUNCTION tokenlatch.end_sessions();
