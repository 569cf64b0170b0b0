-- What must never be raced is enforced here: one account a user, one live name a user, one record a hash, and a
-- revocation that nothing undoes. Rows are never deleted: a removed account and a revoked token stay as tombstones,
-- so a hash that was ever refused can never be good again.

-- Where the data stands. Readers ask for what is newer than what they have; in another epoch they read everything anew.
-- Whoever writes holds this row until the commit, so revisions become visible in their order.
CREATE TABLE tokenlatch.state (
    one      integer PRIMARY KEY CHECK (one = 1),
    epoch    bigint NOT NULL,
    revision bigint NOT NULL
);

-- Two databases hardly ever begin with the same epoch.
INSERT INTO tokenlatch.state (one, epoch, revision) VALUES (1, floor(random() * 4503599627370496)::bigint, 1);

CREATE TABLE tokenlatch.accounts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The same in every copy of the account, whatever its name becomes.
    key             text COLLATE "C" NOT NULL CHECK (length(key) >= 16),
    "user"          text COLLATE "C" NOT NULL CHECK ("user" <> ''),
    suspended       boolean NOT NULL DEFAULT false,
    features        text NOT NULL CHECK (features::jsonb IS NOT NULL),
    created         bigint NOT NULL,
    removed         bigint,
    max_lifetime    bigint CHECK (max_lifetime >= 1),
    expiry_required boolean NOT NULL DEFAULT false,
    -- Argon2id in the form of the Password Hashing Competition; null where nobody can log in.
    password        text,
    changed         bigint NOT NULL
);

CREATE UNIQUE INDEX accounts_key ON tokenlatch.accounts (key);
CREATE UNIQUE INDEX accounts_live_user ON tokenlatch.accounts ("user") WHERE removed IS NULL;
CREATE INDEX accounts_changed ON tokenlatch.accounts (changed);

-- `record` is the whole record, with keys that this version does not know. The columns after it are taken from it by
-- the database, so they cannot differ from it when they are written; a reader that finds a difference has found damage.
CREATE TABLE tokenlatch.tokens (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  bigint NOT NULL REFERENCES tokenlatch.accounts (id) ON DELETE RESTRICT ON UPDATE RESTRICT,
    revision bigint NOT NULL DEFAULT 1,
    changed  bigint NOT NULL,
    record   jsonb  NOT NULL CHECK (jsonb_typeof(record) = 'object'),
    id       text COLLATE "C" NOT NULL GENERATED ALWAYS AS (record ->> 'id') STORED,
    "user"   text COLLATE "C" NOT NULL GENERATED ALWAYS AS (record ->> 'user') STORED,
    name     text COLLATE "C" NOT NULL GENERATED ALWAYS AS (record ->> 'name') STORED,
    hash     text COLLATE "C" NOT NULL GENERATED ALWAYS AS (record ->> 'hash') STORED,
    created  bigint NOT NULL GENERATED ALWAYS AS ((record ->> 'created')::bigint) STORED,
    expires  bigint          GENERATED ALWAYS AS ((record ->> 'expires')::bigint) STORED,
    revoked  bigint          GENERATED ALWAYS AS ((record ->> 'revoked')::bigint) STORED
);

CREATE UNIQUE INDEX tokens_id ON tokenlatch.tokens (id);
CREATE UNIQUE INDEX tokens_hash ON tokenlatch.tokens (hash);
CREATE UNIQUE INDEX tokens_live_name ON tokenlatch.tokens (account, name) WHERE revoked IS NULL;
CREATE INDEX tokens_account ON tokenlatch.tokens (account, seq);
CREATE INDEX tokens_changed ON tokenlatch.tokens (changed);

-- Runs before each statement that writes, and so before it locks any row: writers come one after another.
CREATE FUNCTION tokenlatch.count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tokenlatch.state SET revision = revision + 1;
    RETURN NULL;
END
$$;

CREATE FUNCTION tokenlatch.guard_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.removed IS NOT NULL OR OLD.id <> NEW.id OR OLD.key <> NEW.key OR OLD.created <> NEW.created THEN
            RAISE EXCEPTION 'account_fixed';
        END IF;
        IF NEW.removed IS NOT NULL
            AND EXISTS (SELECT 1 FROM tokenlatch.tokens WHERE account = OLD.id AND revoked IS NULL) THEN
            RAISE EXCEPTION 'account_in_use';
        END IF;
        IF OLD."user" <> NEW."user" OR OLD.removed IS DISTINCT FROM NEW.removed THEN
            UPDATE tokenlatch.state SET revision = revision + 1, epoch = epoch + 1;
        END IF;
    END IF;
    NEW.changed := (SELECT revision FROM tokenlatch.state);
    RETURN NEW;
END
$$;

-- An account that is renamed keeps its tokens. Revoked ones stay as they were.
CREATE FUNCTION tokenlatch.rename_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tokenlatch.tokens
    SET record = jsonb_set(record, '{user}', to_jsonb(NEW."user")), revision = revision + 1
    WHERE account = NEW.id AND revoked IS NULL;
    RETURN NULL;
END
$$;

-- Generated columns are not known yet before a write, so the record itself is read.
CREATE FUNCTION tokenlatch.guard_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- A revoked token may come from a backup whose account has gone since, or has another name.
        IF NEW.record ->> 'revoked' IS NULL AND NOT EXISTS (
            SELECT 1 FROM tokenlatch.accounts
            WHERE id = NEW.account AND removed IS NULL AND "user" = NEW.record ->> 'user'
        ) THEN
            RAISE EXCEPTION 'account_unknown';
        END IF;
    ELSE
        IF OLD.revoked IS NOT NULL THEN
            RAISE EXCEPTION 'token_revoked';
        END IF;
        -- The user changes only with the account, the expiry only for the administrator's own port.
        IF OLD.seq <> NEW.seq OR OLD.account <> NEW.account
            OR OLD.id IS DISTINCT FROM NEW.record ->> 'id'
            OR OLD.hash IS DISTINCT FROM NEW.record ->> 'hash'
            OR OLD.created IS DISTINCT FROM (NEW.record ->> 'created')::bigint
            OR coalesce(OLD.record ->> 'realm', 'account') <> coalesce(NEW.record ->> 'realm', 'account')
            OR (OLD.expires IS DISTINCT FROM (NEW.record ->> 'expires')::bigint
                AND OLD.record ->> 'realm' IS DISTINCT FROM 'admin')
            OR (OLD."user" IS DISTINCT FROM NEW.record ->> 'user'
                AND NEW.record ->> 'user' IS DISTINCT FROM
                    (SELECT "user" FROM tokenlatch.accounts WHERE id = OLD.account)) THEN
            RAISE EXCEPTION 'token_fixed';
        END IF;
    END IF;
    NEW.changed := (SELECT revision FROM tokenlatch.state);
    RETURN NEW;
END
$$;

CREATE FUNCTION tokenlatch.guard_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision <= OLD.revision OR NEW.epoch < OLD.epoch THEN
        RAISE EXCEPTION 'state_fixed';
    END IF;
    RETURN NEW;
END
$$;

-- The first argument says what is refused.
CREATE FUNCTION tokenlatch.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;

CREATE TRIGGER accounts_count BEFORE INSERT OR UPDATE ON tokenlatch.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.count_change();
CREATE TRIGGER accounts_guard BEFORE INSERT OR UPDATE ON tokenlatch.accounts
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.guard_accounts();
CREATE TRIGGER accounts_renamed AFTER UPDATE ON tokenlatch.accounts
    FOR EACH ROW WHEN (OLD."user" <> NEW."user") EXECUTE FUNCTION tokenlatch.rename_tokens();
CREATE TRIGGER accounts_delete BEFORE DELETE ON tokenlatch.accounts
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.refuse('account_kept');
CREATE TRIGGER accounts_truncate BEFORE TRUNCATE ON tokenlatch.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.refuse('account_kept');

CREATE TRIGGER tokens_count BEFORE INSERT OR UPDATE ON tokenlatch.tokens
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.count_change();
CREATE TRIGGER tokens_guard BEFORE INSERT OR UPDATE ON tokenlatch.tokens
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.guard_tokens();
CREATE TRIGGER tokens_delete BEFORE DELETE ON tokenlatch.tokens
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.refuse('token_kept');
CREATE TRIGGER tokens_truncate BEFORE TRUNCATE ON tokenlatch.tokens
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.refuse('token_kept');

CREATE TRIGGER state_guard BEFORE UPDATE ON tokenlatch.state
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.guard_state();
CREATE TRIGGER state_delete BEFORE DELETE ON tokenlatch.state
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.refuse('state_fixed');
CREATE TRIGGER state_truncate BEFORE TRUNCATE ON tokenlatch.state
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.refuse('state_fixed');
