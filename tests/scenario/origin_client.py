"""A small HTTP client for scenarios of the origin: http.client, with what tests look at."""

import http.client
import json

from conftest import PATIENCE_S


class Reply:
    def __init__(self, response, body):
        self.status, self.reason, self.body = response.status, response.reason, body
        self.fields = response.getheaders()

    def __getitem__(self, name):
        """All values of a field, joined; "" when it is absent."""
        return ", ".join(value for key, value in self.fields if key.lower() == name.lower())

    def __contains__(self, name):
        return any(key.lower() == name.lower() for key, _ in self.fields)

    @property
    def json(self):
        return json.loads(self.body)


def ask(address, target, method="GET", headers=None, body=None) -> Reply:
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Reply(response, response.read())
    finally:
        connection.close()


def set_faults(origin, *faults):
    reply = ask(origin.admin, "/faults", "PUT", body=json.dumps({"faults": faults}).encode())
    assert reply.status == 200, reply.body
    return reply
