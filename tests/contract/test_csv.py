"""The console's CSV files and the export's follow one rule: no cell begins a formula."""

import json
import random
import re
import shutil
import subprocess

import pytest

from experimentation.domain.results.rows import Column, Content
from experimentation.web.rows_text import FORMULA, csv_text
from local.paths import ROOT

SCRIPT = ROOT / "console" / "csv.js"
ALPHABET = [
    *"=+-@;|'\",a1 \t\r\n\v\f\x1c\x1f\x85\xa0\xad",
    *map(chr, (0x1680, 0x180E, 0x2000, 0x200B, 0x200F, 0x2028)),
]
ALPHABET += map(chr, (0x202E, 0x202F, 0x205F, 0x2064, 0x3000, 0xFEFF, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20))


def test_the_console_has_the_rule_of_the_export_word_for_word() -> None:
    (pattern,) = re.findall(r"^const FORMULA = /(.*)/g;$", SCRIPT.read_text(), re.MULTILINE)

    assert pattern == FORMULA.pattern


@pytest.mark.skipif(not shutil.which("node"), reason="no node: the rule is compared as text alone")
def test_the_console_writes_what_the_export_writes(tmp_path) -> None:
    drawn = random.Random(15)
    texts = ["".join(drawn.choices(ALPHABET, k=drawn.randint(1, 6))) for _ in range(3_000)]
    module = tmp_path / "csv.mjs"
    module.write_text(SCRIPT.read_text())
    program = (
        f"import {{ csv }} from {json.dumps(str(module))};"
        "process.stdout.write(JSON.stringify(csv(JSON.parse(process.argv[1]).map((text) => ['x', text]))));"
    )

    done = subprocess.run(
        [shutil.which("node"), "--input-type=module", "-e", program, json.dumps(texts)],
        capture_output=True,
        text=True,
        check=True,
    )

    columns = [Column("key", Content.TEXT), Column("value", Content.TEXT)]
    exported = csv_text(columns, [("x", text) for text in texts]).split("\r\n", 1)[1].removesuffix("\r\n")
    assert json.loads(done.stdout) == exported
