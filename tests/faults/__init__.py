"""The fault suite: real processes are killed, frozen and cut off under load, and nothing may be lost.

``python -m tests.faults`` runs every scenario; ``tests/faults/test_*.py`` runs a short choice under pytest.
Nothing here runs in Django: the suite knows Clarion by its API, its database and its processes only.
"""
