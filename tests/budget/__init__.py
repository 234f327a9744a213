"""The budget under random schedules: no cap is ever gone over, whatever happens."""
