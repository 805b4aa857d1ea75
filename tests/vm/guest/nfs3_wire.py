"""NFSv3 by hand (RFC 1813, RFC 5531): asks for a file handle and uses one that somebody kept, as a client does that
knows nothing of the server's reboot."""

import os
import socket
import struct

_MOUNT, _NFS, _RPCBIND = (100005, 3), (100003, 3), (100000, 2)
_NFS_PORT, _RPCBIND_PORT, _GETPORT, _TCP = 2049, 111, 3, 6
_MNT, _LOOKUP, _READ = 1, 3, 6


def _opaque(data):
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def _connect(port):
    for local in range(700, 1024):
        try:
            return socket.create_connection(("127.0.0.1", port), 20, ("127.0.0.1", local))
        except OSError as taken:
            if taken.errno != 98:
                raise
    raise OSError("no privileged port is free")


def _call(program, procedure, arguments):
    number, version = program
    port = {_NFS: _NFS_PORT, _RPCBIND: _RPCBIND_PORT}.get(program) or _port_of(program)
    credentials = struct.pack(">I", 0) + _opaque(b"stowage-vm") + struct.pack(">III", 0, 0, 0)
    message = os.urandom(4) + struct.pack(">IIIII", 0, 2, number, version, procedure)
    message += struct.pack(">I", 1) + _opaque(credentials) + struct.pack(">II", 0, 0) + arguments
    with _connect(port) as connection, connection.makefile("rb") as stream:
        connection.sendall(struct.pack(">I", 0x80000000 | len(message)) + message)
        size = struct.unpack(">I", stream.read(4))[0] & 0x7FFFFFFF
        reply = stream.read(size)
    accepted = struct.unpack(">IIIIII", reply[:24])
    assert accepted[1:] == (1, 0, 0, 0, 0), f"RPC reply {accepted}"
    return reply[24:]


def _port_of(program):
    """Where rpcbind says that it is (RFC 1833, version 2)."""
    return struct.unpack(">I", _call(_RPCBIND, _GETPORT, struct.pack(">IIII", *program, _TCP, 0))[:4])[0]


def _handle_in(reply):
    length = struct.unpack(">I", reply[:4])[0]
    return reply[4 : 4 + length]


def _status(reply, what):
    status = struct.unpack(">I", reply[:4])[0]
    if status != 0:
        raise OSError(status, f"{what}: NFS status {status}")
    return reply[4:]


def root_handle(path):
    """What MOUNT gives for an exported path."""
    return _handle_in(_status(_call(_MOUNT, _MNT, _opaque(path.encode())), f"mount {path}"))


def lookup(directory, name):
    return _handle_in(_status(_call(_NFS, _LOOKUP, _opaque(directory) + _opaque(name.encode())), f"look up {name}"))


def read(handle, count=65536):
    """The beginning of a file."""
    reply = _status(_call(_NFS, _READ, _opaque(handle) + struct.pack(">QI", 0, count)), "read")
    has_attributes = struct.unpack(">I", reply[:4])[0]
    reply = reply[4 + 84 * has_attributes :]
    length = struct.unpack(">I", reply[8:12])[0]
    return reply[12 : 12 + length]
