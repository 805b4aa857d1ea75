"""What came out: connection.json for scripts, and the box for people."""

import json
import os

from tour import machine
from tour.upload import quoted


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
    host, port = machine.own_address(), facts["ftps_port"]
    spec = source["spec"]
    return [
        ("FTPS", f"{host}, explicit TLS on port {port}, implicit TLS on port {facts['ftps_implicit_port']}"),
        ("user", facts["user"]),
        ("password", facts["password"]),
        ("certificate", f"self-signed: {facts['certificate']}"),
        (None, None),
        (
            "lftp",
            f"lftp -u {facts['user']}{'' if port == 21 else f' -p {port}'} -e 'set ftp:ssl-force yes; "
            f"set ssl:ca-file {quoted(facts['certificate'])}' {host}",
        ),
        ("FileZilla", f"Protocol: FTP   Host: {host}   Port: {port}"),
        ("", f"Encryption: Require explicit FTP over TLS   Logon: Normal   User: {facts['user']}"),
        (None, None),
        ("node", _mount_command(host, facts["nfs_port"], facts["lab_directory"])),
        ("", f"allowed for {', '.join(clients)} (more: --set labs.default_clients=NETWORKS)"),
        (
            "Run:ai",
            f"{source['meta']['name']} ({source['meta']['scope']} {facts['lab']}): {spec['server']}:{spec['path']}",
        ),
        ("", f"in pods at {spec['mountPath']}, {'read-only' if spec['readOnly'] else 'read and write'}"),
        (None, None),
        ("admin", f"{tool} --socket {facts['control_socket']} status"),
    ]
