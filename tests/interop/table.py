"""Makes deploy/docs/clients.md from a run of the interop tests:

    mkdir results
    STOWAGE_INTEROP_RESULTS=$PWD/results ctest --test-dir build/release -R _works
    python3 tests/interop/table.py results "what was run, and on what" >deploy/docs/clients.md
"""

import json
import pathlib
import sys

_HEAD = """# Which clients work

Made by `tests/interop/table.py` from a run of `tests/interop`: real programs of Debian 12 against a whole gateway, TLS
sessions on data connections required unless the row says otherwise. Each step is proved on the server's disk or the
client's, byte by byte (`tests/interop/scenario.py` says how). ✓ passed · ✗ failed · – the client cannot do it itself,
or it was not tried; the reason is below.

"""
_STEPS = """
## The steps

| step | what happens, and what is looked at |
|---|---|
| tree up | 33 files in 15 directories, empty files, blanks, brackets, letters beyond ASCII: the same tree on the server's disk |
| odd names up | leading and trailing blanks, backslash, quotes, `~`, `-rf`, decomposed letters, 255 bytes: the same names and bytes |
| list | all those names, as the client shows them |
| tree down | the tree back: the same |
| time kept up, down | the file has the time of its source, to the second |
| resume up | the connection of an upload broke in the middle; the client sends the rest only (the first half bears a mark that is still there), and pods see nothing until it is complete |
| resume down | half of the file is here; the client fetches the rest only |
| rename, delete | a file with blanks and brackets; a directory with all that is in it |
"""


def mark(result):
    return "✓" if result is True else "✗" if result is False else "–"


def main():
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json"))]
    if not runs:
        sys.exit(f"no results in {sys.argv[1]}; run the interop tests with STOWAGE_INTEROP_RESULTS set to it")
    steps = list(runs[0]["steps"])
    print(_HEAD, end="")
    if len(sys.argv) > 2:
        print(sys.argv[2], end="\n\n")
    print("| client | version | " + " | ".join(steps) + " | run on |")
    print("|---|---|" + "---|" * (len(steps) + 1))
    for run in runs:
        marks = " | ".join(mark(run["steps"][step]) for step in steps)
        print(f"| {run['client']} | {run['version']} | {marks} | {run['date']} |")
    reasons = [
        f"- **{run['client']}**, {step}: {why}"
        for run in runs
        for step, why in run["steps"].items()
        if isinstance(why, str)
    ]
    if reasons:
        print("\n## Where there is a –\n", *reasons, sep="\n")
    print(_STEPS, end="")


if __name__ == "__main__":
    main()
