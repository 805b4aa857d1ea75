"""The guest's filesystem as a folder: debootstrap, then what the product and its tests need."""

import pathlib
import re
import shutil

from rig import host

SOURCE = pathlib.Path(__file__).resolve().parents[3]
PACKAGES = SOURCE / "deploy" / "packages"
RELEASE = "bookworm"
_LISTED = re.compile(r"^([a-z0-9][a-z0-9.+-]*)\s*#\s*(\w+)", re.MULTILINE)
# Due once a day or week: in a guest that was saved then all at once, beside the test.
_TIMERS = ("apt-daily", "apt-daily-upgrade", "dpkg-db-backup", "e2scrub_all", "fstrim", "logrotate", "man-db")
_OFF = [f"{name}.timer" for name in _TIMERS] + ["krb5-kdc.service", "krb5-admin-server.service"]  # no realm: they fail
_POLICY = "#!/bin/sh\nexit 101\n"


def guest_packages():
    """The product's own (`# run` in deploy/packages) and those of deploy/packages/vm.txt for the guest (`# guest`)."""
    wanted = set()
    for path in sorted(PACKAGES.glob("*.txt")):
        for package, purpose in _LISTED.findall(path.read_text(encoding="utf-8")):
            if purpose in ("run", "guest"):
                wanted.add(package)
    return sorted(wanted)


def make(tree, archives, log):
    """Fills the folder `tree`; `archives` keeps downloaded packages for the next time. The kernel's package lies
    unpacked in tree/kernel afterwards."""
    archives.mkdir(parents=True, exist_ok=True)
    _debootstrap(tree, archives, log)
    _configure_apt(tree)
    (tree / "usr/sbin/policy-rc.d").write_text(_POLICY)
    (tree / "usr/sbin/policy-rc.d").chmod(0o755)
    _inside(tree, archives, _INSTALL, log, *guest_packages())
    _empty(tree)


_INSTALL = """
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt-get -q -y update
apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install --no-install-recommends "$@"
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: //p' | head -n 1)
apt-get -q -y --download-only install --no-install-recommends "$kernel"
dpkg-deb -x "$(ls -t /var/cache/apt/archives/"$kernel"_*.deb | head -n 1)" /kernel
apt-get -q autoclean
"""


def _mirror():
    lines = host.run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {RELEASE}")
    uris = [line for line in lines.splitlines() if "://" in line]
    if not uris:
        raise host.Unable(f"apt knows no source of Debian {RELEASE}; remedy: an entry in /etc/apt, then apt-get update")
    return uris[0]


def _debootstrap(tree, archives, log):
    host.run(
        *("debootstrap", "--variant=minbase", f"--cache-dir={archives}", "--include=ca-certificates"),
        *(RELEASE, tree, _mirror()),
        log=log,
    )


def _configure_apt(tree):
    """The machine's own sources, so that the guest's apt reaches what the machine reaches."""
    apt = tree / "etc/apt"
    (apt / "sources.list").unlink(missing_ok=True)
    for name in ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d", "keyrings"):
        source = pathlib.Path("/etc/apt") / name
        if source.is_dir():
            shutil.copytree(source, apt / name, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, apt / name)
    for name in ("resolv.conf", "hosts"):
        shutil.copy(f"/etc/{name}", tree / "etc" / name)
    certificates = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, tree / "etc/ssl/certs/ca-certificates.crt")


def _inside(tree, archives, script, log, *arguments):
    """A shell in the tree, with mounts and processes of its own that end with it."""
    (tree / "var/cache/apt/archives").mkdir(parents=True, exist_ok=True)
    host.run(
        *("unshare", "-m", "-p", "-f", "--kill-child", f"--mount-proc={tree}/proc", "--", "/bin/sh", "-euc"),
        'mount --rbind /dev "$1/dev"; mount --bind "$2" "$1/var/cache/apt/archives"\n'
        'tree=$1; script=$3; shift 3\n'
        'exec chroot "$tree" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -euc "cd /; $script" sh "$@"',
        *("sh", tree, archives, script, *arguments),
        log=log,
    )


def _empty(tree):
    """What only took part in the building, and what a guest without network never reads."""
    (tree / "usr/sbin/policy-rc.d").unlink()
    for name in ("var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/man", "usr/share/locale", "etc/apt"):
        shutil.rmtree(tree / name, ignore_errors=True)
        (tree / name).mkdir(parents=True)
    (tree / "etc/resolv.conf").write_text("")
    (tree / "etc/hosts").write_text("127.0.0.1 localhost stowage-vm\n::1 localhost\n")
    (tree / "etc/hostname").write_text("stowage-vm\n")
    (tree / "etc/fstab").write_text("")
    for unit in _OFF:
        (tree / "etc/systemd/system" / unit).symlink_to("/dev/null")
    (tree / "etc/mtab").unlink(missing_ok=True)
    (tree / "etc/mtab").symlink_to("../proc/self/mounts")  # NFS-Ganesha reads it
    (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")


