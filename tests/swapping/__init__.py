"""Small builds: the kernel, the terminal, one model provider and one tier, from wheels.

Each is installed into an empty environment and talks to a server on this machine that plays the
provider's.
"""
