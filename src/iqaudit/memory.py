"""What a process that scores by the thousand asks of the C library."""

import ctypes


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory: a network's activations otherwise cost page faults anew.

    1.5 to 2 times the queries a second on the reference victim at 512 x 512 on two cores. Set for
    this process only, and not at all where the C library is another.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # malloc.h
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
    mallopt(m_top_pad, 64 * 2**20)
