"""The containers and decoders that we trust, by FFmpeg's names: what cameras, editors and the web write.

The rest of what FFmpeg can read is old, rare, or opens other files, and has had most of its holes.
"""

CONTAINERS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,m4v,flv,asf,ogg,ivf,h264,hevc,obu,mxf,nut,dv,gxf,wtv,rm"
"""Those that hold their media themselves."""

VIDEO_CODECS = frozenset(
    "h264 hevc vvc av1 libdav1d vp8 vp9 mpeg1video mpeg2video mpeg4 msmpeg4v1 msmpeg4v2 msmpeg4 h263 h263i "
    "flv wmv1 wmv2 wmv3 vc1 theora mjpeg prores dnxhd dvvideo ffv1 huffyuv rawvideo svq1 svq3 cinepak rv30 "
    "rv40".split()
)

SOUND_CODECS = frozenset(
    "aac mp3 mp3float mp2 mp2float ac3 eac3 dca truehd opus vorbis flac alac wmav1 wmav2 wmapro amrnb amrwb "
    "adpcm_ms adpcm_ima_wav adpcm_ima_qt pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_u8 "
    "pcm_s8 pcm_f32le pcm_f32be pcm_alaw pcm_mulaw pcm_bluray pcm_dvd".split()
)

TEXT_CODECS = frozenset("ass ssa subrip srt mov_text webvtt text".split())
"""Of the subtitles, those that are text; the others are pictures of it."""

ALL_CODECS = ",".join(sorted(VIDEO_CODECS | SOUND_CODECS | TEXT_CODECS))
"""As one option of FFmpeg's."""
