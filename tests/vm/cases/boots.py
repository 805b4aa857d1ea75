"""The smallest test: Debian's kernel boots, and the built programs run on it."""

import os
import subprocess

TIMEOUT = 240

release = os.uname().release
assert release.endswith("-amd64"), f"{release} is not a stock kernel of Debian"
subprocess.run([f"{os.environ['STOWAGE_BIN']}/stowage", "version"], check=True)
