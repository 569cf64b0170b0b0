-- Caps on what an account's tokens may take, revoked tokens that cost next to nothing, and their end.

-- An object with the caps that an administrator has set; the others have their defaults.
ALTER TABLE accounts ADD COLUMN caps TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(caps));

-- How many tokens an account has created within an hour.
CREATE INDEX tokens_created ON tokens (account, created);
-- The newest revocations, and the oldest.
CREATE INDEX tokens_revoked ON tokens (revoked) WHERE revoked IS NOT NULL;

-- What a revoked token could touch and from where is of no use any more.
DROP TRIGGER tokens_update_revoked;
UPDATE tokens SET record = json_set(record, '$.access', json('{"features":[]}'))
WHERE revoked IS NOT NULL AND json_type(record, '$.access') = 'object'
    AND json_array_length(record, '$.access.features') > 0;
UPDATE tokens SET record = json_set(record, '$.addresses', json('[]'))
WHERE revoked IS NOT NULL AND json_array_length(record, '$.addresses') > 0;
CREATE TRIGGER tokens_update_revoked BEFORE UPDATE ON tokens
WHEN OLD.revoked IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'token_revoked');
END;

-- Tokens revoked before `before` may be missing: no backup from before that time tells which of its tokens were revoked.
-- No reader who stands before `revision` learns all revocations from what has changed since.
CREATE TABLE pruned (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    before   INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO pruned (one, before, revision) VALUES (1, 0, 0);

CREATE TRIGGER pruned_update BEFORE UPDATE ON pruned
WHEN NEW.before < OLD.before OR NEW.revision < OLD.revision
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;

CREATE TRIGGER pruned_delete BEFORE DELETE ON pruned
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;

-- Only a token whose revocation lies before that time goes.
DROP TRIGGER tokens_delete;
CREATE TRIGGER tokens_delete BEFORE DELETE ON tokens
WHEN OLD.revoked IS NULL OR OLD.revoked >= (SELECT before FROM pruned)
BEGIN
    SELECT RAISE(ABORT, 'token_kept');
END;
