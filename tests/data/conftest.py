"""A web server on this machine that serves small files in the real formats."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import ganexp.data

TRAIN, TEST = 20, 10


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Site:
    """A folder on the web, with copies of the data sets to which torchvision's tables are made to point."""

    def __init__(self, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.url = self.home = url
        self.monkeypatch = monkeypatch

    def publish(self, dataset: str) -> None:
        makers = {"STL10": self._stl, "SVHN": self._svhn, "CIFAR10": self._cifar, "CIFAR100": self._cifar}
        makers.get(dataset, self._mnist)(dataset)

    def _mnist(self, dataset: str) -> None:
        from torchvision import datasets

        resources, sums = [], {}
        for prefix, count in (("train", TRAIN), ("t10k", TEST)):
            pixels = (np.arange(count * 784) % 256).astype(np.uint8)
            images = struct.pack(">4I", 0x0803, count, 28, 28) + pixels.tobytes()
            labels = struct.pack(">2I", 0x0801, count) + bytes(i % 10 for i in range(count))
            for name, content in (("images-idx3", images), ("labels-idx1", labels)):
                packed = gzip.compress(content)
                sums[f"{prefix}-{name}-ubyte"] = hashlib.md5(content).hexdigest()
                (self.folder / f"{prefix}-{name}-ubyte.gz").write_bytes(packed)
                resources.append((f"{prefix}-{name}-ubyte.gz", hashlib.md5(packed).hexdigest()))
        cls = getattr(datasets, dataset)
        self.monkeypatch.setattr(cls, "resources", resources)
        self.monkeypatch.setattr(getattr(ganexp.data, dataset), "checksums", sums)
        self.monkeypatch.setattr(cls, "mirrors", ["http://127.0.0.1:9/", f"{self.url}/"])

    def _cifar(self, dataset: str) -> None:
        from torchvision import datasets

        cls = getattr(datasets, dataset)
        train, test = ([name for name, _ in batches] for batches in (cls.train_list, cls.test_list))
        kind, sums = "fine_labels" if dataset == "CIFAR100" else "labels", {}
        with tarfile.open(self.folder / cls.filename, "w:gz") as archive:
            for name in [*train, *test, cls.meta["filename"]]:
                count = TEST if name in test else TRAIN // len(train)
                pixels = (np.arange(count * 3072) % 256).astype(np.uint8).reshape(count, 3072)
                labels = [k % 10 for k in range(count)]
                content = {cls.meta["key"]: list("abcdefghij")} if "meta" in name else {"data": pixels, kind: labels}
                packed = pickle.dumps(content, protocol=2)
                info = tarfile.TarInfo(f"{cls.base_folder}/{name}")
                info.size = len(packed)
                archive.addfile(info, io.BytesIO(packed))
                sums[name] = hashlib.md5(packed).hexdigest()
        self.monkeypatch.setattr(cls, "url", f"{self.url}/{cls.filename}")
        self.monkeypatch.setattr(cls, "tgz_md5", hashlib.md5((self.folder / cls.filename).read_bytes()).hexdigest())
        self.monkeypatch.setattr(cls, "train_list", [(name, sums[name]) for name in train])
        self.monkeypatch.setattr(cls, "test_list", [(name, sums[name]) for name in test])
        self.monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": sums[cls.meta["filename"]]})

    def _stl(self, dataset: str) -> None:
        from torchvision import datasets

        files, cls = {}, datasets.STL10
        for name, count in (("train", TRAIN), ("unlabeled", 5), ("test", TEST)):
            pixels = (np.arange(count * 27648) % 256).astype(np.uint8).reshape(count, 3, 96, 96)
            files[f"{name}_X.bin"] = pixels.transpose(0, 1, 3, 2).tobytes()  # column after column
            if name != "unlabeled":
                files[f"{name}_y.bin"] = bytes(k % 10 + 1 for k in range(count))
        with tarfile.open(self.folder / cls.filename, "w:gz") as archive:
            for name, content in files.items():
                info = tarfile.TarInfo(f"{cls.base_folder}/{name}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        sums = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
        self.monkeypatch.setattr(cls, "url", f"{self.url}/{cls.filename}")
        self.monkeypatch.setattr(cls, "tgz_md5", hashlib.md5((self.folder / cls.filename).read_bytes()).hexdigest())
        for listed in ("train_list", "test_list"):
            self.monkeypatch.setattr(cls, listed, [[name, sums[name]] for name, _ in getattr(cls, listed)])

    def _svhn(self, dataset: str) -> None:
        from scipy.io import savemat
        from torchvision import datasets

        listed = {}
        for split, (_, name, _) in datasets.SVHN.split_list.items():
            count = {"train": TRAIN, "test": TEST, "extra": 5}[split]
            pixels = (np.arange(count * 3072) % 256).astype(np.uint8).reshape(count, 3, 32, 32)
            labels = np.array([k % 10 or 10 for k in range(count)], np.uint8)[:, None]
            savemat(self.folder / name, {"X": pixels.transpose(2, 3, 1, 0), "y": labels})
            listed[split] = [f"{self.url}/{name}", name, hashlib.md5((self.folder / name).read_bytes()).hexdigest()]
        self.monkeypatch.setattr(datasets.SVHN, "split_list", listed)

    def spoil(self) -> None:
        """Change one byte of every published file."""
        for path in self.folder.iterdir():
            content = bytearray(path.read_bytes())
            content[-1] ^= 0xFF
            path.write_bytes(content)

    def close(self) -> None:
        """Take every file off the site."""
        for path in self.folder.iterdir():
            path.unlink()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GANEXP_DATA", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Site(folder, f"http://127.0.0.1:{server.server_port}", monkeypatch)
    server.shutdown()
    thread.join()
    server.server_close()
