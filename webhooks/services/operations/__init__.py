"""Bulk work in steps: replay, discard, export, import, purge.

``creating`` takes an order, ``running`` does one step of it, ``callbacks`` tells the end; one module for each type
says what a step is.
"""
