"""A small dataset with what real ones have: many small files, one of some MB, odd names, empty files, depth."""

import hashlib
import random

_SEED = 20
_SMALL_FILES = 24
_NAMED = {
    "README first.txt": 700,
    "empty": 0,
    ".hidden-index": 4096,
    "Proben/Größe & Maße (µm).csv": 31_000,
    "Proben/名前.bin": 70_000,
    "Proben/100% sicher; oder?.txt": 12,
    "brackets [a-z] {1,2}/star*.dat": 1_500,
    "deep/a/b/c/d/e/f/g/leaf.json": 333,
    "weights/model 1.bin": 5 * 1024 * 1024 + 17,
}


def make(folder):
    """Writes it below folder; returns sha256 by relative path. The same bytes on every call."""
    source = random.Random(_SEED)
    sizes = dict(_NAMED)
    for number in range(_SMALL_FILES):
        sizes[f"train/{number % 3}/sample-{number:04}.bin"] = source.randrange(1, 60_000)
    digests = {}
    for name, size in sizes.items():
        data = source.randbytes(size)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
