-- What the rules about other people's saves need to remember. NOTES.md says why.

-- 0: the object came back under another id. 1: one feature that is known by two ids (rule 24).
ALTER TABLE aliases ADD COLUMN same INTEGER NOT NULL DEFAULT 0;

-- Features whose id no version of the server holds yet: it was derived from their content (rule 24).
CREATE TABLE derived (
    object INTEGER PRIMARY KEY
) STRICT;

-- Log rows up to here were looked through for values that no version of the server holds (rule 16).
ALTER TABLE map ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;

-- When the log was last made shorter (M12).
ALTER TABLE map ADD COLUMN tidied_at INTEGER NOT NULL DEFAULT 0;
