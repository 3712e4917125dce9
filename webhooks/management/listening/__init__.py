"""``manage.py listen``: a receiver that shows, verifies, fails on purpose and forwards."""
