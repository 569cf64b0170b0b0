-- Caps on what an account's tokens may take, revoked tokens that cost next to nothing, and their end.

-- An object with the caps that an administrator has set; the others have their defaults.
ALTER TABLE tokenlatch.accounts ADD COLUMN caps text NOT NULL DEFAULT '{}' CHECK (caps::jsonb IS NOT NULL);

-- How many tokens an account has created within an hour.
CREATE INDEX tokens_created ON tokenlatch.tokens (account, created);
-- The newest revocations, and the oldest.
CREATE INDEX tokens_revoked ON tokenlatch.tokens (revoked) WHERE revoked IS NOT NULL;

-- What a revoked token could touch and from where is of no use any more. A statement counts as a change even where it
-- changes nothing, and a new database has none.
DO $$
BEGIN
    IF EXISTS (SELECT FROM tokenlatch.tokens WHERE revoked IS NOT NULL) THEN
        ALTER TABLE tokenlatch.tokens DISABLE TRIGGER tokens_guard;
        UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{access}', '{"features":[]}')
        WHERE revoked IS NOT NULL AND jsonb_typeof(record -> 'access') = 'object'
            AND record -> 'access' <> '{"features":[]}';
        UPDATE tokenlatch.tokens SET record = jsonb_set(record, '{addresses}', '[]')
        WHERE revoked IS NOT NULL AND record -> 'addresses' <> '[]';
        ALTER TABLE tokenlatch.tokens ENABLE TRIGGER tokens_guard;
    END IF;
END
$$;

-- Tokens revoked before `before` may be missing: no backup from before that time tells which of its tokens were revoked.
-- No reader who stands before `revision` learns all revocations from what has changed since.
CREATE TABLE tokenlatch.pruned (
    one      integer PRIMARY KEY CHECK (one = 1),
    before   bigint NOT NULL,
    revision bigint NOT NULL
);
INSERT INTO tokenlatch.pruned (one, before, revision) VALUES (1, 0, 0);

CREATE FUNCTION tokenlatch.guard_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.before < OLD.before OR NEW.revision < OLD.revision THEN
        RAISE EXCEPTION 'state_fixed';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER pruned_guard BEFORE UPDATE ON tokenlatch.pruned
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.guard_pruned();
CREATE TRIGGER pruned_delete BEFORE DELETE ON tokenlatch.pruned
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.refuse('state_fixed');
CREATE TRIGGER pruned_truncate BEFORE TRUNCATE ON tokenlatch.pruned
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.refuse('state_fixed');

-- Only a token whose revocation lies before that time goes.
CREATE FUNCTION tokenlatch.guard_pruning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked IS NULL OR OLD.revoked >= (SELECT before FROM tokenlatch.pruned) THEN
        RAISE EXCEPTION 'token_kept';
    END IF;
    RETURN OLD;
END
$$;

DROP TRIGGER tokens_delete ON tokenlatch.tokens;
CREATE TRIGGER tokens_delete BEFORE DELETE ON tokenlatch.tokens
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.guard_pruning();
