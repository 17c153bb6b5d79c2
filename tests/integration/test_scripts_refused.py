"""Files that are no video but tell FFmpeg to open another file or an address: refused, the bait untouched.

Each layer is tried alone: our allow-lists, and the kernel's rules with FFmpeg left at its defaults.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from indexer.decoding import file_access
from indexer.decoding.plans import DecodePlan
from indexer.decoding.probe import probe
from indexer.decoding.sandbox import decode_clips
from indexer.errors import DecoderCrashed, NotAVideo
from tests.canary import Baits, baits
from tests.decoders import CONFINED, children_that
from tests.synthetic_video import write_plain

PLAN = DecodePlan(image_size=32, resize_mode="shortest", frames_per_clip=12)

SEGMENT = "#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
SCRIPTS = {
    "playlist of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + SEGMENT.format("{file}"),
    "playlist of a sibling": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + SEGMENT.format("{name}"),
    "playlist of a file address": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + SEGMENT.format("file://{file}"),
    "playlist of an address": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n" + SEGMENT.format("{url}"),
    "playlist of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n",
    "playlist with a key": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n'
    + SEGMENT.format("{name}"),
    "playlist with a map": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="{file}"\n'
    + SEGMENT.format("{name}"),
    "playlist of a part": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
    + SEGMENT.format("subfile,,start,0,end,100,,:{file}"),
    "concat of a file": "ffconcat version 1.0\nfile '{file}'\n",
    "concat of a sibling": "ffconcat version 1.0\nfile {name}\n",
    "concat of an address": "ffconcat version 1.0\nfile '{url}'\n",
    "session description": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" codecs="avc1.4d401f">'
    "<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "subtitle index": "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:01:000, filepos: 0\n",
    "smil": '<smil><body><video src="{url}"/></body></smil>',
    "reference file": "[Reference]\nRef1={url}\n",
}
ENDINGS = (".mp4", ".m3u8", ".ts", ".sdp", ".ffconcat", ".mpd", ".idx", ".mkv", "")
OPENS_FILES_UNASKED = ["playlist of a sibling", "concat of a sibling"]


@pytest.fixture
def bait(tmp_path: Path) -> Iterator[Baits]:
    """Yield a video that is watched and served."""
    with baits(write_plain(tmp_path / "bait.ts", 1.0)) as set_out:
        yield set_out


def write_script(folder: Path, script: str, ending: str, bait: Baits) -> Path:
    told = SCRIPTS[script].format(file=bait.file.path, name=bait.file.path.name, url=bait.url, port=bait.port)
    path = folder / f"script{ending}"
    path.write_text(told)
    return path


@pytest.mark.parametrize("script", SCRIPTS)
def test_our_lists_alone_refuse_it_whatever_it_is_called(tmp_path: Path, bait: Baits, script: str) -> None:
    for ending in ENDINGS:
        with pytest.raises(NotAVideo):
            probe(write_script(tmp_path, script, ending, bait))
    assert not bait.were_taken()


@pytest.mark.parametrize("script", ["playlist of an address", "concat of a sibling", "session description"])
def test_the_whole_sandbox_refuses_it(tmp_path: Path, bait: Baits, script: str) -> None:
    with pytest.raises(NotAVideo):
        list(decode_clips(write_script(tmp_path, script, ".mp4", bait), PLAN))
    assert not bait.were_taken()


@pytest.mark.parametrize("script", OPENS_FILES_UNASKED)
def test_ffmpeg_left_to_itself_takes_the_bait(tmp_path: Path, bait: Baits, script: str) -> None:
    """Else the other tests would show nothing."""
    with av.open(str(write_script(tmp_path, script, ".m3u8", bait))):
        pass
    assert bait.were_taken()


def test_ffmpeg_given_a_file_object_asks_a_server(tmp_path: Path, bait: Baits) -> None:
    """Which is why we open by absolute paths only."""
    with write_script(tmp_path, "playlist of an address", ".m3u8", bait).open("rb") as file, av.open(file):
        pass
    assert bait.were_taken()


@pytest.mark.skipif(not file_access.version(), reason="no Landlock on this machine")
@pytest.mark.parametrize("script", ["playlist of a sibling", "concat of a sibling", "playlist of an address"])
def test_the_kernel_alone_keeps_the_bait(tmp_path: Path, bait: Baits, script: str) -> None:
    body = """
        container = child.av.open(str(path), options={"protocol_whitelist": "file,http,tcp,crypto,data"})
        raise child.DecoderCrashed(f"opened {container}")
    """
    with children_that(body, CONFINED) as careless, pytest.raises(DecoderCrashed, match="failed"):
        list(decode_clips(write_script(tmp_path, script, ".m3u8", bait), PLAN, spawners=careless))
    assert not bait.were_taken()


def test_files_are_opened_for_reading_in_one_place() -> None:
    indexer = Path(file_access.__file__).parents[1]
    opening = {
        path.name: path.read_text() for path in indexer.rglob("*.py") if "av.open(" in path.read_text()
    }
    reading = {
        name for name, text in opening.items() if '"w"' not in text.split("av.open(")[1].split("\n")[0]
    }
    assert reading == {"container.py"}
