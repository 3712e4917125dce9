"""What everybody may know: where things are, and what this Clarion can do. Made from its settings and registries."""
