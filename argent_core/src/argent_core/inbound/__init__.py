"""What comes in: event sources, and the journal that keeps their events."""
