"""From the integer graph to a C project: boards, layouts, memory, kernels' declarations, builds."""
