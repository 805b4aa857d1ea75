"""A power cut, and then a reboot in good order: what was flushed is there after the cut, of what was only written a
part; what is on the root is there after the reboot."""

import pathlib
import subprocess

from machine_end import STAGE, cut_power, reboot

KEEP_ROOT = True
DISKS = {"scratch": "64M"}
LOSSY_DISKS = ("scratch",)
DEVICE = "/dev/disk/stowage/scratch"
MEBIBYTE = 1 << 20


def write(first_mebibyte, letter, *more):
    """Past the guest's own cache. Whole blocks: for a short one dd goes through the cache, and flushes."""
    subprocess.run(
        ["dd", f"of={DEVICE}", "bs=1M", f"seek={first_mebibyte}", "iflag=fullblock", "oflag=direct", "status=none", *more],
        input=letter * 16 * MEBIBYTE,
        check=True,
    )


if STAGE == "first":
    write(0, b"f", "conv=fsync")
    write(16, b"w")
    cut_power("after-the-cut")
disk = pathlib.Path(DEVICE).read_bytes()
assert disk[: 16 * MEBIBYTE].count(b"f") == 16 * MEBIBYTE, "what was flushed is not there"
survived = disk[16 * MEBIBYTE : 32 * MEBIBYTE].count(b"w")
print(f"of 16 MiB not flushed {survived} bytes survived", flush=True)
assert 0 < survived < 16 * MEBIBYTE, "not a part of what was not flushed"
if STAGE == "after-the-cut":
    pathlib.Path("/root/kept").write_text("over a reboot", encoding="ascii")
    reboot("after-the-reboot")
assert pathlib.Path("/root/kept").read_text(encoding="ascii") == "over a reboot"
