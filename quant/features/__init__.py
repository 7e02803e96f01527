"""Features of biosignals that a classifier is fitted on, on the host; quant/front_end.py is what a device gets."""
