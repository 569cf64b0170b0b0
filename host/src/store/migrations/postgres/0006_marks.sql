-- Numbers of changes don't identify them: a database that was put back counts on from an older number, and reaches the
-- numbers again that readers know as other changes. So each change draws a mark at random. A reader's number belongs to
-- this history only if its mark is here. Older marks are removed: such a reader reads everything.
CREATE TABLE tokenlatch.marks (
    revision bigint PRIMARY KEY,
    mark     bigint NOT NULL
);

-- The last 64 bits of a random UUID, 62 of which are random. `random()` would not do: its seed may be set.
CREATE FUNCTION tokenlatch.draw_mark() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT ('x' || right(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint
$$;

INSERT INTO tokenlatch.marks (revision, mark) SELECT revision, tokenlatch.draw_mark() FROM tokenlatch.state;

CREATE FUNCTION tokenlatch.mark_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tokenlatch.marks (revision, mark) VALUES (NEW.revision, tokenlatch.draw_mark());
    DELETE FROM tokenlatch.marks WHERE revision <= NEW.revision - 100000;
    RETURN NULL;
END
$$;

CREATE TRIGGER state_marked AFTER UPDATE ON tokenlatch.state
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.mark_state();

-- The same in every copy of this database, and in no other one.
CREATE TABLE tokenlatch.identity (
    one integer PRIMARY KEY CHECK (one = 1),
    id  text COLLATE "C" NOT NULL CHECK (length(id) = 32)
);

INSERT INTO tokenlatch.identity (one, id) VALUES (1, replace(gen_random_uuid()::text, '-', ''));

CREATE TRIGGER identity_guard BEFORE UPDATE OR DELETE ON tokenlatch.identity
    FOR EACH ROW EXECUTE FUNCTION tokenlatch.refuse('state_fixed');
CREATE TRIGGER identity_truncate BEFORE TRUNCATE ON tokenlatch.identity
    FOR EACH STATEMENT EXECUTE FUNCTION tokenlatch.refuse('state_fixed');
