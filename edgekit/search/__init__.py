"""Search over configurations of a network: what each is worth, and what it costs on each board."""
