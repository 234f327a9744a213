"""Faults of plugins while many people talk with the agent."""
