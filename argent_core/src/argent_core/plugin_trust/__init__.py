"""Trust in plugins: what they bring, what was approved, and what has changed since."""
