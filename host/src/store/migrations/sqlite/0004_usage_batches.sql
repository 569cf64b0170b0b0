-- Edges send in batches which tokens were used, and send a batch again when no answer came: the last one that was added,
-- of each sender. This is counted as no change of accounts and tokens.
CREATE TABLE usage_batches (
    follower TEXT    PRIMARY KEY NOT NULL CHECK (length(follower) >= 8),
    batch    INTEGER NOT NULL,
    seen     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_batches_seen ON usage_batches (seen);
