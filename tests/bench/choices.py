"""What the command line of the bench chooses, and what it refuses before anything is started."""

import argparse
import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("bin/stowage", "bin/stowage-supervisor", *(f"tests/bench_{name}" for name in ("load", "bare_loop", "bare_session")))
# Of which the scenarios' descriptions say what they are. Those that several sessions share have at least one for each.
COUNTS = {
    "rounds": 1,
    "file-bytes": 64,
    "files": 8,
    "client-files": 1,
    "curl-files": 1,
    "small-bytes": 1,
    "unpacked-files": 1,
    "entries": 1,
    "logins": 1,
    "sessions": 1,
    "labs": 1,
    "budget": 1,
}


def refuse(what, remedy):
    sys.exit(f"bench: {what}\n  remedy: {remedy}")


def parsed(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--server", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, help="how often each is measured (5; for growth 9; what takes long 3)")
    parser.add_argument("--file-bytes", type=int, default=1 << 30, help="of a large file, or of those at once (1 GiB)")
    parser.add_argument("--files", type=int, default=10000, help="how many small files (10000)")
    parser.add_argument("--client-files", type=int, default=200, help="how many small files by lftp (200)")
    parser.add_argument("--curl-files", type=int, default=20, help="by curl, which waits 0.2 s in most of them (20)")
    parser.add_argument("--small-bytes", type=int, default=10240, help="of a small file (10 KiB)")
    parser.add_argument("--unpacked-files", type=int, default=100000, help="of the archive (100000)")
    parser.add_argument("--entries", type=int, default=100000, help="of the large directory (100000)")
    parser.add_argument("--logins", type=int, default=100, help="logins of a run (100)")
    parser.add_argument("--sessions", type=int, default=1000, help="idle sessions (1000)")
    parser.add_argument("--labs", type=int, default=200, help="many labs (200)")
    parser.add_argument("--budget", type=int, default=10000, metavar="MINUTES", help="behind it 3 rounds, of growth 9")
    parser.add_argument("--no-warm-up", action="store_true", help="without the small run before the first round")
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "release", help="a release build")
    parser.add_argument("--cache", type=pathlib.Path, default="/var/tmp/stowage-bench", help="for the packages")
    parser.add_argument("--json", type=pathlib.Path, help="where the results go, after each scenario")
    parser.add_argument("--chart", type=pathlib.Path, help="where an SVG goes")
    parser.add_argument("--page", type=pathlib.Path, help="a page: what is between the markers is written anew")
    parser.add_argument("--from-json", type=pathlib.Path, help="measures nothing: tables and chart of such")
    parser.add_argument("--site-json", type=pathlib.Path, help="what site_scale.py --json wrote, for the page")
    parser.add_argument("--list", action="store_true", help="prints the names of scenarios and servers, one a line")
    return parser.parse_args()


def check(options, servers, scenarios):
    """Of everything that can be wrong, before the first server starts."""
    for name in COUNTS:
        value = getattr(options, name.replace("-", "_"))
        if value is not None and value < COUNTS[name]:
            refuse(f"--{name} {value}: too few", f"give at least {COUNTS[name]}")
    for what, wanted, known in (("server", options.server, servers), ("scenario", options.scenario, scenarios)):
        for name in wanted or []:
            if name not in known:
                refuse(f"--{what} {name!r}: unknown", f"take a whole line of what --list prints: {list(known)}")
    for what in ("json", "chart", "page"):
        path = getattr(options, what)
        if path and not os.access(path.parent, os.W_OK):
            refuse(f"--{what} {path}: no folder there that can be written to", f"make {path.parent}")
    if options.page and not options.page.is_file():
        refuse(f"--page {options.page}: no such page", "give one with the bench's markers, as deploy/docs/performance.md")
    for what, path in (("from-json", options.from_json), ("site-json", options.site_json)):
        if path and not path.is_file():
            refuse(f"--{what} {path}: no such file", "give what an earlier run wrote with --json")
    if options.from_json:
        return
    if os.geteuid() != 0:
        refuse("it makes cgroups, namespaces and labs, and this is not root", "sudo tests/bench/run")
    for name in NEEDED:
        if not (options.build / name).is_file():
            refuse(
                f"--build {options.build}: {name} is not there",
                "sudo tests/run --no-asan --fuzz 0 --only bench_measures builds it, into build/release",
            )


def smaller(options):
    """The sizes of the run before the first round, which is not counted."""
    less = argparse.Namespace(**vars(options))
    less.file_bytes = max(64, options.file_bytes // 8)
    for name in ("files", "client_files", "curl_files", "unpacked_files", "logins"):
        setattr(less, name, max(8, getattr(options, name) // 8))
    return less
