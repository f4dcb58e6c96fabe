#!/usr/bin/env python3
"""mkimage.py OUT.tar REFERENCE FOLDER [--entrypoint JSON] [--cmd JSON]

Packs a folder as an image of one layer in the form of `docker save`, which `ctr images import` takes.
The same folder always gives the same bytes. The layer is compressed, quickly rather than well: the images are
uploaded to every machine, but read again on each change of the scripts."""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CREATED = "2021-01-01T00:00:00Z"


def layer_of(folder):
    def anonymous(entry):
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = "root"
        return entry

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, entry), arcname=entry, filter=anonymous)
    return layer.getvalue()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("reference")
    parser.add_argument("folder")
    parser.add_argument("--entrypoint", type=json.loads)
    parser.add_argument("--cmd", type=json.loads)
    args = parser.parse_args()

    layer = layer_of(args.folder)
    packed = gzip.compress(layer, compresslevel=1, mtime=0)
    run = {"Env": [PATH]}
    if args.entrypoint:
        run["Entrypoint"] = args.entrypoint
    if args.cmd:
        run["Cmd"] = args.cmd
    config = json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "config": run,
        # The digest of the layer as it is unpacked, not of the compressed form below.
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": CREATED, "created_by": "orbos-lab"}],
    }).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    layer_name = hashlib.sha256(packed).hexdigest() + "/layer.tar"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [args.reference], "Layers": [layer_name]}]).encode()

    with tarfile.open(args.out, "w") as tar:
        for name, data in ((config_name, config), (layer_name, packed), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main()
