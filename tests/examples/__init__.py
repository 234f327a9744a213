"""The plugins of ``examples/``, which stand outside the workspace, as somebody installs them."""
