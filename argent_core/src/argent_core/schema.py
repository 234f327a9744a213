"""The tables of ``data/kernel.db``.

``events`` is the journal; ``lanes`` holds one row for each conversation with open events, kept in
the same transactions, so that the next event to deal with is one index look-up however many wait.
``turns``, ``blocks`` and ``steps`` are the trace, and what a turn resumes from. ``asked``,
``trust`` and ``answer`` of a turn are its part of the history: what filters let through; if it is
``private``, models elsewhere are never told of it, and ``outside`` says whether something from
outside was told in it; ``ended`` numbers them in the order in which they ended. ``file_uses`` says
which attachments an event and its replies refer to, so that the others can be taken away.
"""

EVENT_STATES = ("ready", "leased", "waiting", "done", "dead", "cancelled")
REPLY_STATES = ("pending", "sending", "sent", "unknown", "expired", "dead", "held")

MIGRATIONS = (
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        plugin TEXT NOT NULL,
        kind TEXT NOT NULL,
        conversation TEXT NOT NULL,
        priority INTEGER NOT NULL,
        person INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'ready' CHECK (
            state IN ('ready', 'leased', 'waiting', 'done', 'dead', 'cancelled')
        ),
        dedupe_key TEXT,
        body TEXT NOT NULL,
        created_at REAL NOT NULL,
        available_at REAL NOT NULL,
        expires_at REAL,
        finished_at REAL,
        attempts INTEGER NOT NULL DEFAULT 0,
        lease INTEGER NOT NULL DEFAULT 0,
        boot TEXT,
        turn TEXT,
        reason TEXT NOT NULL DEFAULT '',
        UNIQUE (plugin, dedupe_key)
    );
    CREATE INDEX events_open ON events (conversation, seq)
        WHERE state IN ('ready', 'leased', 'waiting');
    CREATE INDEX events_rank ON events (conversation, priority)
        WHERE state IN ('ready', 'leased', 'waiting');
    CREATE INDEX events_person ON events (conversation)
        WHERE person = 1 AND state IN ('ready', 'leased', 'waiting');
    CREATE INDEX events_held ON events (conversation) WHERE state IN ('leased', 'waiting');
    CREATE INDEX events_dead ON events (seq) WHERE state = 'dead';
    CREATE INDEX events_turn ON events (turn, seq) WHERE turn IS NOT NULL;

    CREATE TABLE lanes (
        conversation TEXT PRIMARY KEY,
        head INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        aged INTEGER NOT NULL DEFAULT 0,
        person INTEGER NOT NULL,
        state INTEGER NOT NULL,
        available_at REAL NOT NULL,
        since REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX lanes_next ON lanes (priority - aged, head) WHERE state = 0;
    CREATE INDEX lanes_person ON lanes (priority - aged, head) WHERE state = 0 AND person = 1;
    CREATE INDEX lanes_later ON lanes (available_at) WHERE state = 1;

    CREATE TABLE cursors (source TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        conversation TEXT NOT NULL,
        n INTEGER NOT NULL,
        state TEXT NOT NULL,
        started_at REAL NOT NULL,
        finished_at REAL,
        score REAL,
        factors TEXT,
        tier TEXT,
        provider TEXT,
        model TEXT,
        asked TEXT,
        trust TEXT,
        answer TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT ''
    ) WITHOUT ROWID;
    CREATE INDEX turns_conversation ON turns (conversation, n);
    CREATE INDEX turns_exchanges ON turns (conversation, n, finished_at)
        WHERE (asked IS NOT NULL AND answer != '' AND state IN ('done', 'cancelled', 'dead'));

    CREATE TABLE blocks (
        turn TEXT NOT NULL,
        n INTEGER NOT NULL,
        provider TEXT NOT NULL,
        source TEXT NOT NULL,
        trust TEXT NOT NULL,
        stable INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        left_out TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (turn, n)
    ) WITHOUT ROWID;

    CREATE TABLE steps (
        turn TEXT NOT NULL,
        n INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('model', 'tool', 'steer')),
        name TEXT NOT NULL,
        key TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('intent', 'done', 'failed', 'unknown')),
        request TEXT NOT NULL,
        result TEXT,
        started_at REAL NOT NULL,
        finished_at REAL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cost REAL,
        PRIMARY KEY (turn, n)
    ) WITHOUT ROWID;

    CREATE TABLE calls (
        key TEXT PRIMARY KEY,
        turn TEXT NOT NULL,
        conversation TEXT NOT NULL,
        source TEXT NOT NULL,
        tier TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        at REAL NOT NULL,
        day TEXT NOT NULL,
        price_known INTEGER NOT NULL,
        reserved INTEGER NOT NULL,
        spent INTEGER,
        error TEXT NOT NULL DEFAULT '',
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        cache_read_tokens INTEGER NOT NULL DEFAULT 0,
        cache_write_tokens INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX calls_day ON calls (day);
    CREATE INDEX calls_open ON calls (turn) WHERE spent IS NULL;

    CREATE TABLE conversations (
        conversation TEXT PRIMARY KEY,
        tier TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE spending (
        scope TEXT NOT NULL,
        period TEXT NOT NULL,
        amount INTEGER NOT NULL,
        told INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (scope, period)
    ) WITHOUT ROWID;

    CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        turn TEXT NOT NULL,
        conversation TEXT NOT NULL,
        call_id TEXT NOT NULL,
        call_hash TEXT NOT NULL,
        call TEXT NOT NULL,
        state TEXT NOT NULL CHECK (
            state IN ('open', 'allowed', 'denied', 'expired', 'superseded', 'used')
        ),
        asked_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        answered_by TEXT NOT NULL DEFAULT '',
        UNIQUE (turn, call_id)
    ) WITHOUT ROWID;
    CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';

    CREATE TABLE outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        turn TEXT NOT NULL,
        conversation TEXT NOT NULL,
        channel TEXT NOT NULL,
        address TEXT NOT NULL,
        text TEXT NOT NULL,
        state TEXT NOT NULL CHECK (
            state IN ('pending', 'sending', 'sent', 'unknown', 'expired', 'dead', 'held')
        ),
        attempts INTEGER NOT NULL DEFAULT 0,
        created_at REAL NOT NULL,
        available_at REAL NOT NULL,
        finished_at REAL,
        receipt TEXT,
        reason TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX outbox_open ON outbox (channel, address, seq)
        WHERE state IN ('pending', 'sending');
    CREATE INDEX outbox_turn ON outbox (turn);
    """,
    "ALTER TABLE turns ADD COLUMN why TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE spending ADD COLUMN told_of INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE turns ADD COLUMN private INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE file_uses (
        turn TEXT NOT NULL,
        file TEXT NOT NULL,
        PRIMARY KEY (turn, file)
    ) WITHOUT ROWID;
    CREATE INDEX file_uses_file ON file_uses (file);
    ALTER TABLE outbox ADD COLUMN files TEXT NOT NULL DEFAULT '';
    """,
    """
    CREATE TABLE people (
        channel TEXT NOT NULL,
        sender TEXT NOT NULL,
        standing TEXT NOT NULL CHECK (standing IN ('owner', 'paired', 'blocked')),
        name TEXT NOT NULL,
        since REAL NOT NULL,
        let_in_by TEXT NOT NULL,
        PRIMARY KEY (channel, sender)
    ) WITHOUT ROWID;
    CREATE TABLE owner_chats (
        channel TEXT NOT NULL,
        sender TEXT NOT NULL,
        address TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (channel, sender)
    ) WITHOUT ROWID;
    CREATE TABLE group_chats (
        channel TEXT NOT NULL,
        chat TEXT NOT NULL,
        standing TEXT NOT NULL CHECK (standing IN ('allowed', 'forbidden')),
        name TEXT NOT NULL,
        since REAL NOT NULL,
        let_in_by TEXT NOT NULL,
        PRIMARY KEY (channel, chat)
    ) WITHOUT ROWID;
    CREATE TABLE pairings (
        code TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('person', 'group', 'invitation')),
        state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'denied')),
        channel TEXT NOT NULL,
        who TEXT NOT NULL,
        standing TEXT NOT NULL DEFAULT '',
        sender TEXT NOT NULL DEFAULT '',
        name TEXT NOT NULL DEFAULT '',
        address TEXT NOT NULL DEFAULT '',
        conversation TEXT NOT NULL DEFAULT '',
        event TEXT NOT NULL DEFAULT '',
        told INTEGER NOT NULL DEFAULT 0,
        expires_at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX pairings_who ON pairings (channel, kind, who) WHERE kind != 'invitation';
    CREATE TABLE wrong_codes (
        scope TEXT PRIMARY KEY,
        times TEXT NOT NULL,
        shut_until REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE fresh_starts (conversation TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
    """,
    "ALTER TABLE turns ADD COLUMN outside INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE approvals ADD COLUMN address TEXT NOT NULL DEFAULT ''",
    """
    ALTER TABLE blocks ADD COLUMN why TEXT NOT NULL DEFAULT '';
    ALTER TABLE turns ADD COLUMN ended INTEGER;
    UPDATE turns SET ended = numbered.n
        FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY finished_at, n, id) AS n FROM turns
            WHERE state IN ('done', 'dead', 'cancelled')) AS numbered
        WHERE numbered.id = turns.id;
    CREATE INDEX turns_ended ON turns (ended) WHERE ended IS NOT NULL;
    """,
    "ALTER TABLE approvals ADD COLUMN answer_key TEXT NOT NULL DEFAULT ''",
)
