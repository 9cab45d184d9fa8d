"""Prefixes as routing tables have them, addresses to look up, and an independent longest match.

Everything comes from a seed: the same numbers give the same table. Lengths, nesting and the shape of
the space are those of public tables: IPv4 mostly /24, IPv6 mostly /48 and /32 in the blocks of the
registries.
"""

import random

BITS = {4: 32, 6: 128}
LENGTHS_4 = {24: 60, 23: 10, 22: 11, 21: 5, 20: 5, 19: 3, 18: 1.5, 17: 1, 16: 2, 15: 0.2, 14: 0.2,
             13: 0.1, 12: 0.05, 11: 0.02, 10: 0.01, 9: 0.005, 8: 0.005, 25: 0.1, 28: 0.1, 32: 0.1}  # fmt: skip
LENGTHS_6 = {48: 47, 32: 12, 44: 10, 40: 9, 36: 5, 29: 4, 47: 2, 46: 2, 45: 1, 43: 0.5, 42: 2,
             41: 0.5, 39: 0.5, 38: 1, 37: 0.3, 35: 0.5, 34: 1, 33: 1, 31: 0.2, 30: 0.3, 28: 0.2,
             24: 0.1, 20: 0.02, 56: 0.1, 64: 0.1, 128: 0.05}  # fmt: skip
# First 16 bits of IPv6, and how much of the table is there.
BLOCKS_6 = [(0x2001, 18), (0x2003, 0.2), *((0x2400 + i, 1.5) for i in range(16)),
            *((0x2600 + i, 0.8) for i in range(32)), *((0x2800 + i, 2) for i in range(7)),
            *((0x2A00 + i, 2.2) for i in range(20)), (0x2C0F, 2)]  # fmt: skip
ORIGINS = 79_000


def _mask(version, length):
    bits = BITS[version]
    return ((1 << length) - 1) << (bits - length)


def _new_address(rng, version):
    if version == 4:
        return rng.randrange(1 << 24, 224 << 24)
    blocks, weights = zip(*BLOCKS_6)
    block = rng.choices(blocks, weights)[0]
    # Registries give out blocks densely: few different second words.
    return block << 112 | rng.randrange(4096) << 100 | rng.getrandbits(100)


def prefixes(version, count, seed=1):
    """{(address, length): AS}; 'count' of them. Half lie within another one."""
    rng = random.Random(f"{seed}-{version}")
    lengths, weights = zip(*(LENGTHS_4 if version == 4 else LENGTHS_6).items())
    result, places = {}, []
    while len(result) < count:
        length = rng.choices(lengths, weights)[0]
        address = _new_address(rng, version)
        if places and rng.random() < 0.5:
            outer, outer_length = rng.choice(places)
            if outer_length < length:
                address = outer | address & ~_mask(version, outer_length)
        address &= _mask(version, length)
        if (address, length) not in result:
            result[address, length] = 1 + int(ORIGINS * rng.random() ** 2)
            places.append((address, length))
    return result


def random_addresses(version, count, seed=2):
    """In the part of the space that is in use."""
    rng = random.Random(f"{seed}-{version}")
    return [_new_address(rng, version) for _ in range(count)]


def inside_addresses(version, table, count, seed=3):
    """In a random prefix each: some at its first and its last address, or just outside of it."""
    rng = random.Random(f"{seed}-{version}")
    places, bits = list(table), BITS[version]
    result = []
    for _ in range(count):
        address, length = rng.choice(places)
        last = (1 << bits - length) - 1
        offset = rng.choice((0, last, -1, last + 1)) if rng.random() < 0.1 else rng.randint(0, last)
        result.append((address + offset) % (1 << bits))
    return result


def longest_matches(version, table, addresses):
    """[(AS, length)] by one dictionary for each length: shares nothing with lib/lookup."""
    by_length = {}
    for (address, length), number in table.items():
        by_length.setdefault(length, {})[address] = number
    steps = [(length, _mask(version, length), by_length[length]) for length in sorted(by_length, reverse=True)]
    result = []
    for address in addresses:
        for length, mask, numbers in steps:
            number = numbers.get(address & mask)
            if number is not None:
                result.append((number, length))
                break
        else:
            result.append((0, 0))
    return result


def address_text(version, address):
    if version == 4:
        return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
    return ":".join(f"{address >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))


def rows(version, table):
    """For asn_tables.make_table()."""
    for (address, length), number in table.items():
        yield number, f"{address_text(version, address)}/{length}"
