"""A JSON-RPC client over one kept-alive connection, with exact decimals for amounts."""
import base64
import decimal
import http.client
import json


class RpcError(Exception):
    """The node's error answer: code and message as it gave them."""

    def __init__(self, error, status):
        super().__init__(f"{error['message']} ({error['code']})")
        self.code = error["code"]
        self.message = error["message"]
        self.status = status


class Rpc:
    """Calls methods as attributes: rpc.getblock(hash, 2), or named: rpc.getblock(blockhash=hash)."""

    def __init__(self, port, credentials, path="/", timeout=60):
        self.port, self.credentials, self.path, self.timeout = port, credentials, path, timeout
        self.connection = None
        self.id = 0

    def wallet(self, name):
        """The same node, asked about one wallet."""
        return Rpc(self.port, self.credentials, f"/wallet/{name}", self.timeout)

    def raw(self, body, headers=None):
        """Sends the bytes as they are; returns (status, headers, body)."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        all_headers = {"Authorization": "Basic " + base64.b64encode(self.credentials.encode()).decode(),
                       "Content-Type": "application/json"}
        all_headers.update(headers or {})
        try:
            self.connection.request("POST", self.path, body, all_headers)
            response = self.connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        except (http.client.HTTPException, OSError):
            self.close()
            raise

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def call(self, method, params):
        self.id += 1
        body = json.dumps({"id": self.id, "method": method, "params": params},
                          default=lambda d: float(d))
        status, _, answer = self.raw(body)
        try:
            answer = json.loads(answer, parse_float=decimal.Decimal)
        except ValueError:
            raise AssertionError(f"{method}: HTTP {status}, not JSON: {answer[:200]!r}") from None
        if answer["error"] is not None:
            raise RpcError(answer["error"], status)
        assert answer["id"] == self.id
        return answer["result"]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*args, **kwargs):
            assert not (args and kwargs), "positional or named, not both"
            return self.call(name, kwargs or list(args))
        return method
