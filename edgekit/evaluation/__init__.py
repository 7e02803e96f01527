"""Networks held against whole data sets: every fold, several seeds, float and int8 on the same trials."""
