"""UUIDv7: identifiers that sort by creation time (RFC 9562, section 5.7)."""

from uuid import UUID


def uuid7(ms: int, chance: int) -> str:
    """Return the UUIDv7 of a time in milliseconds and 74 random bits.

    The example is RFC 9562's own (appendix A.6).

    >>> uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F)
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
    """
    first, second = chance >> 62 & 0xFFF, chance & (1 << 62) - 1
    return str(UUID(int=(ms & (1 << 48) - 1) << 80 | 7 << 76 | first << 64 | 0b10 << 62 | second))
