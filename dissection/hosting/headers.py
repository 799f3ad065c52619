"""Headers of every answer: what the browser may load, and from where."""

from typing import Final

from dissection.hosting.answers import App, Message, Receive, Scope, Send

# Nothing of another host: neither what a page loads nor where it sends. Streamlit makes styles as it goes, Plotly and Streamlit's parts make
# functions of text, and images of charts are blobs.
# In whose frames the app may be is not said: it is made for the frame of a Space, and there is no login that a foreign page could use.
CONTENT_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' data: blob:",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
ADDED: Final = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


class Headers:
    """Adds them to every answer that does not have them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def added(message: Message) -> None:
            if message["type"].endswith("response.start"):
                there = {name.lower() for name, _ in message.get("headers", ())}
                message = {**message, "headers": [*message.get("headers", ()), *(pair for pair in ADDED if pair[0] not in there)]}
            await send(message)

        await self._app(scope, receive, added)
