"""What ``manage.py up`` is made of: embedded services, supervision, seed."""
