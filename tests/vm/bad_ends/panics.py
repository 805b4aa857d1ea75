"""A kernel that panics."""

import pathlib

print("about to panic", flush=True)
pathlib.Path("/proc/sysrq-trigger").write_text("c", encoding="ascii")
