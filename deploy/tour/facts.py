"""What came out: connection.json for scripts, and the box for people."""

import json
import os
import shlex

from tour import machine
from tour.story import Command


def write_connection(path, facts):
    """0600 from the first moment, and complete from the first moment: it appears by rename."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(facts, file, indent=2)
        file.write("\n")
    draft.rename(path)


def _mount_command(host, port, path):
    options = f"-o port={port} " if port != 2049 else ""
    return f"mount -t nfs4 {options}{host}:{path} /mnt/nfs"


def box_rows(facts, source, clients, tool):
    host, port, user = machine.own_address(), facts["ftps_port"], facts["user"]
    spec = source["spec"]
    return [
        ("FTPS", f"{host}, explicit TLS on port {port}, implicit TLS on port {facts['ftps_implicit_port']}"),
        ("user", user),
        ("password", facts["password"]),
        ("certificate", f"self-signed: {facts['certificate']}"),
        ("", "everybody here may read it; other machines need a copy of it"),
        (None, None),
        ("shell", f"cert={shlex.quote(facts['certificate'])}"),
        ("lftp", Command(f'lftp -u {user} -p {port} -e "set ftp:ssl-force yes; set ssl:ca-file \'$cert\'" {host}')),
        ("curl", Command(f'curl -u {user} --ssl-reqd --cacert "$cert" -T FILE ftp://{host}:{port}/')),
        ("FileZilla", f"Protocol: FTP, Host: {host}, Port: {port}, Logon: Normal, User: {user},"),
        ("", "Encryption: Require explicit FTP over TLS"),
        (None, None),
        ("node", Command(_mount_command(host, facts["nfs_port"], facts["lab_directory"]))),
        ("", f"allowed for {', '.join(clients)} (more: --set labs.default_clients=NETWORKS)"),
        (
            "Run:ai",
            f"{source['meta']['name']} ({source['meta']['scope']} {facts['lab']}): {spec['server']}:{spec['path']}",
        ),
        ("", f"in pods at {spec['mountPath']}, {'read-only' if spec['readOnly'] else 'read and write'}"),
        (None, None),
        ("admin", Command(f"sudo {shlex.quote(str(tool))} --socket {shlex.quote(facts['control_socket'])} status")),
    ]


def without_password(rows):
    """For a run whose end is near: it would open nothing any more."""
    gone = "not shown: with --once all of this is gone in a moment"
    return [(name, gone if name == "password" else value) for name, value in rows]
