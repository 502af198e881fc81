#!/bin/sh
# Runs a command of an image build that also trusts the certificate authorities of the BuildKit secret "ca".
# Without the secret, or with an empty one, it only runs the command.
# The combined file must be on a tmpfs (RUN --mount=type=tmpfs,target=/run/ca), so that it is not stored in any layer.
set -eu
if [ -s /run/secrets/ca ]; then
    cat /etc/ssl/certs/ca-certificates.crt /run/secrets/ca >/run/ca/bundle.pem
    export SSL_CERT_FILE=/run/ca/bundle.pem PIP_CERT=/run/ca/bundle.pem
fi
exec "$@"
