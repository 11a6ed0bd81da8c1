"""Elements of EBML, the notation Matroska and WebM are written in (RFC 8794)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["LONGEST_HEADER", "Element", "children", "parse_header", "unsigned", "variable_number"]

#: An id of up to four bytes and a size of up to eight.
LONGEST_HEADER = 12

_LONGEST_INTEGER = 8
_LARGEST_INTEGER = 1 << 60

#: Id, offset of the content, and its end; the end is None where the size was not known when it was written.
Element = tuple[int, int, int | None]


def parse_header(head: bytes, offset: int) -> Element:
    """Read the id and the size of an element from its first bytes, `LONGEST_HEADER` of them where there are so many.

    Raises:
        ValueError: there is no element.
    """
    if not head or head[0] < 0x10:
        raise ValueError(f"no element at byte {offset:,}")
    width = 9 - head[0].bit_length()
    size, behind = variable_number(head, width)
    start = offset + behind
    return int.from_bytes(head[:width], "big"), start, None if size is None else start + size


def variable_number(data: bytes, at: int) -> tuple[int | None, int]:
    """Read a number that says itself how long it is.

    Returns:
        The number, None where all its bits are set, and the place behind it.

    Raises:
        ValueError: there is none.
    """
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    if not first or at + width > len(data):
        raise ValueError("a number is cut off")
    bits = (1 << 7 * width) - 1
    value = int.from_bytes(data[at : at + width], "big") & bits
    return None if value == bits else value, at + width


def unsigned(data: bytes, element: Element, offset: int = 0) -> int:
    """Give the value of an unsigned integer element, which counts in a file that `data` lies at an offset of.

    Raises:
        ValueError: it is longer than there are integers, or too large for a time or a place.
    """
    _, start, end = element
    value = int.from_bytes(data[start - offset : None if end is None else end - offset], "big")
    if end is None or end - start > _LONGEST_INTEGER or value > _LARGEST_INTEGER:
        raise ValueError(f"a number of unlikely size at byte {start:,}")
    return value


def children(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Element]:
    """Yield the elements within a stretch of bytes; offsets count in `data`.

    Raises:
        ValueError: one does not fit in.
    """
    end = len(data) if end is None else end
    while start < end:
        element = parse_header(data[start : start + LONGEST_HEADER], start)
        if element[2] is None or element[2] > end:
            raise ValueError("an element is longer than the one around it")
        yield element
        start = element[2]
