"""What Clarion is compared with. Each peer runs in a virtual environment and a database of its own."""
