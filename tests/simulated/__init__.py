"""Random small systems as files, and a simulation of a cluster that runs them."""
