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

-- How many live tokens an account has for each port: counting them takes as long as there are many.
CREATE TABLE tokenlatch.token_counts (
    account bigint NOT NULL REFERENCES tokenlatch.accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    realm   text COLLATE "C" NOT NULL,
    live    bigint NOT NULL CHECK (live >= 0),
    PRIMARY KEY (account, realm)
);

INSERT INTO tokenlatch.token_counts (account, realm, live)
SELECT account, realm, count(*) FROM tokenlatch.tokens WHERE revoked IS NULL GROUP BY account, realm;

-- Once a statement, however many tokens it adds.
CREATE FUNCTION tokenlatch.count_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tokenlatch.token_counts AS c (account, realm, live)
    SELECT account, realm, count(*) FROM added WHERE revoked IS NULL GROUP BY account, realm
    ON CONFLICT (account, realm) DO UPDATE SET live = c.live + excluded.live;
    RETURN NULL;
END
$$;

-- A revocation is never undone, and no token goes to another account or port.
CREATE FUNCTION tokenlatch.count_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tokenlatch.token_counts c SET live = c.live - r.tokens
    FROM (
        SELECT n.account, n.realm, count(*) AS tokens FROM after n JOIN before o ON o.seq = n.seq
        WHERE o.revoked IS NULL AND n.revoked IS NOT NULL GROUP BY n.account, n.realm
    ) r
    WHERE c.account = r.account AND c.realm = r.realm;
    RETURN NULL;
END
$$;

CREATE TRIGGER tokens_count_inserted AFTER INSERT ON tokenlatch.tokens
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.count_inserted();
CREATE TRIGGER tokens_count_revoked AFTER UPDATE ON tokenlatch.tokens
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.count_revoked();

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
    uses      bigint NOT NULL CHECK (uses >= 0)
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
