"""The cost model against published measurements of real boards."""
