"""Small files by the clients that people use, lftp and curl of Debian: what the server spends on their many commands.
Certificates are not verified, which is the same for every server."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from accounting import Peak
from limit import make_file

CLIENT_SECONDS = 600


def _lftp(server, verb, local, remote, parallel):
    options = ("cmd:fail-exit yes", "net:max-retries 2", "net:timeout 60", "ftp:ssl-force yes")
    options += ("ftp:ssl-protect-data yes", "ssl:verify-certificate no")
    words = [*(f"set {option}" for option in options)]
    words.append(f'open -u "{server.user}","{server.password}" -p {server.port} 127.0.0.1')
    mirror = f"mirror --parallel={parallel}"
    words.append(f'{mirror} -R "{local}" "{remote}"' if verb == "put" else f'{mirror} "{remote}" "{local}"')
    home = local.parent / "lftp-home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "LFTP_HOME": str(home)}
    return ["lftp", "-f", "/dev/stdin"], "\n".join([*words, "bye"]) + "\n", environment


def _curl(server, verb, local, remote, parallel):
    del parallel  # on one connection only
    where = "upload-file" if verb == "put" else "output"
    names = [path.name for path in (local if verb == "put" else server.home / remote).iterdir()]
    lines = [f'user = "{server.user}:{server.password}"']
    for name in names:
        lines += [f'{where} = "{local / name}"', f'url = "ftp://127.0.0.1:{server.port}/{remote}/{name}"']
    words = ["curl", "--silent", "--show-error", "--fail-early", "--ssl-reqd", "--insecure", "--ftp-create-dirs"]
    return [*words, "--config", "-"], "\n".join(lines) + "\n", dict(os.environ)


CLIENTS = {"lftp": _lftp, "curl": _curl}


def run_client(server, client, verb, local, remote, parallel):
    """{"seconds", "cpu", "peak"}"""
    if not shutil.which(client):
        raise RuntimeError(f"{client} is not installed")
    words, script, environment = CLIENTS[client](server, verb, local, remote, parallel)
    before, began = server.group.cpu_seconds(), time.monotonic()
    with Peak(server.group) as peak:
        done = subprocess.run(
            words, input=script.encode(), env=environment, capture_output=True, timeout=CLIENT_SECONDS, check=False
        )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")[-500:]
        raise RuntimeError(f"{server.name}: {client} ended with {done.returncode}: {said}")
    return {
        "seconds": time.monotonic() - began,
        "cpu": server.group.cpu_seconds() - before,
        "peak": peak.bytes,
    }


def move_small(server, client, verb, remote, files, size, parallel=1):
    """`remote` is an empty directory of the server. All files must have come over."""
    with tempfile.TemporaryDirectory() as folder:
        local = pathlib.Path(folder, "files")
        local.mkdir()
        source, owner = (local, None) if verb == "put" else (server.home / remote, server.owner)
        for number in range(files):
            make_file(source / f"file-{number:06}.bin", size, owner)
        os.sync()
        result = run_client(server, client, verb, local, remote, parallel)
        target = server.home / remote if verb == "put" else local
        sizes = [path.stat().st_size for path in target.iterdir()]
        if sizes != [size] * files:
            raise RuntimeError(f"{server.name}, {client}: {sizes.count(size)} of {files} files came over")
    return {**result, "files": files}
