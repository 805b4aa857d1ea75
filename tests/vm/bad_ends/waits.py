"""A test that would go on for long, for whoever kills it."""

import signal

TIMEOUT = 600

print("about to wait", flush=True)
signal.pause()
