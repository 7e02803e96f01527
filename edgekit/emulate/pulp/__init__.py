"""The simulator of the open PULP platform: a controller and a cluster of RISC-V cores with XpulpV2, in cycle lockstep."""
