"""The tests: one file per test in tests/vm/cases, its needs as constants at the top of the file."""

import ast
import dataclasses
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "cases"
OF_THE_RIG = FOLDER.with_name("bad_ends")  # for rig_tells_ends_apart.py; not listed

BOOTS = ("plain", "systemd")


@dataclasses.dataclass
class Case:
    """What a file in tests/vm/cases may set; each is a literal of the same name in capitals."""

    name: str
    timeout: int = 300  # seconds, over all boots: on a loaded machine a boot can take ten times its 5 s
    boot: str = BOOTS[0]
    disks: dict = dataclasses.field(default_factory=dict)  # {serial: size}, e.g. {"labs": "2G"}; empty at first
    lossy_disks: tuple = ()  # those of the disks that lose what was not flushed when the power is cut
    keep_root: bool = False  # the root filesystem keeps its changes over a reboot
    memory: int = 1536  # MiB
    peer: bool = False  # a second machine, at the other end of a network cable, runs the same file with stage "peer"
    files: tuple = ()  # more for the payload, relative to the build folder: ("tests/quota_test",)

    @property
    def path(self):
        return next(path for path in _places(self.name) if path.exists())


class BadCase(Exception):
    """A constant that is none, or has no value that could be read without running the file."""


def _places(name):
    return [folder / f"{name}.py" for folder in (FOLDER, OF_THE_RIG)]


def exists(name):
    return any(path.exists() for path in _places(name))


def names():
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name):
    case = Case(name)
    fields = {field.name: field for field in dataclasses.fields(Case)}
    for statement in ast.parse(case.path.read_text(encoding="utf-8")).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        field = statement.targets[0].id.lower()
        if statement.targets[0].id.isupper() and field in fields and field != "name":
            try:
                setattr(case, field, ast.literal_eval(statement.value))
            except ValueError as problem:
                raise BadCase(f"{case.path}: {field.upper()} must be a literal") from problem
    if case.boot not in BOOTS:
        raise BadCase(f"{case.path}: BOOT is {case.boot!r}; it may be one of {', '.join(BOOTS)}")
    unknown = set(case.lossy_disks) - set(case.disks)
    if unknown:
        raise BadCase(f"{case.path}: LOSSY_DISKS names {', '.join(sorted(unknown))}, which DISKS does not")
    return case


def size_bytes(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]]
