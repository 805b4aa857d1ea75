"""Mounting, unmounting and removing, with an eye on what is mounted where."""

import os
import pathlib
import shutil
import subprocess
import time

BTRFS_SUBVOLUME_INODE = 256


def _unescaped(text):
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def targets_below(path):
    """Mount points at or below a path, in the order in which they were mounted."""
    path = os.path.realpath(path)
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        target = _unescaped(line.split(" ")[4])
        if target == path or target.startswith(path + "/"):
            found.append(target)
    return found


def mount_image(image, target):
    """A loop mount; the loop device goes with the mount (autoclear)."""
    run("mount", "-t", "btrfs", "-o", "loop,nosuid,nodev,noatime", str(image), str(target))


def unmount_below(path, patience, busy_seconds=10):
    """Unmounts everything at and below path, the latest first. A mount that stays busy is detached: it is gone from
    the tree at once and ends with its last user."""
    for target in reversed(targets_below(path)):
        deadline = patience.deadline(busy_seconds)
        while True:
            done = subprocess.run(["umount", target], check=False, capture_output=True, text=True, timeout=60)
            if done.returncode == 0 or target not in targets_below(path):
                break
            if time.monotonic() > deadline:
                run("umount", "--lazy", target)
                break
            time.sleep(0.05)  # no event tells that a mount is idle


def remove_subvolume_or_tree(path):
    """A lab's directory: a btrfs subvolume or an ordinary tree."""
    if not os.path.lexists(path):
        return
    if os.lstat(path).st_ino == BTRFS_SUBVOLUME_INODE:
        if subprocess.run(["btrfs", "subvolume", "delete", path], check=False, capture_output=True).returncode == 0:
            return
    remove_tree(path)


def remove_tree(path):
    """rm -r of what this run made; refuses while something is mounted in it."""
    if not os.path.lexists(path):
        return
    mounted = targets_below(path)
    if mounted:
        raise OSError(f"{mounted[0]} is still mounted")
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def run(*words, timeout=60):
    """Runs a tool; its own words become the error."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"{words[0]}: {reason[-1] if reason else f'exit {done.returncode}'}")
    return done.stdout
