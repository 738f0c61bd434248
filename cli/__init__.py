"""The command `fraud`: a thin layer over the packages, with no logic of its own."""
