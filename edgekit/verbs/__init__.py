"""One file per verb of the command line: EXAMPLES, arguments(parser), run(options, screen) -> exit code."""
