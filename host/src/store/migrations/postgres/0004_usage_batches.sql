-- Edges send in batches which tokens were used, and send a batch again when no answer came: the last one that was added,
-- of each sender. This is counted as no change of accounts and tokens.
CREATE TABLE tokenlatch.usage_batches (
    follower text COLLATE "C" PRIMARY KEY CHECK (length(follower) >= 8),
    batch    bigint NOT NULL,
    seen     bigint NOT NULL
);
CREATE INDEX usage_batches_seen ON tokenlatch.usage_batches (seen);
