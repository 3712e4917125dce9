"""What objects look like in answers, and how the schema describes bodies."""
