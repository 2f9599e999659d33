"""known_words.py FILE: scores texts by their words; a fitness for `nibble train`.

The score is the number of different words of a text that FILE knows, divided by the number of
its words (runs of three and more letters). Nothing of it can be differentiated: the text has
been drawn byte by byte. After a language has been learnt from FILE, for example:

    nibble train --data FILE --out runs/language --seconds 60
    nibble train --from runs/language --out runs/words --seconds 120 \
        --fitness-command "python3 examples/known_words.py FILE"
"""
import re
import sys

WORD = re.compile(rb"[A-Za-z]{3,}")


def words(text):
    return [word.lower() for word in WORD.findall(text)]


def main():
    with open(sys.argv[1], "rb") as file:
        known = set(words(file.read()))
    # A line with the length of a text, the text; a line with its score; until the input ends.
    while line := sys.stdin.buffer.readline():
        # The last word may have been cut short by the length of the text.
        found = words(sys.stdin.buffer.read(int(line)))[:-1]
        print(len(known.intersection(found)) / max(len(found), 1), flush=True)


main()
