"""Who runs the code of a project: how often, in which processes and event loops, and what at the same time."""
