"""Wrong plugins that have to be modules of their own."""
