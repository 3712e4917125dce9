"""The synchronous client, made from ``clarion/_aio`` by make.py."""
