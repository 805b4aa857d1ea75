"""A test that never ends."""

import signal

TIMEOUT = 10

print("about to hang", flush=True)
signal.pause()
