"""Pictures into a movie file by ffmpeg, one after the other: no more than one is held."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from PIL import Image

from aurorapt.errors import OptionError, OutputFullError, ResultsError
from aurorapt.machine.extras import load_extra
from aurorapt.pictures.colours import CLASS_COLOURS, OTHER_COLOURS

QUALITY = 26  # of libx264: the larger, the smaller the file; noise of the sky is what costs
GREYS = 64  # of the 256 colours that a GIF has
FULL = "No space left on device"
_WHO = re.compile(r"^\[[^]]*\] ")  # which part of ffmpeg says something

# with the index at the front, so that a page plays it while it loads; in pixels that every player knows
MP4 = [
    *("-vcodec", "libx264", "-preset", "veryfast", "-crf", str(QUALITY), "-pix_fmt", "yuv420p"),
    *("-movflags", "+faststart", "-f", "mp4"),
]
# smaller, as noise of the sky fills a GIF; ffmpeg chooses a palette only once it has seen all pictures, and holds them
# until then, so it is given one
GIF = [
    *("-filter_complex", "[0:v]scale=640:-2:flags=area[small];[small][1:v]paletteuse=dither=none"),
    *("-f", "gif"),
]
FASTEST = {".mp4": 120, ".gif": 50}  # pictures a second; a GIF's delays are hundredths of a second, 2 at least


class Encoder(Protocol):
    """Takes the pictures of a movie."""

    def add(self, picture: Image.Image) -> None:
        """Add one picture, of the movie's size."""


def check_movie(output: Path, fps: int) -> None:
    """Check what a movie is to be, before anything is read.

    Raises
    ------
    OptionError
        If the name is not that of an MP4 or GIF, its speed is not possible, or ffmpeg is not there.
    """
    fastest = FASTEST.get(output.suffix.lower())
    if fastest is None:
        raise OptionError(f"--output {output} must end with .mp4, or .gif for slides")
    if not 1 <= fps <= fastest:
        raise OptionError(f"--fps {fps} must be between 1 and {fastest} for {output.suffix}")
    if output.exists() and not output.is_file():
        raise OptionError(f"--output {output} is there and not a file; name a file")
    find_ffmpeg()


def find_ffmpeg() -> str:
    """Find the program that the extra ``movie`` brings.

    Raises
    ------
    OptionError
        If it is not there.
    """
    package = load_extra("imageio_ffmpeg", "movie", "a movie needs ffmpeg")
    try:
        return str(package.get_ffmpeg_exe())
    except RuntimeError as error:
        raise OptionError(f"a movie needs ffmpeg: pip install 'aurorapt[movie]' ({error})") from None


@contextmanager
def encoder(path: Path, size: tuple[int, int], fps: int, kind: str) -> Iterator[Encoder]:
    """Start ffmpeg, and end it: in order at the end, or at once where something else went wrong.

    Parameters
    ----------
    path : where the movie goes; not whole before this ends
    size : of all pictures, pixels, both even
    fps : pictures a second
    kind : .mp4 or .gif

    Raises
    ------
    ResultsError
        If ffmpeg fails, in its own words.
    OutputFullError
        If that is because the disk takes no more.
    """
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w+b") as said:
        inputs = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "-"]
        if kind == ".gif":
            inputs += ["-i", str(_write_palette(Path(folder)))]
        command = [find_ffmpeg(), "-v", "error", "-nostdin", "-y", *inputs, *(GIF if kind == ".gif" else MP4)]
        # in a session of its own: Ctrl-C on a terminal is for us, who end it
        process = subprocess.Popen(
            [*command, str(path.absolute())],  # which no name makes an option or a protocol
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            running = _Running(process, said)
            yield running
            running.finish()
        finally:
            process.kill()
            process.wait()
            with suppress(OSError):  # what was not yet taken is lost with it
                assert process.stdin is not None
                process.stdin.close()


class _Running:
    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        self._process, self._said = process, said

    def add(self, picture: Image.Image) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(picture.tobytes())
        except BrokenPipeError:
            raise self._fault() from None

    def finish(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its exit status says so
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._fault()

    def _fault(self) -> ResultsError:
        status = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        kind = OutputFullError if any(FULL in line for line in lines) else ResultsError
        why = (
            _WHO.sub("", lines[0])
            if lines
            else f"killed by signal {-status}"
            if status < 0
            else f"exit status {status}"
        )
        return kind(f"ffmpeg could not write the movie: {FULL if kind is OutputFullError else why}")


def _write_palette(folder: Path) -> Path:
    """Write the 256 colours of a GIF: greys, and the class colours on the way to black and to white."""
    colours = [(level, level, level) for level in (round(255 * number / (GREYS - 1)) for number in range(GREYS))]
    named = [Image.new("RGB", (1, 1), name).getpixel((0, 0)) for name in (*CLASS_COLOURS.values(), *OTHER_COLOURS)]
    steps = (256 - GREYS) // len(named)
    for colour in named:
        assert isinstance(colour, tuple)
        for step in range(steps):
            share = (step + 1) / steps
            colours.append(tuple(round(part * share) for part in colour))  # type: ignore[arg-type]
    colours += [(0, 0, 0)] * (256 - len(colours))
    palette = Image.new("RGB", (16, 16))
    palette.putdata(colours)
    path = folder / "palette.png"
    palette.save(path)
    return path
