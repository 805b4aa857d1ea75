"""What QEMU boots: an ELF kernel, an initramfs that finds the root disk, and that disk's image."""

import os
import pathlib
import re
import shutil
import subprocess

from rig import host

GUEST = pathlib.Path(__file__).resolve().parents[1] / "guest"
_XZ = b"\xfd7zXZ\x00"
_FOLDERS = ("arch", "block", "crypto", "fs", "lib", "mm", "net", "virt", "drivers/net", "drivers/block")
_FOLDERS += ("drivers/virtio", "drivers/char", "drivers/md", "drivers/dax")
_TO_THE_ROOT = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
_SLACK_BYTES = 1 << 30  # room on the guest's root


def make(tree, folder, log):
    """Makes vmlinux, initrd.cpio and root.img in `folder` of the tree that guest_tree.make() filled."""
    package = tree / "kernel"
    version = next((package / "lib/modules").iterdir()).name
    _unpack_kernel(package / f"boot/vmlinuz-{version}", folder / "vmlinux")
    _install_modules(package, tree, version, log)
    shutil.rmtree(package)
    _make_initrd(tree, version, folder)
    _install_start(tree)
    _make_disk(tree, folder / "root.img", log)


def _unpack_kernel(vmlinuz, vmlinux):
    """QEMU boots the ELF file within directly, which saves 2 s of unpacking under emulation."""
    image = vmlinuz.read_bytes()
    start = image.find(_XZ)
    if start < 0:
        raise host.Failed(f"{vmlinuz} holds no xz stream")
    done = subprocess.run(["xz", "-dc", "--single-stream"], input=image[start:], stdout=subprocess.PIPE, check=True)
    if not done.stdout.startswith(b"\x7fELF"):
        raise host.Failed(f"{vmlinuz} holds no ELF kernel")
    vmlinux.write_bytes(done.stdout)


def _install_modules(package, tree, version, log):
    source, target = package / "lib/modules" / version, tree / "lib/modules" / version
    target.mkdir(parents=True)
    for name in source.glob("modules.*"):
        shutil.copy(name, target)
    for folder in _FOLDERS:
        for module in (source / "kernel" / folder).rglob("*.ko"):
            if folder == "drivers/net" and module.parent.name != "net":
                continue  # network cards; veth and its like lie in the folder itself
            copy = target / module.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(module, copy)
    host.run("depmod", "-b", tree, version, log=log)


def _make_initrd(tree, version, folder):
    """Uncompressed: there is nothing to gain from unpacking under emulation."""
    root = folder / "initrd"
    for name in ("bin", "proc", "sys", "dev", "root", "modules"):
        (root / name).mkdir(parents=True)
    shutil.copy(host.BUSYBOX, root / "bin/busybox")
    order = []
    for module in _TO_THE_ROOT:
        shown = host.run("modprobe", "-d", tree, "-S", version, "--show-depends", module)
        for path in re.findall(r"^insmod (\S+)", shown, re.MULTILINE):
            if os.path.basename(path) not in order:
                order.append(os.path.basename(path))
                shutil.copy(path, root / "modules")
    (root / "modules/order").write_text("".join(f"{name}\n" for name in order))
    shutil.copy(GUEST / "initramfs_init", root / "init")
    (root / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(folder / "initrd.cpio", "wb") as archive:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), stdout=archive, check=True
        )
    shutil.rmtree(root)


def _install_start(tree):
    """How a booted guest comes to run the test; the test itself comes with the payload."""
    folder = tree / "usr/lib/stowage-vm"
    folder.mkdir(parents=True)
    for name in ("plain_init", "start", "finish"):
        shutil.copy(GUEST / name, folder)
        (folder / name).chmod(0o755)
    for name in ("stowage-vm.service", "stowage-vm.target"):
        shutil.copy(GUEST / name, tree / "etc/systemd/system")


def _make_disk(tree, image, log):
    used = sum(path.lstat().st_blocks * 512 for path in tree.rglob("*"))
    with open(image, "wb") as file:
        file.truncate((used * 11 // 10 + _SLACK_BYTES) // 4096 * 4096)
    # Never changed once it is there, and made anew when in doubt: it needs no journal.
    host.run("mkfs.ext4", "-q", "-F", "-O", "^has_journal,^metadata_csum", "-m", "0", "-d", tree, image, log=log)
