# SPDX-License-Identifier: Apache-2.0
"""Reads a PE image (PE Format, the Microsoft specification), as far as the tests of drivers need it."""

import struct

EXECUTE, READ, WRITE, DISCARDABLE = 0x20000000, 0x40000000, 0x80000000, 0x02000000
MACHINES = {0x8664: "x64", 0x14C: "x86"}


class Section:
    def __init__(self, image, offset):
        name, self.size, self.address, self.file_size, self.file_offset = struct.unpack_from("<8sIIII", image, offset)
        self.name = name.rstrip(b"\0").decode()
        (self.flags,) = struct.unpack_from("<I", image, offset + 36)


class Image:
    def __init__(self, path):
        self.bytes = open(path, "rb").read()
        if self.bytes[:2] != b"MZ":
            raise ValueError(f"{path} is no PE image")
        (self.header,) = struct.unpack_from("<I", self.bytes, 0x3C)
        signature, machine, count, self.timestamp, _, _, optional_size, self.flags = struct.unpack_from(
            "<4sHHIIIHH", self.bytes, self.header)
        if signature != b"PE\0\0":
            raise ValueError(f"{path} is no PE image")
        self.machine = MACHINES.get(machine, hex(machine))
        self.optional = self.header + 24
        self.is64 = self.word(0, "H") == 0x20B
        self.entry = self.word(16, "I")
        self.image_base = self.word(24, "Q") if self.is64 else self.word(28, "I")
        self.section_alignment, self.file_alignment = self.word(32, "I"), self.word(36, "I")
        self.subsystem_version = self.word(48, "H"), self.word(50, "H")
        self.size_of_image, self.checksum = self.word(56, "I"), self.word(64, "I")
        self.subsystem, self.dll_flags = self.word(68, "H"), self.word(70, "H")
        self.directories_at = self.optional + (112 if self.is64 else 96)
        table = self.optional + optional_size
        self.sections = [Section(self.bytes, table + 40 * i) for i in range(count)]

    def word(self, offset, kind):
        """A number of the optional header."""
        return struct.unpack_from("<" + kind, self.bytes, self.optional + offset)[0]

    def directory(self, index):
        """(address, size) of a data directory."""
        return struct.unpack_from("<II", self.bytes, self.directories_at + 8 * index)

    def section_at(self, address):
        for section in self.sections:
            if section.address <= address < section.address + max(section.size, section.file_size):
                return section
        return None

    def offset(self, address):
        """Where in the file an address of the image is."""
        section = self.section_at(address)
        if section is None or address - section.address >= section.file_size:
            raise ValueError(f"nothing in the file for address {address:#x}")
        return section.file_offset + address - section.address

    def string(self, address):
        start = self.offset(address)
        return self.bytes[start : self.bytes.index(b"\0", start)].decode()

    def imports(self):
        """{library: [names]}; a function imported by number is '#NUMBER'."""
        result = {}
        address, size = self.directory(1)
        while size:
            names, _, _, library, thunks = struct.unpack_from("<IIIII", self.bytes, self.offset(address))
            if not library:
                break
            address += 20
            entry, width, kind = names or thunks, 8 if self.is64 else 4, "<Q" if self.is64 else "<I"
            functions = result.setdefault(self.string(library), [])
            while True:
                (value,) = struct.unpack_from(kind, self.bytes, self.offset(entry))
                if not value:
                    break
                by_number = value >> (8 * width - 1)
                functions.append(f"#{value & 0xFFFF}" if by_number else self.string((value & 0x7FFFFFFF) + 2))
                entry += width
        return result

    def relocations(self):
        """The addresses that the loader adjusts."""
        result = []
        address, size = self.directory(5)
        end = address + size
        while address < end:
            page, length = struct.unpack_from("<II", self.bytes, self.offset(address))
            for i in range(8, length, 2):
                (entry,) = struct.unpack_from("<H", self.bytes, self.offset(address + i))
                if entry >> 12:
                    result.append(page + (entry & 0xFFF))
            address += length
        return result

    def functions(self):
        """
        [(address, bytes of stack, whether they vary, where in the file it says so)] of x64 code, from the unwind
        information (x64 exception handling): pushed registers, and what the prologue takes.
        """
        result = []
        address, size = self.directory(3)
        for at in range(address, address + size, 12):
            begin, _, unwind = struct.unpack_from("<III", self.bytes, self.offset(at))
            result.append((begin, *self._stack(unwind), self.offset(unwind)))
        return result

    def _stack(self, unwind):
        flags, _, count, frame = struct.unpack_from("<BBBB", self.bytes, self.offset(unwind))
        codes = struct.unpack_from(f"<{count}H", self.bytes, self.offset(unwind) + 4)
        total, i = 0, 0
        while i < count:
            operation, info = codes[i] >> 8 & 15, codes[i] >> 12
            i += 1
            if operation == 0:  # a register is pushed
                total += 8
            elif operation == 1 and info == 0:  # much is taken, in units of 8
                total += 8 * codes[i]
                i += 1
            elif operation == 1:
                total += codes[i] | codes[i + 1] << 16
                i += 2
            elif operation == 2:  # little is taken
                total += 8 * info + 8
            elif operation in (4, 8):  # a register is saved
                i += 1
            elif operation in (5, 9):
                i += 2
            elif operation != 3:  # 3: there is a frame pointer
                raise ValueError(f"unwind code {operation} at {unwind:#x}")
        if flags >> 3 & 4:  # goes on in another function's information
            parent = self.offset(unwind) + 4 + 2 * (count + count % 2)
            total += self._stack(struct.unpack_from("<III", self.bytes, parent)[2])[0]
        return total, frame & 15 != 0

    def computed_checksum(self):
        """The checksum as the loader computes it: 16-bit words with carry, the field itself as 0, plus the length."""
        at = self.optional + 64
        data = self.bytes[:at] + bytes(4) + self.bytes[at + 4 :]
        data += bytes(len(data) % 2)
        total = sum(struct.unpack(f"<{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        return total + len(self.bytes)
