-- One uMap map in one file. NOTES.md says why the columns are as they are.

PRAGMA application_id = 1114207841; -- 'Biva'

-- The map itself: one row.
CREATE TABLE map (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    server TEXT,
    server_map_id INTEGER,
    slug TEXT,
    account TEXT,
    clock_id TEXT NOT NULL,
    clock_wall INTEGER NOT NULL DEFAULT 0,
    clock_counter INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL DEFAULT 0,
    synced_at INTEGER NOT NULL DEFAULT 0,
    clock_skew INTEGER NOT NULL DEFAULT 0,
    modified_at INTEGER NOT NULL DEFAULT 0,
    urls TEXT,
    rights TEXT,
    read_only INTEGER NOT NULL DEFAULT 0,
    horizon INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Clock ids, peers, paths: texts that repeat in every row of the log.
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO names (id, text) VALUES (0, '');

-- kind: 0 map, 1 layer, 2 feature. layer: the layer's object, 0 for map and layers.
-- base_same: 0 no base, 1 the base is this row's document and registers, 2 base and base_registers.
-- rows: the log rows that speak of it.
-- read_at: first read from the server then and untouched since, so not in the log yet.
-- recorded: 1 where the log may hold an operation of others on it that was not applied.
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    uid TEXT NOT NULL,
    alive INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL DEFAULT '',
    registers BLOB NOT NULL DEFAULT x'',
    rows BLOB NOT NULL DEFAULT x'',
    base_same INTEGER NOT NULL DEFAULT 0,
    base TEXT,
    base_registers BLOB,
    read_at INTEGER,
    recorded INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, layer, uid)
) STRICT;

-- Where living features lie.
CREATE VIRTUAL TABLE bounds USING rtree(id, west, east, south, north);

-- What the server says of a layer, which is no operation (M10).
CREATE TABLE layers (
    object INTEGER PRIMARY KEY,
    edit_status INTEGER NOT NULL DEFAULT 0,
    edit_mode TEXT,
    reference TEXT,
    provisional TEXT,
    listed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The log. wall is -1 and stamp the raw text where the stamp is invalid.
-- origin: 0 foreign, 1 local, 2 wire, 3 server. verb: 0 upsert, 1 update, 2 delete.
-- state: 0 none, 1 local, 2 sent, 3 echoed, 4 saved, 5 verified, 6 superseded, 7 lost, 8 unsaved by its foreign writer.
CREATE TABLE operations (
    row INTEGER PRIMARY KEY,
    wall INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    clock INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    object INTEGER NOT NULL,
    verb INTEGER NOT NULL,
    path INTEGER,
    value TEXT,
    origin INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sender INTEGER,
    dirty INTEGER,
    feature_type INTEGER,
    marks TEXT,
    stamp TEXT,
    extra TEXT,
    state INTEGER NOT NULL DEFAULT 0,
    sent_as INTEGER,
    unit INTEGER,
    frame INTEGER,
    before TEXT
) STRICT;
CREATE INDEX operations_identity ON operations (wall, idx);
CREATE INDEX operations_pending ON operations (object, state) WHERE state BETWEEN 1 AND 4;
CREATE INDEX operations_unsaved ON operations (state) WHERE state = 8;
CREATE INDEX operations_sent_as ON operations (sent_as) WHERE sent_as IS NOT NULL;
CREATE INDEX operations_unit ON operations (unit) WHERE unit IS NOT NULL;
CREATE INDEX operations_frame ON operations (frame) WHERE frame IS NOT NULL;

-- Frames as they were sent, for re-sending byte for byte (M8).
CREATE TABLE frames (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    echoed_at INTEGER
) STRICT;
CREATE INDEX frames_unechoed ON frames (id) WHERE echoed_at IS NULL;

-- Undo units (M7). kind: 0 edit, 1 undo, 2 redo. of: the unit that it takes back.
CREATE TABLE units (
    id INTEGER PRIMARY KEY,
    label TEXT NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    of INTEGER,
    undone_at INTEGER
) STRICT;

-- A feature or layer that came back under another id (rule 42).
CREATE TABLE aliases (
    object INTEGER PRIMARY KEY,
    becomes INTEGER NOT NULL,
    row INTEGER NOT NULL
) STRICT;

-- kind: 0 value, 1 deleted while edited, 2 edited while deleted, 3 layer deleted.
-- state: 0 open, 1 mine, 2 theirs.
CREATE TABLE conflicts (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL,
    path INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mine TEXT,
    mine_row INTEGER NOT NULL,
    theirs TEXT,
    theirs_row INTEGER NOT NULL,
    theirs_clock INTEGER NOT NULL,
    theirs_sender INTEGER,
    theirs_at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX conflicts_open ON conflicts (object, path) WHERE state = 0;

-- Foreign operations on layers stricter than the room (rule 33). state: 0 open, 1 approved, 2 settled, 3 dismissed.
CREATE TABLE proposals (
    row INTEGER PRIMARY KEY,
    layer INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX proposals_layer ON proposals (layer) WHERE state = 0;

-- Operations on layers that nobody told us of yet (rule 26).
CREATE TABLE parked (
    row INTEGER PRIMARY KEY,
    layer INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_layer ON parked (layer);

-- Connections seen in the room, our own past ones included (rule 12).
CREATE TABLE peers (
    peer TEXT PRIMARY KEY,
    own INTEGER NOT NULL DEFAULT 0,
    username TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What happened during synchronising, for people.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
