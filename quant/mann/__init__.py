"""EEGNet with a binary augmented memory (MANN-EEGNet): bits and a search in the place of the last layer.

Published without code; what is known are ratios of memory (:mod:`quant.mann.sizes`) and accuracies. Settled here:
e = [P h >= 0], D bits of the features h in front of the last layer; one row of D bits per class, the majority of its
training trials; the answer is the class of the row that is nearest in Hamming distance.
"""
