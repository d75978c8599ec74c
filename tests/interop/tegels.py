#!/usr/bin/env python3
"""Verifies an export of a logboek as a stranger does: from the specifications alone, with nothing of ours.

C2SP signed-note, tlog-checkpoint and tlog-tiles; RFC 6962. Usage: tegels.py DIR VKEY
"""

import base64
import hashlib
import pathlib
import struct
import subprocess
import sys
import tempfile


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tile_name(level, number, width):
    text = f"{number % 1000:03}"
    number //= 1000
    while number:
        text = f"x{number % 1000:03}/{text}"
        number //= 1000
    return f"tile/{level}/{text}" + ("" if width == 256 else f".p/{width}")


def widths(count):
    return [(number, 256) for number in range(count // 256)] + ([(count // 256, count % 256)] if count % 256 else [])


def root(hashes):
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01", root(hashes[:split]), root(hashes[split:]))


def verify_note(note, vkey):
    name, key_id, key = vkey.split("+", 2)
    raw = base64.b64decode(key, validate=True)
    assert raw[0] == 1, "no Ed25519 key"
    computed = sha256(name.encode(), b"\n", raw)[:4]
    assert computed.hex() == key_id, "the key id is not that of the key"
    text, signatures = note.split("\n\n", 1)
    text += "\n"
    mine = [line for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    assert mine, "no signature of this key"
    signature = base64.b64decode(mine[0].split(" ")[2], validate=True)
    assert signature[:4] == computed, "a signature of another key"
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw[1:])
        (place / "signature").write_bytes(signature[4:])
        (place / "text").write_text(text)
        subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", place / "key",
             "-sigfile", place / "signature", "-in", place / "text"],
            check=True, capture_output=True,
        )
    origin, size, tree = text.splitlines()
    assert origin == name, "the checkpoint is of another log"
    return int(size), base64.b64decode(tree, validate=True)


def main(directory, vkey):
    directory = pathlib.Path(directory)
    size, signed = verify_note((directory / "checkpoint").read_text(), vkey)
    assert (directory / "vkey").read_text() == vkey + "\n", "the vkey beside it is another one"
    leaves = []
    expected = {"checkpoint", "vkey"}
    for number, width in widths(size):
        name = tile_name("entries", number, width)
        expected.add(name)
        bundle = (directory / name).read_bytes()
        for _ in range(width):
            (length,) = struct.unpack_from(">H", bundle)
            leaves.append(sha256(b"\x00", bundle[2:2 + length]))
            bundle = bundle[2 + length:]
        assert not bundle, f"{name} holds more than its entries"
    assert len(leaves) == size and root(leaves) == signed, "the entries are not those of the checkpoint"
    level, nodes = 0, leaves
    while nodes:
        for number, width in widths(len(nodes)):
            name = tile_name(level, number, width)
            expected.add(name)
            right = b"".join(nodes[number * 256:number * 256 + width])
            assert (directory / name).read_bytes() == right, f"{name} is not the tile of these entries"
        nodes = [root(nodes[at:at + 256]) for at in range(0, len(nodes) - 255, 256)]
        level += 1
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    assert found == expected, f"other files than a tree of {size} has: {found ^ expected}"
    print(f"{size} entries, {level} levels, signed and whole")


if __name__ == "__main__":
    main(*sys.argv[1:])
