CREATE TABLE IF NOT EXISTS tokenlatch_tokens ( id TEXT PRIMARY KEY NOT NULL, user_name TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, revoked BIGINT, record TEXT NOT NULL );
CREATE UNIQUE INDEX IF NOT EXISTS tokenlatch_tokens_live_name ON tokenlatch_tokens (user_name, name) WHERE revoked IS NULL;
CREATE INDEX IF NOT EXISTS tokenlatch_tokens_user ON tokenlatch_tokens (user_name);
CREATE TABLE IF NOT EXISTS tokenlatch_accounts (user_name TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_revoked BEFORE UPDATE ON tokenlatch_tokens WHEN OLD.revoked IS NOT NULL BEGIN SELECT RAISE(ABORT, 'token_revoked'); END;
CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_fixed BEFORE UPDATE ON tokenlatch_tokens WHEN OLD.id <> NEW.id OR OLD.user_name <> NEW.user_name OR OLD.hash <> NEW.hash BEGIN SELECT RAISE(ABORT, 'token_fixed'); END;
CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_kept BEFORE DELETE ON tokenlatch_tokens BEGIN SELECT RAISE(ABORT, 'token_kept'); END;
