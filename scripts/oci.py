"""Writes OCI image layouts, without Docker: the same input gives the same bytes.

Imported by scripts/image and scripts/image-gateway. Formats: OCI image layout and image specification 1.1.
"""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile

SOURCE = "https://github.com/keeptrusts/keeptrusts-envoy"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"


def annotations(title, description, version):
    """Annotations of a manifest, which are the labels of its configuration too."""
    return {
        "org.opencontainers.image.title": title,
        "org.opencontainers.image.description": description,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": SOURCE,
        "org.opencontainers.image.version": version,
    }


def document(content):
    """JSON that is the same for the same content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def file(name, content, mode=0o644):
    """An entry of a layer: a file of root's."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    return entry, content


def folder(name, mode=0o755, owner=0):
    """An entry of a layer: a folder."""
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    entry.mode = mode
    entry.uid = entry.gid = owner
    return entry, b""


class Layout:
    """A folder that tools read as `oci:FOLDER`."""

    def __init__(self, path):
        self.folder = pathlib.Path(path)
        self.blobs = self.folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)

    def blob(self, content, media_type, **fields):
        """Keeps `content` and returns its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        (self.blobs / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **fields}

    def layer(self, entries):
        """One layer of `entries`, as they come: its descriptor and the digest of what is in it."""
        unpacked = io.BytesIO()
        with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for entry, content in entries:
                archive.addfile(entry, io.BytesIO(content))
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=6) as stream:
            stream.write(unpacked.getvalue())
        diff_id = f"sha256:{hashlib.sha256(unpacked.getvalue()).hexdigest()}"
        return self.blob(packed.getvalue(), LAYER), diff_id

    def manifest(self, architecture, layers, labels, config=None):
        """The image of one machine: its descriptor."""
        configuration = document({
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": labels, **(config or {})},
            "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        })
        manifest = document({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(configuration, CONFIG),
            "layers": [descriptor for descriptor, _ in layers],
            "annotations": labels,
        })
        platform = {"architecture": architecture, "os": "linux"}
        return self.blob(manifest, MANIFEST, platform=platform)

    def finish(self, manifests, version, attached=()):
        """Writes the index of `manifests` under the name `version`, and what is `attached` to one; returns its digest."""
        images = document({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        reference = {"org.opencontainers.image.ref.name": version}
        index = self.blob(images, INDEX, annotations=reference)
        (self.folder / "index.json").write_bytes(document({"schemaVersion": 2, "manifests": [index, *attached]}))
        (self.folder / "oci-layout").write_bytes(document({"imageLayoutVersion": "1.0.0"}))
        return index["digest"]

    def attach(self, subject, content, media_type):
        """A document about `subject`, such as a bill of materials, as registries keep it beside an image."""
        subject = {key: subject[key] for key in ("mediaType", "digest", "size")}
        manifest = document({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": media_type,
            "config": self.blob(b"{}", EMPTY),
            "layers": [self.blob(content, media_type)],
            "subject": subject,
        })
        return self.blob(manifest, MANIFEST, artifactType=media_type)
