"""A machine that goes away in the middle of the test."""

import pathlib

pathlib.Path("/proc/sysrq-trigger").write_text("o", encoding="ascii")
while True:
    pass
