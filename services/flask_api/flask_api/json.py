"""JSON, written by msgspec: Flask's own provider makes an encoder for each answer."""

from typing import Any

from flask import Response
from flask.json.provider import DefaultJSONProvider
from msgspec.json import Encoder

_encode = Encoder(order="sorted").encode


class Provider(DefaultJSONProvider):
    """Flask's, for the way from an object to its answer."""

    def response(self, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - Flask's own signature
        """An answer, as `jsonify` makes it."""
        content = _encode(self._prepare_response_obj(args, kwargs)) + b"\n"
        return Response(content, mimetype=self.mimetype)
