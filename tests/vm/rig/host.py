"""What this machine must have to build a guest and boot it, and running programs."""

import os
import resource
import shutil
import subprocess

# Program and Debian package; deploy/packages/vm.txt has the same packages.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "debootstrap": "debootstrap",
    "mkfs.ext4": "e2fsprogs",
    "cpio": "cpio",
    "depmod": "kmod",
    "modprobe": "kmod",
    "unshare": "util-linux",
    "xz": "xz-utils",
}
BUSYBOX = "/bin/busybox"


class Unable(Exception):
    """This machine cannot do it: the test is skipped with this reason."""


class Failed(Exception):
    """It should have worked."""


def find(program):
    """Its path; sbin counts whatever PATH says."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")


def check():
    """Unable unless guests can be built and booted here."""
    if os.geteuid() != 0:
        raise Unable("needs root: the guest's filesystem is built in a chroot")
    missing = {package for program, package in PROGRAMS.items() if not find(program)}
    if not os.path.exists(BUSYBOX):
        missing.add("busybox-static")
    if missing:
        packages = " ".join(sorted(missing))
        raise Unable(f"not installed: {packages}; remedy: apt-get install --no-install-recommends {packages}")


def run(*command, log=None, **options):
    """Runs a program to its end; Failed with the end of its output. Its output goes to the log, if one is given."""
    words = [str(word) for word in command]
    options.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if log:
        log.write(done.stdout)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.decode(errors="replace").splitlines()[-30:])
        raise Failed(f"`{' '.join(words)[:200]}` ended with {done.returncode}:\n{tail}")
    return done.stdout.decode(errors="replace")


def computed_seconds():
    """Of a processor, by programs that were started here and have ended: what a test costs, however busy the machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
