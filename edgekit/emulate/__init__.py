"""Emulated boards: firmware images run, counted and priced."""
