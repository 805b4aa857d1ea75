"""The Debian package as CPack makes it from a build, and a bare Debian in which it is installed."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from stowage_rig import BINARIES, SOURCE, skip

BUILD = BINARIES.parent
_CACHE = pathlib.Path("/var/tmp/stowage-package")


def make(folder, build=BUILD, revision=None):
    """The path of a new .deb in `folder`, which must not hold one."""
    for tool in ("cpack", "dpkg-shlibdeps", "dpkg-parsechangelog", "dpkg-deb"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    command = ["cpack", "--config", build / "CPackConfig.cmake", "-B", folder]
    if revision:
        command += ["-D", f"CPACK_DEBIAN_PACKAGE_RELEASE={revision}"]
    run(*command, env={**os.environ, "LC_ALL": "C.UTF-8"}, cwd=build)
    shutil.rmtree(folder / "_CPack_Packages", ignore_errors=True)
    (package,) = folder.glob("*.deb")
    return package


def run(*words, **more):
    """Output of a command that must succeed."""
    done = subprocess.run(
        list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


class BareDebian:
    """A copy of a debootstrap tree; the tree is kept for the next time. Commands run in it with mounts and processes of
    their own, and no systemd runs there."""

    def __init__(self):
        self.folder = None

    def __enter__(self):
        base = _base()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stowage-debian-", dir=_CACHE))
        run("cp", "-a", f"{base}/.", self.folder)
        for name in ("sources.list", "sources.list.d", "apt.conf.d"):
            source, target = pathlib.Path("/etc/apt") / name, self.folder / "etc" / "apt" / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy(source, target)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.folder / "etc" / name)
        return self

    def __exit__(self, *_):
        run("rm", "-rf", "--one-file-system", self.folder)

    def path(self, inside):
        return self.folder / str(inside).lstrip("/")

    def run(self, command, check=True):
        """A shell command in there: its output, or without `check` (exit code, output)."""
        script = (
            'mount --rbind /dev "$1/dev"; mount -t sysfs -o ro sysfs "$1/sys"; mount -t tmpfs tmpfs "$1/run"; '
            'exec chroot "$1" env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive '
            'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -euc "$2"'
        )
        words = ["unshare", "-m", "-p", "-f", "--kill-child", f"--mount-proc={self.folder}/proc", "--"]
        words += ["/bin/bash", "-euc", script, "inside", str(self.folder), command]
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=600,
        )
        if not check:
            return done.returncode, done.stdout
        if done.returncode != 0:
            raise AssertionError(f"in the bare Debian: {command}: {done.returncode}\n{done.stdout[-4000:]}")
        return done.stdout

    def install(self, package):
        """With what it depends on, and without what it only recommends."""
        shutil.copy(package, self.path("/root/"))
        return self.run(f"apt-get -q -y --no-install-recommends install /root/{package.name}")


def _base():
    """Made once. What was cut off is made anew."""
    base, complete = _CACHE / "base", _CACHE / "base.complete"
    if complete.exists():
        return base
    if not shutil.which("debootstrap"):
        skip("debootstrap is not installed")
    _CACHE.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        run("rm", "-rf", "--one-file-system", base)
    found = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm")
    if not found.strip():
        skip("apt has no source for bookworm")
    run("debootstrap", "--variant=minbase", "bookworm", base, found.split()[0])
    complete.touch()
    return base


__all__ = ["BUILD", "SOURCE", "BareDebian", "make", "run"]
