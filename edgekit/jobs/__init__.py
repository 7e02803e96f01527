"""Many independent jobs (trainings, prices): in parallel, on a cluster, and never twice."""
