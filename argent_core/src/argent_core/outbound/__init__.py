"""What goes out: the outbox that keeps replies, and the output handlers that deliver them."""
