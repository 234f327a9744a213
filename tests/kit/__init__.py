"""The author's kit, as somebody outside the workspace has it: from wheels."""
