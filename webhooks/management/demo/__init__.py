"""The demonstration: a receiver that verifies what arrives, and a run that proves every delivery."""
