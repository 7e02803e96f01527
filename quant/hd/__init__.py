"""Binary hyperdimensional classifiers: features become bits, a class is a row of bits, the nearest class wins.

Fitted here with NumPy alone; what comes out is an integer graph like any network's. The methods are those of Hersche,
Mello Rego, Cavigelli, Benini, Rahimi, "Exploring embedding methods in binary hyperdimensional computing: a case study
for motor-imagery based brain-computer interfaces", 2018 (arXiv 1812.05705).
"""
