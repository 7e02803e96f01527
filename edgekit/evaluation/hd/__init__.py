"""Hyperdimensional classifiers and support vector machines on the same Riemannian features of a whole data set."""
