"""Gate: no edge of the build takes more than 60 s, and all together less than 40 minutes.

Read from .ninja_log: the latest time of every output that still has a rule. A compiler cache makes
the figures smaller, other work on the machine makes them larger.
"""

import gate

EDGE_SECONDS = 60
TOTAL_MINUTES = 40


def edges(text):
    """output -> milliseconds; outputs of one edge share start, end and hash and count once."""
    latest = {}
    for line in text.splitlines()[1:]:
        start, end, _, output, command = line.split("\t")
        latest[output] = (int(start), int(end), command)
    once = {}
    for output, (start, end, command) in latest.items():
        once.setdefault((start, end, command), output)
    return {output: end - start for (start, end, _), output in once.items()}


def check(tree):
    spent = edges((tree.build / ".ninja_log").read_text())
    found = [f"{output}: {ms / 1000:.0f} s, at most {EDGE_SECONDS}"
             for output, ms in spent.items() if ms > EDGE_SECONDS * 1000]
    total = sum(spent.values()) / 60000
    if total > TOTAL_MINUTES:
        found.append(f"the build took {total:.0f} minutes of processor time, "
                     f"at most {TOTAL_MINUTES}")
    if not found and len(spent) > 2:
        slowest = max(spent, key=spent.get)
        print(f"{len(spent)} edges, {total:.1f} minutes, "
              f"the slowest {spent[slowest] / 1000:.1f} s: {slowest}")
    return found


def log(*rows):
    return {"build/.ninja_log": "# ninja log v5\n" + "".join(
        f"{s}\t{e}\t0\t{name}\t{key}\n" for s, e, name, key in rows)}


CLEAN = log((0, 70000, "a.o", "1"), (0, 100, "a.o", "2"), (0, 59000, "b.o", "3"))
PLANTS = [
    (log((0, 100, "a.o", "1"), (0, 70000, "a.o", "2")), "a.o: 70 s"),
    (log(*((0, 50000, f"{i}.o", str(i)) for i in range(49))), "the build took 41 minutes"),
]

if __name__ == "__main__":
    gate.main(check, CLEAN, PLANTS)
