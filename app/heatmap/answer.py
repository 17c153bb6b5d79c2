"""A heat map as an answer.

``async`` so that those who wait for their turn hold no thread, which searches need.
"""

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.heatmap.making import WantedHeatmap, make_heatmap
from model.video_encoder import VideoEncoder


class HeatmapAnswer(Response):
    """The answer that makes its picture when it is sent."""

    media_type = "image/png"

    def __init__(
        self, encoder: VideoEncoder, wanted: WantedHeatmap, limiter: CapacityLimiter, headers: dict[str, str]
    ) -> None:
        """Make as many at a time as ``limiter`` allows; others wait."""
        super().__init__(media_type=self.media_type)
        self._encoder, self._wanted, self._limiter, self._told = encoder, wanted, limiter, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make and send it; raises CannotExplain and MediaMissing before anything is sent."""
        async with self._limiter:
            if await Request(scope, receive).is_disconnected():
                return  # nobody waits for it any more
            picture = await to_thread.run_sync(make_heatmap, self._encoder, self._wanted)
        await Response(picture, media_type=self.media_type, headers=self._told)(scope, receive, send)
