"""What machine code for GPUs says of itself: kernels out of 64-bit ELF files, alone or in objects.

Of an instruction (16 bytes, the lower half first) two fields are read: bits 0-11, which it is, and
of accesses bits 73-75, how many bytes a lane moves. Both are the same from sm_80 to sm_120; the
gate of CUDA code plants narrow loads and must find them.
"""

import dataclasses
import struct

LOADS, STORES, WIDE_LOAD = {0x381, 0x981}, {0x386, 0x986}, 0x97E  # of global memory
COPIES = {0xFAE, 0x3AE}                                           # cp.async: also loads
NOTHING = 0x918                                                   # fills up the end
BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 8, 6: 16}
REGISTERS = 0x2F  # attribute of .nv.info: symbol and count


@dataclasses.dataclass
class Kernel:
    code: bytes
    registers: int = 0
    shared: int = 0

    def instructions(self):
        for lower, upper in struct.iter_unpack("<QQ", self.code):
            if lower & 0xFFF != NOTHING:
                yield lower & 0xFFF, BYTES.get(upper >> 9 & 7, 0)

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
            found[title[6:]] = Kernel(data[offset:offset + length])
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
            number = struct.unpack_from("<I", data, at + 0x30)[0] >> 8 & 255
            found |= {(number, name): kernel for name, kernel in elf(data[at:]).items()}
        at += 4
    return found
