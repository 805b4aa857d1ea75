"""The tour that deploy/quickstart gives: a gateway of its own with one lab, filled, read back and registered.

One idea per file; __main__.py tells the order. The tests' rig (tests/support) is built of the same parts.
Python's standard library only.
"""
