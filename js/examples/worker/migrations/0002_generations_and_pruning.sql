CREATE TABLE IF NOT EXISTS tokenlatch_generations (user_name TEXT PRIMARY KEY NOT NULL, generation TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS tokenlatch_tokens_live_kept BEFORE DELETE ON tokenlatch_tokens WHEN OLD.revoked IS NULL BEGIN SELECT RAISE(ABORT, 'token_kept'); END;
DROP TRIGGER IF EXISTS tokenlatch_tokens_kept;
CREATE TRIGGER IF NOT EXISTS tokenlatch_accounts_made AFTER INSERT ON tokenlatch_accounts BEGIN INSERT OR REPLACE INTO tokenlatch_generations (user_name, generation) VALUES (NEW.user_name, lower(hex(randomblob(16)))); END;
CREATE TRIGGER IF NOT EXISTS tokenlatch_accounts_removed AFTER DELETE ON tokenlatch_accounts BEGIN DELETE FROM tokenlatch_generations WHERE user_name = OLD.user_name; END;
INSERT INTO tokenlatch_generations (user_name, generation) SELECT user_name, lower(hex(randomblob(16))) FROM tokenlatch_accounts WHERE true ON CONFLICT DO NOTHING;
