"""What a WAV header promises, compared with what the file holds."""

import io

from ser_lib.errors import AudioError

# From here up, a RIFF size is what programs write into a pipe, where they cannot come back to
# fill in the true one: 0x7FFFF000 (sox), 0x7FFFFFFF, 0xFFFFFFFF (ffmpeg).
_STREAMED = 0x7FFFF000
_MOST_CHUNKS = 10_000


class SteadyBytes(io.BytesIO):
    """Bytes as a file that stays where it is when a damaged header sends it before its beginning.

    An exception in libsndfile's call would be printed on the way, and stop nothing.
    """

    def seek(self, offset, whence=io.SEEK_SET):
        """Go to a place, if there is such a one; returns the place (int)."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def check_header(name, stream):
    """Compare what a RIFF header promises with the bytes that are there.

    Returns None, or a file object with a mended header where the sound was written to a pipe and
    the header says 0 bytes. Raises AudioError for empty and truncated files.
    """
    size = stream.seek(0, io.SEEK_END)
    if size == 0:
        raise AudioError(f"{name} is empty (0 bytes); copy or download it again")
    stream.seek(0)
    head = stream.read(12)
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64") or head[8:12] != b"WAVE":
        return None
    order = "big" if head[:4] == b"RIFX" else "little"
    riff_size, long_size = int.from_bytes(head[4:8], order), None
    for kind, promised in _chunks(stream, order):
        if kind == b"ds64":
            body = stream.read(promised)
            long_size = int.from_bytes(body[8:16], order)
            continue
        if kind == b"data":
            break
        stream.seek(promised + promised % 2, io.SEEK_CUR)
    else:
        raise AudioError(f"{name} is truncated: it ends inside the header; copy it again")
    there = size - stream.tell()
    if head[:4] == b"RF64" and promised == 0xFFFFFFFF and long_size is not None:
        promised = long_size
    elif promised >= _STREAMED:
        return None
    if promised > there:
        raise AudioError(
            f"{name} is truncated: its header promises {promised} bytes of sound and {there} "
            "are there; copy or download it again"
        )
    begin = size - there
    never_filled_in = riff_size + 8 <= begin or riff_size >= _STREAMED
    if promised == 0 and there and never_filled_in:
        stream.seek(0)
        data = bytearray(stream.read())
        data[begin - 4 : begin] = b"\xff\xff\xff\xff"
        return SteadyBytes(data)
    return None


def _chunks(stream, order):
    """Kind and promised size of each chunk of a RIFF file; millions of empty ones end it."""
    for _ in range(_MOST_CHUNKS):
        if len(chunk := stream.read(8)) < 8:
            return
        yield chunk[:4], int.from_bytes(chunk[4:], order)
