"""Which of ffmpeg's demuxers may open an input.

ffmpeg has no list of the formats to refuse, only of those to allow. Left out are those
that open further files or addresses named inside the input (hls, dash, concat, sdp,
imf, rtsp, image2, avisynth, vobsub, …), capture devices, and everything without sound.
Names that one build of ffmpeg lacks do no harm.
"""

from __future__ import annotations

_LOSSLESS = "aiff alac ape au caf dsf flac iff mlp ofr optimfrog osq rf64 rka shn tak truehd tta"
_PCM = "alaw avr dfpwm ircam mulaw nistsphere paf pvf sds sdx sox svs voc w64 wav wve wady xa"
_LOSSY = (
    "aa aac aax ac3 ac4 act adx aptx aptx_hd amr amrnb amrwb apc bonk codec2 dss dts dtshd "
    "eac3 g722 g723_1 g729 gsm iamf ilbc lc3 loas mp3 mpc mpc8 msf ogg oma qcp qoa sbc spdif "
    "vqf wavarc wv xwma"
)
_VIDEO = (
    "asf asf_o avi dv flv gxf ivr live_flv lxf m4v matroska mov mpeg mpegts mxf nsv nut nuv r3d "
    "rm swf wtv"
)
_TRACKERS_AND_GAMES = (
    "acm adp ads aea afc ast bfstm boa brstm cine dsicin ea fsb genh hca hcom libgme libopenmpt "
    "psxstr rsd rso smush sol svag thp vag wsaud wsd xmv xvag"
)

DEMUXERS: tuple[str, ...] = tuple(
    " ".join((_LOSSLESS, _PCM, _LOSSY, _VIDEO, _TRACKERS_AND_GAMES)).split()
)
"""For `-format_whitelist`; a demuxer of several names (`mov,mp4,m4a,…`) needs one of them."""
