"""Lanes in SQL: a row for each conversation with open events, which says what is next in it."""

OPEN = "state IN ('ready', 'leased', 'waiting')"
"""Which events a lane is about."""
HELD = (
    "EXISTS (SELECT 1 FROM events WHERE conversation = :conversation"
    " AND state IN ('leased', 'waiting'))"
)
"""Whether a turn is under way in a conversation; not always that of its oldest open event."""
NEXT = "SELECT conversation, head FROM lanes WHERE state = 0 ORDER BY priority - aged, head LIMIT 1"
NEXT_PERSON = (
    "SELECT conversation, head FROM lanes WHERE state = 0 AND person = 1"
    " ORDER BY priority - aged, head LIMIT 1"
)
JOIN = """
    INSERT INTO lanes (conversation, head, priority, person, state, available_at, since)
    VALUES (?1, ?2, ?3, ?4, 0, ?5, ?5)
    ON CONFLICT (conversation) DO UPDATE SET
        aged = MIN(aged, priority, excluded.priority),
        priority = MIN(priority, excluded.priority),
        person = MAX(person, excluded.person)
    WHERE excluded.priority < priority OR excluded.person > person
"""
HOLD = "UPDATE lanes SET state = 2 WHERE conversation = ?"
REFRESH = f"""
    INSERT INTO lanes (conversation, head, priority, person, state, available_at, since)
    VALUES (
        :conversation, :head,
        (SELECT MIN(priority) FROM events WHERE conversation = :conversation AND {OPEN}),
        EXISTS (SELECT 1 FROM events WHERE conversation = :conversation AND person = 1 AND {OPEN}),
        :state, :available_at, :now
    )
    ON CONFLICT (conversation) DO UPDATE SET
        head = excluded.head, priority = excluded.priority, person = excluded.person,
        state = excluded.state, available_at = excluded.available_at,
        aged = CASE WHEN head = excluded.head THEN MIN(aged, excluded.priority) ELSE 0 END,
        since = CASE WHEN head = excluded.head THEN since ELSE excluded.since END
"""
