"""The tables of ``data/memory.db``.

``items`` is what is remembered; all else is made of it and can be made again, but for what hands
and models added: ``links``, ``uses`` and ``entities``. A row is never changed to say something
else: what is corrected is a new row, and ``superseded_by`` of the old one says so. ``sayings``
keeps when the same was said again, ``messages`` what a channel calls a message and which turn
edited it, ``uses`` when it was told to a model and whether that mattered.
``words`` is the index, of the terms that ``words.py`` makes; ``terms``, ``speakers`` and ``totals``
count what is in it, and ``vocabulary`` shows what it has itself. A session is what was said at one
place without a long silence: the items before and after one in it, by ``position``, tell what it is
about. ``vectors`` belong to the model in ``embedders`` that made them: all items up to ``done``
have one, but for those that it must not see. Their numbers ``n`` only grow: what is new is known.
``mirrored`` says in which file of the workspace an item stands, and since when a hand has taken it
out there.

What is deleted is overwritten in the file: ``secure_delete`` is on while this file is open, and the
index deletes its words at once (https://www.sqlite.org/fts5.html#the_secure_delete_configuration_option).
"""

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        place TEXT NOT NULL,
        first REAL NOT NULL,
        last REAL NOT NULL,
        n INTEGER NOT NULL
    );
    CREATE INDEX sessions_place ON sessions (place, id);

    CREATE TABLE items (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT UNIQUE,
        kind TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'live' CHECK (
            state IN ('live', 'superseded', 'archived')
        ),
        text TEXT NOT NULL,
        speaker TEXT NOT NULL,
        place TEXT NOT NULL,
        said_at REAL NOT NULL,
        holds_from REAL,
        holds_until REAL,
        origin TEXT NOT NULL,
        source TEXT NOT NULL,
        trust TEXT NOT NULL,
        audience TEXT NOT NULL,
        private INTEGER NOT NULL,
        importance REAL NOT NULL,
        count INTEGER NOT NULL DEFAULT 1,
        superseded_by INTEGER REFERENCES items (id) ON DELETE SET NULL,
        created_at REAL NOT NULL,
        digest BLOB NOT NULL,
        checksum BLOB NOT NULL,
        session INTEGER REFERENCES sessions (id),
        position INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX items_session ON items (session, position) WHERE session IS NOT NULL;
    CREATE INDEX items_place ON items (place, id);
    CREATE INDEX items_said ON items (said_at);
    CREATE INDEX items_audience ON items (audience);
    CREATE INDEX items_speaker ON items (speaker, audience) WHERE state = 'live';
    CREATE INDEX items_source ON items (source);
    CREATE INDEX items_digest ON items (digest);
    CREATE INDEX items_superseded ON items (superseded_by) WHERE superseded_by IS NOT NULL;

    CREATE TABLE sayings (
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        said_at REAL NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (item, key)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX sayings_key ON sayings (key);
    CREATE INDEX sayings_source ON sayings (source);

    CREATE TABLE messages (
        place TEXT NOT NULL,
        message TEXT NOT NULL,
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        PRIMARY KEY (place, message, item)
    ) WITHOUT ROWID;
    CREATE INDEX messages_item ON messages (item);

    CREATE TABLE uses (
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        at REAL NOT NULL,
        turn TEXT NOT NULL,
        why TEXT NOT NULL,
        mattered INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX uses_item ON uses (item, at);
    CREATE INDEX uses_turn ON uses (turn);

    CREATE TABLE links (
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        other INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        relation TEXT NOT NULL CHECK (relation IN ('made of', 'conflicts with', 'about')),
        PRIMARY KEY (item, other, relation)
    ) WITHOUT ROWID;
    CREATE INDEX links_other ON links (other);

    CREATE TABLE entities (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        audience TEXT NOT NULL,
        created_at REAL NOT NULL
    );
    CREATE INDEX entities_audience ON entities (audience, name);
    CREATE TABLE aliases (
        alias TEXT NOT NULL,
        entity INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
        PRIMARY KEY (alias, entity)
    ) WITHOUT ROWID;
    CREATE TABLE mentions (
        entity INTEGER NOT NULL REFERENCES entities (id) ON DELETE CASCADE,
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        said INTEGER NOT NULL,
        PRIMARY KEY (entity, item)
    ) WITHOUT ROWID;
    CREATE INDEX mentions_item ON mentions (item);

    CREATE VIRTUAL TABLE words USING fts5 (terms, tokenize = 'ascii');
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
    CREATE TABLE terms (term TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE speakers (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE totals (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        items INTEGER NOT NULL,
        length INTEGER NOT NULL
    );
    INSERT INTO totals VALUES (1, 0, 0);

    CREATE TABLE embedders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        dimensions INTEGER NOT NULL,
        done INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE vectors (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        item INTEGER NOT NULL REFERENCES items (id) ON DELETE CASCADE,
        embedder INTEGER NOT NULL REFERENCES embedders (id) ON DELETE CASCADE,
        vector BLOB NOT NULL,
        UNIQUE (item, embedder)
    );
    CREATE TRIGGER vectors_to_make_again AFTER DELETE ON vectors
    WHEN EXISTS (SELECT 1 FROM items WHERE id = old.item AND state = 'live') BEGIN
        UPDATE embedders SET done = MIN(done, old.item - 1) WHERE id = old.embedder;
    END;

    CREATE TABLE mirrored (
        item INTEGER PRIMARY KEY,
        file TEXT NOT NULL,
        gone REAL
    );
    CREATE INDEX mirrored_file ON mirrored (file);

    CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE messages ADD COLUMN edit INTEGER NOT NULL DEFAULT 0;
    """,
)
