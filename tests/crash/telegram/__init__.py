"""The crash harness with Telegram: argent-telegram, and a Bot API server that is never killed.

A life runs the plugin as it is, over loopback. Messages come as Telegram's updates, and replies
stand in Telegram's chats; what Telegram cannot tell twice may be unknown, and must be shown so.
"""
