"""The disks of one test. Files without a name: they go with the last process that has them open."""

import os
import tempfile

from rig import cases
from rig.lossy_disk import LossyDisk

_CHUNK = 1 << 26
# Payload and a test's own. All guests have as many, so that a test can begin in a guest that was saved without them.
SLOTS = 4


def nameless(size=0):
    file = tempfile.TemporaryFile(dir="/var/tmp")
    file.truncate(size)
    return file


def copy(path, target):
    """To a file that is new; it stays sparse."""
    with open(target, "xb") as file:
        file.truncate(os.path.getsize(path))
        _copy_into(file, path)


def copy_of(path):
    """Without a name."""
    file = nameless(os.path.getsize(path))
    _copy_into(file, path)
    return file


def _copy_into(copy, path):
    with open(path, "rb") as source:
        position, end = 0, os.path.getsize(path)
        while position < end:
            try:
                position = os.lseek(source.fileno(), position, os.SEEK_DATA)
            except OSError:
                break  # nothing but holes from here on
            hole = os.lseek(source.fileno(), position, os.SEEK_HOLE)
            copy.seek(position)
            while position < hole:
                count = os.sendfile(copy.fileno(), source.fileno(), position, min(hole - position, _CHUNK))
                position += count


def _device(name, write_cache="auto"):
    return ["-device", f"virtio-blk-pci,drive={name},serial={name},write-cache={write_cache}"]


def _root(image, changed=False):
    snapshot = "off" if changed else "on"
    return ["-drive", f"if=none,id=root,format=raw,file={image},snapshot={snapshot},cache=unsafe", *_device("root")]


def _spares(count):
    words = []
    for number in range(count):
        words += ["-blockdev", f"driver=null-co,node-name=spare{number},size=1048576", *_device(f"spare{number}")]
    return words


def only_root(image, changed):
    """QEMU's words for a guest that is to be saved; whether the image may be `changed`."""
    return _root(image, changed) + _spares(SLOTS)


class Disks:
    """Root, payload and what the test asked for. `seed` decides what a power cut takes."""

    def __init__(self, case, payload_file, seed):
        self._case, self._payload, self._seed, self._cuts = case, payload_file, seed, 0
        self._root = None
        self._files, self._lossy = {}, {}
        for name, size in case.disks.items():
            file = nameless(cases.size_bytes(size))
            if name in case.lossy_disks:
                self._lossy[name] = LossyDisk(file, cases.size_bytes(size))
            else:
                self._files[name] = file

    def plug_in(self, root):
        """QEMU's words, and the descriptors that it inherits. `root`: what the root disk holds, unless it was kept."""
        inherited = []
        if self._case.keep_root and not self._root:
            self._root = copy_of(root)
        words = self._file("root", self._root, inherited) if self._root else _root(root)
        words += self._file("payload", self._payload, inherited, ",readonly=on")  # two machines of a test read it
        for name, file in self._files.items():
            words += self._file(name, file, inherited)
        for name, disk in self._lossy.items():
            socket = disk.plug_in()
            inherited.append(socket)
            words += ["-blockdev", f"driver=nbd,node-name={name},server.type=fd,server.str={socket.fileno()}"]
            words += _device(name, "on")
        words += _spares(SLOTS - 1 - len(self._files) - len(self._lossy))
        return words, inherited

    @staticmethod
    def _file(name, file, inherited, more=""):
        inherited.append(file)
        path = f"/proc/self/fd/{file.fileno()}"
        return ["-drive", f"if=none,id={name},format=raw,file={path},cache=unsafe{more}"] + _device(name)

    def after_power_cut(self):
        """A line about what it took."""
        told = []
        for name, disk in self._lossy.items():
            self._cuts += 1
            kept, lost = disk.cut_power(f"{self._seed}/{self._cuts}")
            told.append(f"{name}: of the blocks not flushed {kept} survived, {lost} are lost")
        return "; ".join(told) + f" (seed {self._seed})"

    def after_end(self):
        for disk in self._lossy.values():
            disk.keep_all()
