"""What machine code for GPUs says of itself: kernels out of 64-bit ELF files, alone or in objects.

Of an instruction (16 bytes, the lower half first) three fields are read: bits 0-11, which it is, of
accesses bits 73-75, how many bytes a lane moves, and how far a branch goes. The first two are the
same from sm_80 to sm_120; the gate of CUDA code plants narrow loads and must find them.
"""

import dataclasses
import struct

LOADS, STORES, WIDE_LOAD = {0x381, 0x981}, {0x386, 0x986}, 0x97E  # of global memory
COPIES = {0xFAE, 0x3AE}                                           # cp.async: also loads
NOTHING = 0x918                                                   # fills up the end
BRANCH = 0x947
# What the integer pipe does, by bits 0-8: moves, selections, comparisons, additions, logic,
# permutations, shifts, extrema, and conversions between halves, floats and narrower formats.
ALU = {0x002, 0x007, 0x008, 0x009, 0x00B, 0x00C, 0x010, 0x011, 0x012, 0x013, 0x016, 0x017, 0x019,
       0x01C, 0x036, 0x03E, 0x045, 0x046, 0x048}
ADD = 0x035  # of sm_100 and later; before, a multiply-add of halves
BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 8, 6: 16}
REGISTERS = 0x2F  # attribute of .nv.info: symbol and count


@dataclasses.dataclass
class Kernel:
    code: bytes
    architecture: int = 80
    registers: int = 0
    shared: int = 0

    def instructions(self):
        for lower, upper in struct.iter_unpack("<QQ", self.code):
            if lower & 0xFFF != NOTHING:
                yield lower & 0xFFF, BYTES.get(upper >> 9 & 7, 0)

    def loops(self):
        """(first, last) instruction of every loop: where a branch goes back to, and the branch."""
        for i, (lower, upper) in enumerate(struct.iter_unpack("<QQ", self.code)):
            if lower & 0xFFF != BRANCH:
                continue
            far = (lower >> 32 | upper << 32) & (1 << 50) - 1
            far -= (far & 1 << 49) << 1
            if self.architecture >= 90:  # in units of 4 bytes, the lowest 8 bits elsewhere
                far = (far >> 2 << 8 | lower >> 16 & 255) * 4
            if far < 0 and i + 1 + far // 16 >= 0:
                yield i + 1 + far // 16, i

    def alu_of_loop(self):
        """Integer operations in the loop without loops in it that has the most 16-byte loads."""
        all_, loops = list(struct.iter_unpack("<QQ", self.code)), list(self.loops())
        best = 0, 0
        for first, last in loops:
            if any(first <= f and l <= last and (f, l) != (first, last) for f, l in loops):
                continue
            body = all_[first:last + 1]
            wide = sum(a & 0xFFF in LOADS and BYTES.get(b >> 9 & 7) == 16 for a, b in body)
            integer = ALU | {ADD} if self.architecture >= 100 else ALU
            best = max(best, (wide, sum(a & 0x1FF in integer for a, _ in body)))
        return best[1]

    def widest(self, kinds):
        """Of accesses, in bytes; 0 if there are none."""
        return max((32 if op == WIDE_LOAD else n for op, n in self.instructions() if op in kinds),
                   default=0)

    def widest_load(self):
        return self.widest(LOADS | COPIES | {WIDE_LOAD})

    def widest_store(self):
        return self.widest(STORES)


def elf(data):
    """Name -> Kernel of one ELF file that begins where the bytes do."""
    architecture = struct.unpack_from("<I", data, 0x30)[0] >> 8 & 255
    at, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, at + i * size) for i in range(count)]

    def text(table, offset):
        start = sections[table][4] + offset
        return data[start:data.index(b"\0", start)].decode()

    found, shared, symbols, registers = {}, {}, [], {}
    for name, kind, _, _, offset, length, link, *_ in sections:
        title = text(names, name)
        if title.startswith(".text."):
            found[title[6:]] = Kernel(data[offset:offset + length], architecture)
        elif title.startswith(".nv.shared."):
            shared[title[11:]] = length
        elif kind == 2:
            symbols = [text(link, struct.unpack_from("<I", data, i)[0])
                       for i in range(offset, offset + length, 24)]
        elif title == ".nv.info":
            registers = dict(counts(data[offset:offset + length]))
    for name, kernel in found.items():
        kernel.shared = shared.get(name, 0)
        if name in symbols:
            kernel.registers = registers.get(symbols.index(name), 0)
    return found


def counts(info):
    at = 0
    while at + 4 <= len(info):
        kind, attribute, value = struct.unpack_from("<BBH", info, at)
        if kind == 4 and attribute == REGISTERS:
            yield struct.unpack_from("<II", info, at + 4)
        at += 4 + (value if kind == 4 else 0)


def in_object(path):
    """(architecture's number, name) -> Kernel of machine code that lies uncompressed in a file."""
    data, found, at = path.read_bytes(), {}, 0
    while (at := data.find(b"\x7fELF\x02\x01", at)) >= 0:
        if struct.unpack_from("<H", data, at + 18)[0] == 190:  # CUDA
            found |= {(k.architecture, name): k for name, k in elf(data[at:]).items()}
        at += 4
    return found
