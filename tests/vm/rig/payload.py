"""What goes into the guest for one test: the built programs, deploy/ and the guest's side of the tests, as a tar that
is written to a disk as it is."""

import io
import pathlib
import tarfile

from rig.guest_tree import SOURCE

_FOLDERS = ("deploy", "tests/support", "tests/vm/guest", "tests/vm/cases", "tests/vm/bad_ends")
_SECTOR = 512


class NotBuilt(Exception):
    """What the test needs is not in the build folder."""


def write(file, build, more):
    """Writes the tar to the open file; `more` are further files or folders below the build folder."""
    binaries = sorted((build / "bin").glob("*"))
    if not any(path.name == "stowage-supervisor" for path in binaries):
        raise NotBuilt(f"{build}/bin has no stowage-supervisor; remedy: build it, or name another with --build DIR")
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in binaries:
            _add(tar, path, f"bin/{path.name}")
        for name in more:
            path = build / name
            if not path.exists():
                raise NotBuilt(f"{path} is not there; remedy: build it")
            _add(tar, path, name)
        for folder in _FOLDERS:
            for path in sorted((SOURCE / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    _add(tar, path, str(path.relative_to(SOURCE)))
    size = file.seek(0, io.SEEK_END)
    file.truncate((size + _SECTOR - 1) // _SECTOR * _SECTOR)


def _add(tar, path, name):
    tar.add(pathlib.Path(path), name, filter=_owned_by_root)


def _owned_by_root(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
