"""deploy/docs/site-tour.md shows what a real gateway prints: each of its commands is run in turn, and the output compared.

    STOWAGE_BIN=… python3 -B tests/system/gateway/docs_show_what_is_printed.py --write

writes the page anew from what was printed.
"""

import re
import sys
import unittest

from site_story import DONE, PENDING, SiteRig
from stowage_rig import SOURCE, run_tests

PAGE = SOURCE / "deploy" / "docs" / "site-tour.md"
CONSOLE = re.compile(r"^```console\n\$ stowage (.*)\n((?:.*\n)*?)```$", re.M)
YAML = re.compile(r"^```yaml\n((?:.*\n)*?)```$", re.M)
CODES = (PENDING, DONE, DONE, DONE, PENDING, DONE)  # of the page's commands
OTHERS = [  # what is another each time
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r"^((Run:ai|FTPS) +\S+ +lab1 +)\S+$", re.M), r"\1SECRET"),
    (re.compile(r"(?<=\S) {2,}"), "  "),  # columns are as wide as what stands in them
    (re.compile(r"[ \t]+$", re.M), ""),
]


def comparable(text):
    """Independent steps come in any order."""
    for pattern, instead in OTHERS:
        text = pattern.sub(instead, text)
    return sorted(text.splitlines())


def aligned(output):
    """The table of steps anew, since its paths are shorter on the page."""
    lines = output.splitlines()
    table = [number for number, line in enumerate(lines) if re.match(r"(CHANGE|create|change|adopt|differs)  ", line)]
    cells = [re.split(r" {2,}", lines[number]) for number in table]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
    for number, row in zip(table, cells):
        lines[number] = "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def run_page(text):
    """Each command of the page with what it printed: [(words, code, output)]."""
    found = []
    with SiteRig("2.24.3", settings={"reconcile_interval": "1h"}) as rig:
        site = rig.folder / "site.yaml"
        site.write_text(YAML.search(text).group(1), encoding="utf-8")
        for command, _ in CONSOLE.findall(text):
            words = [str(site) if word == "site.yaml" else word for word in command.split()]
            code, output = rig.run(*words)
            output = output.replace(str(site), "site.yaml").replace(str(rig.labs), "/mnt/nfs")
            found.append((command, code, output))
    return found


class Page(unittest.TestCase):
    maxDiff = None

    def test_shows_what_is_printed(self):
        text = PAGE.read_text(encoding="utf-8")
        shown = CONSOLE.findall(text)
        self.assertEqual(len(shown), len(CODES))
        for (command, code, output), (_, on_page), wanted in zip(run_page(text), shown, CODES):
            self.assertEqual(code, wanted, f"{command}\n{output}")
            self.assertEqual(comparable(output), comparable(on_page), f"`stowage {command}` printed:\n{output}")


def write_page():
    text = PAGE.read_text(encoding="utf-8")
    outputs = iter(run_page(text))

    def fresh(match):
        command, _, output = next(outputs)
        return f"```console\n$ stowage {command}\n{aligned(output)}```"

    PAGE.write_text(CONSOLE.sub(fresh, text), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write_page()
    else:
        run_tests()
