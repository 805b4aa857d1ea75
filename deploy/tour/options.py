"""The command line of deploy/quickstart."""

import argparse
import pathlib
import re

DEFAULT_STATE = "/var/lib/stowage-quickstart"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)(?:i?B)?", re.IGNORECASE)

_EPILOG = """\
Without --state and --ports the gateway takes the ports 21, 990 and 2049 and the labs go to /mnt/nfs.
With either of them the labs go to DIR/mnt/nfs; with both (--ports auto) several can run side by side.
DIR/connection.json then tells scripts how to connect.

Examples:
  sudo deploy/quickstart
  sudo deploy/quickstart --once --state /tmp/try --ports auto
  sudo deploy/quickstart --labs /srv/xfs --quota 100GiB --set ftps.durability=none

Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted.
"""


def size_bytes(text):
    """As the gateway reads sizes: every unit is a power of 1024."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give one such as 500MiB, 8GiB or 1.5T")
    power = " KMGTP".index(match[2].upper() or " ")
    size = int(float(match[1]) * 1024**power)
    if not 2**20 <= size < 2**62:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range; give 1MiB or more")
    return size


def _size_text(text):
    size_bytes(text)
    return text


def _setting(text):
    key, equals, _ = text.partition("=")
    if not equals or not key or "\n" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return text


def _directory(text):
    if "\n" in text:
        raise argparse.ArgumentTypeError("a path with a line end cannot be configured")
    return pathlib.Path(text).absolute()


def parse(arguments):
    """Options with: once, state (Path), side_by_side, ports_auto, labs (Path or None), quota (text), settings."""
    parser = argparse.ArgumentParser(
        prog="deploy/quickstart",
        allow_abbrev=False,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Installs, builds and starts a gateway, makes one lab, fills it over FTPS, reads it back over NFS, "
        "registers it with a stand-in for Run:ai, and stays until Ctrl-C. Leaves nothing behind.",
    )
    parser.add_argument("--once", action="store_true", help="exit after the checks instead of staying")
    parser.add_argument(
        "--state", type=_directory, metavar="DIR", help=f"everything of this run goes there (default {DEFAULT_STATE})"
    )
    parser.add_argument(
        "--ports", choices=["default", "auto"], default="default", help="auto: free ones instead of 21, 990 and 2049"
    )
    parser.add_argument(
        "--labs", type=_directory, metavar="DIR", help="put the labs on this existing filesystem, as it is"
    )
    parser.add_argument(
        "--quota",
        type=_size_text,
        default="8GiB",
        metavar="SIZE",
        help="quota of lab1 (default 8GiB; disk is used only as it fills)",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        type=_setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override any configuration key; repeatable",
    )
    options = parser.parse_args(arguments)
    options.side_by_side = options.state is not None or options.ports == "auto"
    options.ports_auto = options.ports == "auto"
    options.state = options.state or pathlib.Path(DEFAULT_STATE)
    if options.labs and not options.labs.is_dir():
        parser.error(f"--labs {options.labs} is no directory; mount or make it first")
    return options
