"""A road that can be bent: what somebody does who controls the network of one phone.

The demo uses it to lead a single phone to another server that holds the region's real keys, which no TLS can prevent:
the operator himself may want to show somebody special files.
"""

import httpx


class Detour(httpx.HTTPTransport):
    """Sends every request to :attr:`to` instead of where it was meant to go, once that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.to: httpx.URL | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*, bent or straight."""
        if self.to is not None:
            request.url = request.url.copy_with(host=self.to.host, port=self.to.port)
        return super().handle_request(request)
