"""docs_tables.py NIBBLE ROOT [--write]: tables in documents are what the program makes of its data.

A table stands between `<!-- nibble ARGUMENT... -->` and `<!-- end -->`; the command is run in ROOT,
and what it prints must be what stands there. --write puts it there.
"""
import pathlib
import re
import subprocess
import sys

TABLE = re.compile(r"(<!-- nibble (.+?) -->\n)(.*?)(<!-- end -->)", re.S)


def renewed(text, run):
    """The text with what the commands print, and how many commands there were."""
    return TABLE.subn(lambda m: f"{m[1]}\n{run(m[2].split())}\n{m[4]}", text)


def self_test():
    text = "a\n<!-- nibble x y -->\n\n| 1 |\n\n<!-- end -->\nb\n"
    assert renewed(text, lambda words: "| 1 |\n" if words == ["x", "y"] else "")[0] == text
    changed, count = renewed(text, lambda words: "| 2 |\n")
    assert count == 1 and changed != text and changed.endswith("<!-- end -->\nb\n")


def main():
    program, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    self_test()

    def run(words):
        done = subprocess.run([program, *words], cwd=root, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"nibble {' '.join(words)}: {done.stderr}")
        return done.stdout

    tables = failures = 0
    for path in sorted(root.glob("docs/*.md")):
        text = path.read_text()
        now, count = renewed(text, run)
        tables += count
        if now == text:
            continue
        if "--write" in sys.argv:
            path.write_text(now)
        else:
            failures += 1
            print(f"{path}: a table is not what its command prints; run this with --write")
    print(f"{tables} tables, {failures} documents with wrong ones")
    return 1 if failures or tables == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
