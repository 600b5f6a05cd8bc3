"""Says which wheels `pip install -r FILE` would fetch and how large they are, before anything is fetched.

pip 23 (Debian 12) can only tell after downloading: its dry run fetches whole wheels to read their metadata. So this
reads the same indexes that pip is configured for (PEP 503/691 pages, PEP 658 metadata, find-links folders).
It only informs: whatever cannot be learnt is said to be unknown, and the exit status is 0 all the same.
Run by ./dev with the Python of .venv: `python packaging/wheel_sizes.py REQUIREMENTS`.
"""

import email
import html.parser
import importlib.metadata
import subprocess
import sys
import urllib.parse
import zipfile
from pathlib import Path

from pip._vendor import requests
from pip._vendor.packaging import requirements as packaging_requirements
from pip._vendor.packaging import tags as packaging_tags
from pip._vendor.packaging import utils as packaging_utils

TIMEOUT_S = 20  # chosen: a slow index delays the information, never the installation
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


class Unknown(Exception):
    """Something an index does not tell."""


def pip_settings():
    """Index settings as pip merges them: environment over [install] over [global]."""
    listing = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True)
    found = {}
    for line in listing.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        rank = {"global": 0, "install": 1, ":env:": 2}.get(section)
        if rank is not None and rank >= found.get(name, (-1, ""))[0]:
            found[name] = (rank, value.strip("'\""))
    return {name: value for name, (_, value) in found.items()}


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and "href" in attrs:
            self.anchors.append(attrs)


class Wheel:
    def __init__(self, url, size=None):
        self.url = url.partition("#")[0]
        self.filename = urllib.parse.unquote(self.url.rpartition("/")[2])
        self.name, self.version, _, self.tags = packaging_utils.parse_wheel_filename(self.filename)
        self._size = size

    def local_path(self):
        parsed = urllib.parse.urlparse(self.url)
        return Path(urllib.parse.unquote(parsed.path)) if parsed.scheme == "file" else None

    def size(self, index):
        if self._size is None and self.local_path():
            self._size = self.local_path().stat().st_size
        if self._size is None:
            self._size = int(index.request("HEAD", self.url).headers["Content-Length"])
        return self._size

    def dependencies(self, index, extras):
        """Requirements of this wheel that hold here with these extras."""
        wanted = []
        for text in email.message_from_string(self._metadata(index)).get_all("Requires-Dist", []):
            requirement = packaging_requirements.Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
                wanted.append(requirement)
        return wanted

    def _metadata(self, index):
        if self.local_path():
            with zipfile.ZipFile(self.local_path()) as archive:
                name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
                return archive.read(name).decode()
        # Asked for even where the page does not announce it: mirrors drop the attribute and still serve the file.
        try:
            return index.request("GET", self.url + ".metadata").text
        except requests.RequestException:
            raise Unknown(f"what {self.name} needs in turn") from None


class Index:
    """All places that pip is configured to look in."""

    def __init__(self, settings):
        self._verify = settings.get("cert", True)
        self._session = requests.Session()
        self._folders = [folder.removeprefix("file://") for folder in settings.get("find-links", "").split()]
        self._indexes = settings.get("index-url", "https://pypi.org/simple").split()
        self._indexes += settings.get("extra-index-url", "").split()
        if settings.get("no-index", "") in ("1", "true", "True", "yes"):
            self._indexes = []
        self._supported = set(packaging_tags.sys_tags())

    def request(self, method, url, accept="*/*"):
        reply = self._session.request(method, url, headers={"Accept": accept}, timeout=TIMEOUT_S,
                                      verify=self._verify, allow_redirects=True)
        reply.raise_for_status()
        return reply

    def best(self, requirement):
        """The wheel that pip would take: the highest version that fits the requirement and this interpreter."""
        fitting = [wheel for wheel in self._wheels(packaging_utils.canonicalize_name(requirement.name))
                   if wheel.tags & self._supported and requirement.specifier.contains(wheel.version)]
        if not fitting:
            raise Unknown(f"a wheel for {requirement}")
        return max(fitting, key=lambda wheel: wheel.version)

    def _wheels(self, name):
        for url, size in self._files(name):
            try:
                wheel = Wheel(url, size)
            except packaging_utils.InvalidWheelFilename:
                continue  # source archives and the like
            if packaging_utils.canonicalize_name(wheel.name) == name:
                yield wheel

    def _files(self, name):
        for folder in self._folders:
            for path in sorted(Path(folder).glob("*.whl")):
                yield path.resolve().as_uri(), None
        for root in self._indexes:
            yield from self._page(f"{root.rstrip('/')}/{name}/")

    def _page(self, page_url):
        if page_url.startswith("file:"):
            path = Path(urllib.parse.unquote(urllib.parse.urlparse(page_url).path)) / "index.html"
            return self._anchors(path.read_text(), page_url) if path.is_file() else []
        try:
            reply = self.request("GET", page_url, f"{JSON_PAGE}, text/html;q=0.1")
        except requests.RequestException:
            return []  # another index may have it; if none has, best() says so
        if reply.headers.get("Content-Type", "").startswith(JSON_PAGE):
            return [(urllib.parse.urljoin(page_url, file["url"]), file.get("size"))
                    for file in reply.json()["files"] if not file.get("yanked")]
        return self._anchors(reply.text, page_url)

    def _anchors(self, page, page_url):
        links = Links()
        links.feed(page)
        return [(urllib.parse.urljoin(page_url, anchor["href"]), None) for anchor in links.anchors]


def installed(requirement):
    try:
        return requirement.specifier.contains(importlib.metadata.version(requirement.name))
    except importlib.metadata.PackageNotFoundError:
        return False


def resolve(index, wanted):
    """Wheels by name that are missing here, and what could not be learnt. First requirement wins: pins are exact."""
    wheels, unknown, seen = {}, [], set()
    while wanted:
        requirement = wanted.pop(0)
        name = packaging_utils.canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen or installed(requirement):
            continue
        seen.add(key)
        try:
            wheel = wheels[name] if name in wheels else index.best(requirement)
            wheels[name] = wheel
            wanted += wheel.dependencies(index, set(requirement.extras))
        except (Unknown, requests.RequestException) as problem:
            unknown.append(str(problem))
    return wheels, unknown


def flavour(wheels):
    local = wheels["torch"].version.local or ""
    if local.startswith("cpu"):
        return "CPU"
    if local.startswith("cu") or any(name.startswith(("nvidia-", "cuda-")) for name in wheels):
        return "CUDA"
    return "CPU" if not local else local


def megabytes(size):
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def sizes(index, wheels):
    """Size by name, and the names without one."""
    known, unknown = {}, []
    for name, wheel in wheels.items():
        try:
            known[name] = wheel.size(index)
        except (requests.RequestException, KeyError) as problem:
            unknown.append(f"the size of {wheel.filename} ({problem})")
    return known, unknown


def read_requirements(path):
    lines = [line.partition("#")[0].strip() for line in Path(path).read_text().splitlines()]
    return [packaging_requirements.Requirement(line) for line in lines if line]


def report(path):
    index = Index(pip_settings())
    wheels, unknown = resolve(index, read_requirements(path))
    known, unknown_sizes = sizes(index, wheels)
    if "torch" in wheels:
        size = megabytes(known["torch"]) if "torch" in known else "size unknown"
        print(f"torch {wheels['torch'].version}: {flavour(wheels)} flavour, {wheels['torch'].filename} ({size})")
    large = [f"{name} {megabytes(size)}" for name, size in sorted(known.items(), key=lambda item: -item[1])[:6]]
    listing = f" ({', '.join(large)})" if large else ""
    print(f"to fetch: {len(wheels)} wheels, {megabytes(sum(known.values()))}{listing}")
    if unknown or unknown_sizes:
        print(f"not told by the index: {'; '.join(unknown + unknown_sizes)}")


def main():
    try:
        report(sys.argv[1])
    except Exception as problem:  # an odd index must not stop the set-up: pip itself decides
        print(f"size and flavour of what pip will fetch are unknown: {type(problem).__name__}: {problem}")


if __name__ == "__main__":
    main()
