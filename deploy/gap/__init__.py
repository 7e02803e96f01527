"""Code for a cluster with a scratchpad: tiles, the plan of both memories, the table of steps, C tables."""
