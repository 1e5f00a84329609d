"""Heads of HTTP messages as texts."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def split_head(head: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Cut a head into its start line and its headers, in order and case; values without outer space."""
    start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return start, tuple((name, value.strip()) for name, _, value in pairs)
