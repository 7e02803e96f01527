"""The simulator of the open PULP platform: controller and cluster of RISC-V cores with XpulpV2, in cycle lockstep."""
