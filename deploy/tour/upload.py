"""Uploading with lftp, as a member does it: FTPS with the certificate verified, `mirror -R`."""

import os
import subprocess

from tour.processes import Child
from tour.story import Failed

UPLOAD_SECONDS = 600


def quoted(text):
    """A word for lftp's command language."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def script(gateway_certificate, host, port, user, password, commands):
    """lftp's commands come by standard input: a password has no business in argv."""
    return (
        "\n".join(
            [
                "set cmd:fail-exit yes",
                "set net:max-retries 2",
                "set net:timeout 30",
                "set ftp:ssl-force yes",
                "set ssl:verify-certificate yes",
                f"set ssl:ca-file {quoted(gateway_certificate)}",
                f"open -u {quoted(user)},{quoted(password)} -p {port} {host}",
                *commands,
                "bye",
            ]
        )
        + "\n"
    )


def run(text, home, journal=None):
    """Runs lftp with a home of its own, so that nobody's settings take part and nothing is left in ~."""
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), "LFTP_HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    child = Child(
        "lftp",
        ["lftp", "-f", "/dev/stdin"],
        journal=journal,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        output, _ = child.popen.communicate(text, UPLOAD_SECONDS)
    except subprocess.TimeoutExpired as late:
        child.stop()
        raise Failed(f"lftp did not finish within {UPLOAD_SECONDS} s") from late
    if child.popen.returncode != 0:
        raise Failed(f"lftp ended with {child.popen.returncode}", "", output.splitlines()[-10:])
    return output
