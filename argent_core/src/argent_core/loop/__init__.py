"""The agent's loop: takes events, makes a turn of each."""
