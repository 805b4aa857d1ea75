"""A test that never ends."""

import signal

TIMEOUT = 15

signal.pause()
