"""The place for the labs: a filesystem that is there, or a btrfs image on a loop device, or a plain directory."""

import os
import pathlib
import subprocess

from tour import mounts
from tour.journal import private
from tour.options import size_bytes
from tour.story import Failed

PRODUCTION_ROOT = pathlib.Path("/mnt/nfs")
ROOM_BESIDE_QUOTA = 2**30  # btrfs keeps metadata twice and wants some slack


class LabsRoot:
    """path, and settings for the gateway. `is_ours`: it goes whole when the run ends."""

    def __init__(self, path, is_ours, settings=None):
        self.path, self.is_ours, self.settings = pathlib.Path(path), is_ours, settings or {}


def prepare(options, journal, step):
    if options.labs:
        return _as_it_is(options.labs, step)
    root = options.state / "mnt" / "nfs" if options.side_by_side else PRODUCTION_ROOT
    if root.exists() and (not root.is_dir() or root.is_symlink()):
        raise Failed(f"{root} is not a directory", "name the place of the labs with --labs DIR")
    if root.exists() and (os.path.ismount(root) or any(root.iterdir())):
        return _as_it_is(root, step)
    if not root.exists():
        journal.make_directory(root)
    return _image(options, root, journal, step)


def _as_it_is(path, step):
    if os.stat(path).st_mode & 0o002:
        raise Failed(f"everybody may write in {path}", f"chmod o-w {path}, or name another place with --labs DIR")
    step.say(f"{path} as it is ({filesystem_of(path)})")
    return LabsRoot(path, False)


def _image(options, root, journal, step):
    image = options.state / "labs.img"
    size = size_bytes(options.quota) * 21 // 20 + ROOM_BESIDE_QUOTA
    try:
        journal.record("mount", path=str(root))
        with open(image, "xb", opener=private) as file:  # a descriptor opened meanwhile would read the raw labs
            os.truncate(file.fileno(), size)
        mounts.run("mkfs.btrfs", "-q", str(image))
        mounts.mount_image(image, root)
        root.chmod(0o755)
    except (OSError, subprocess.SubprocessError) as problem:
        image.unlink(missing_ok=True)
        journal.record("lab_directory", path=str(root / "lab1"))
        step.say(f"plain directory {root}")
        step.note(f"no btrfs image on a loop device here: {problem}")
        return LabsRoot(root, False, {"labs.quota_backend": "none"})
    step.say(f"btrfs on a loop device at {root}, {size / 2**30:.1f} GiB, sparse: quotas are enforced")
    free = os.statvfs(options.state)
    free_bytes = free.f_bavail * free.f_frsize
    if free_bytes < size:
        step.note(f"the disk below it has only {free_bytes / 2**30:.1f} GiB free, less than that")
    return LabsRoot(root, True)


def filesystem_of(path):
    done = subprocess.run(["stat", "-f", "-c", "%T", str(path)], check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown filesystem"
