"""`python -m reference.build_site` - gather what functions/pages.py serves into build/site, compressed.

The OpenAPI document is generated; Swagger UI, ReDoc, Chart.js and the font come out of the packages that
requirements/site.txt pins (in build/assets), the font cut to what the console writes; the console is its
sources as they are.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from local.paths import ROOT

ASSETS = ROOT / "build" / "assets"
SITE = ROOT / "build" / "site"
CONSOLE = ROOT / "console"
SIDECAR = ASSETS / "drf_spectacular_sidecar" / "static" / "drf_spectacular_sidecar"
CHART = ASSETS / "unfold" / "static" / "unfold" / "js" / "chart"
VENDORED = {
    "swagger-ui.css": SIDECAR / "swagger-ui-dist" / "swagger-ui.css",
    "swagger-ui-bundle.js": SIDECAR / "swagger-ui-dist" / "swagger-ui-bundle.js",
    "redoc.standalone.js": SIDECAR / "redoc" / "bundles" / "redoc.standalone.js",
    "chart.js": CHART / "chart.js",
}
FONT = ASSETS / "fontpkg_geist" / "files" / "Geist[wght].ttf"
FONT_WEIGHTS = "wght=400:600"
GLYPHS = (
    "U+0020-007E,U+00A0-017F,U+02C6,U+02DA,U+02DC,U+2010-2026,U+2030,U+2039-203A,U+20AC,U+2122,"
    "U+2190-2193,U+2212,U+2248,U+2260,U+2264-2265"
)
"""Latin with its accents, and the signs of figures; other scripts take the system's font."""
FEATURES = "kern,liga,mark,mkmk,ccmp,locl,case,tnum"
LICENCES = {
    "Chart.js": CHART / "LICENSE",
    "Geist": ASSETS / "fontpkg_geist" / "LICENSE",
    "ReDoc": SIDECAR / "redoc" / "LICENSE",
    "Swagger UI": SIDECAR / "swagger-ui-dist" / "LICENSE",
}
REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"  # the one thing that it would load from elsewhere
NO_PICTURE = b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
}
VERSION = b"__VERSION__"


def build() -> dict[str, int]:
    """Write the site and return each file's size in bytes, compressed."""
    files = dict(_files())
    version = _version(files)
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(parents=True)
    known: dict[str, dict[str, str]] = {}
    sizes: dict[str, int] = {}
    for name, content in files.items():
        final = content.replace(VERSION, version.encode()) if name.endswith(".html") else content
        packed = gzip.compress(final, mtime=0)
        (SITE / f"{name}.gz").write_bytes(packed)
        known[name] = {"type": TYPES[Path(name).suffix], "sha256": sha256(final).hexdigest()}
        sizes[name] = len(packed)
    (SITE / "manifest.json").write_text(json.dumps({"version": version, "files": known}))
    return sizes


def _files() -> Iterator[tuple[str, bytes]]:
    yield "openapi.json", _openapi()
    for name, path in VENDORED.items():
        yield name, path.read_bytes().replace(REDOC_LOGO, NO_PICTURE)
    yield "geist.ttf", _font()
    yield "licences.txt", "\n\n".join(f"{n}\n\n{path.read_text()}" for n, path in LICENCES.items()).encode()
    for path in sorted(CONSOLE.rglob("*.*")):
        yield path.name, path.read_bytes()


def _font() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        lighter, cut = Path(folder) / "lighter.ttf", Path(folder) / "cut.ttf"
        _font_tool("varLib.instancer", FONT, FONT_WEIGHTS, "--quiet", "--output", lighter)
        chosen = (f"--unicodes={GLYPHS}", f"--layout-features={FEATURES}", "--drop-tables+=meta")
        _font_tool("subset", lighter, *chosen, f"--output-file={cut}")
        return cut.read_bytes()


def _font_tool(name: str, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", f"fontTools.{name}", *arguments]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ASSETS)})  # noqa: S603 - our own


def _openapi() -> bytes:
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "experimentation")
    os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Experimentation")
    from reference.document import document  # noqa: PLC0415 - it imports every function, which read these names

    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


def _version(files: dict[str, bytes]) -> str:
    """Return a text that changes whenever a file does."""
    digest = sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + sha256(files[name]).digest())
    return digest.hexdigest()[:12]


def main() -> int:
    """Build the site; say how large it is."""
    missing = [path for path in (*VENDORED.values(), *LICENCES.values(), FONT) if not path.exists()]
    if missing:
        sys.stderr.write(f"missing {missing[0]}: run `make site`\n")
        return 1
    sizes = build()
    sys.stdout.write(f"the site: {len(sizes)} files, {sum(sizes.values()) // 1000} kB compressed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
