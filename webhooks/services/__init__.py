"""Use cases: the only writers. Each function is one or a few short transactions and returns ids."""
