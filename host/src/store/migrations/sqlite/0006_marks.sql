-- Numbers of changes don't identify them: a database that was put back counts on from an older number, and reaches the
-- numbers again that readers know as other changes. So each change draws a mark at random. A reader's number belongs to
-- this history only if its mark is here. Older marks are removed: such a reader reads everything.
CREATE TABLE marks (
    revision INTEGER PRIMARY KEY,
    mark     INTEGER NOT NULL
) STRICT;

INSERT INTO marks (revision, mark) SELECT revision, random() FROM state;

CREATE TRIGGER state_marked AFTER UPDATE ON state
BEGIN
    INSERT INTO marks (revision, mark) VALUES (NEW.revision, random());
    DELETE FROM marks WHERE revision <= NEW.revision - 100000;
END;

-- The same in every copy of this database, and in no other one.
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  TEXT    NOT NULL CHECK (length(id) = 32)
) STRICT;

INSERT INTO identity (one, id) VALUES (1, lower(hex(randomblob(16))));

CREATE TRIGGER identity_update BEFORE UPDATE ON identity
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;

CREATE TRIGGER identity_delete BEFORE DELETE ON identity
BEGIN
    SELECT RAISE(ABORT, 'state_fixed');
END;
