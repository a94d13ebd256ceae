"""Counts the rows of a specification that have a test of their name: rows.py PREFIX [SPECIFICATION].

A test is named by its rows: `out_26_..`, `out_99a_..`, `out_037_and_038_..`, `out_045_to_049_..`. Where the specification
is at hand, each of its rows (**OUT-26**, or a table's | SEC-26 |) needs a test, or a line with a reason in
tests/rows_without_test.txt; a line for a row that has a test fails too.
"""

import pathlib
import re
import sys

prefix = sys.argv[1].upper()
root = pathlib.Path(__file__).resolve().parent.parent
name = re.compile(rf"\bfn {prefix.lower()}_(\d+[a-e]?(?:_(?:(?:and|to|{prefix.lower()})_)?\d+[a-e]?)*)_")

tested = set()
for source in [*root.glob("src/**/*.rs"), *root.glob("tests/**/*.rs")]:
    for rows in name.findall(source.read_text()):
        words = [word for word in rows.split("_") if word != prefix.lower()]
        for at, word in enumerate(words):
            if word == "to":
                tested.update(str(n) for n in range(int(words[at - 1]), int(words[at + 1])))
            elif word != "and":
                tested.add(word.lstrip("0"))

listed = {}
for line in (root / "tests/rows_without_test.txt").read_text().splitlines():
    row = re.match(rf"{prefix}-(\d+[a-e]?): (.+)", line)
    if row:
        listed[row[1]] = row[2]

if len(sys.argv) < 3 or not pathlib.Path(sys.argv[2]).is_file():
    print(f"{prefix}: {len(tested)} rows have a test of their name; the specification is not here to compare")
    sys.exit(0)

text = pathlib.Path(sys.argv[2]).read_text()
rows = set(re.findall(rf"(?:\*\*|^\| ){prefix}-(\d+[a-e]?)(?:\*\*| \|)", text, re.M))
order = lambda row: (int(re.match(r"\d+", row)[0]), row)
missing = sorted(rows - tested - set(listed), key=order)
stale = sorted(set(listed) & tested, key=order)
for row in sorted(set(listed) - tested, key=order):
    print(f"{prefix}-{row} has no test: {listed[row]}")
print(f"{prefix} {len(rows & tested)}/{len(rows)}")
if missing:
    print(f"neither tested nor listed: {', '.join(missing)}")
if stale:
    print(f"listed, and tested: {', '.join(stale)}")
sys.exit(1 if missing or stale else 0)
