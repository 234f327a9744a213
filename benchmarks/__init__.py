"""What Argent costs and how long it lasts: each measurement is a command with ``--help``."""
