"""A LwM2M client with a firmware update object, on aiocoap: a stranger's CoAP under the dialogue of the harness.

Registers, downloads what is written to /5/0/1 by aiocoap's own block-wise transfer, "updates" when /5/0/2 is executed,
forgets its observations as a reboot does, and registers again from the same port with state 0 and result 1.

Usage: firmware_client.py OWN_PORT SERVER_HOST SERVER_PORT ENDPOINT FORMAT FILE; FORMAT is 0 (text), 11542 (TLV) or 11543 (JSON).
"""

import asyncio
import json
import sys

import aiocoap
from aiocoap import resource

OWN_PORT, HOST, PORT, ENDPOINT, FORMAT, FILE = sys.argv[1:7]
OWN_PORT, FORMAT = int(OWN_PORT), int(FORMAT)


def encoded(number, value):
    if FORMAT == 0:
        return str(value).encode()
    if FORMAT == 11542:
        return bytes([0xC1, number, value])
    return json.dumps({"bn": "/5/0/%d" % number, "e": [{"n": "", "v": value}]}).encode()


class Value(resource.ObservableResource):
    def __init__(self, number):
        super().__init__()
        self.number, self.value = number, 0

    def set(self, value):
        self.value = value
        self.updated_state()

    async def render_get(self, request):
        return aiocoap.Message(payload=encoded(self.number, self.value), content_format=FORMAT)


class Uri(resource.Resource):
    def __init__(self, client):
        super().__init__()
        self.client = client

    async def render_put(self, request):
        uri = request.payload.decode()
        if uri:
            self.client.start(self.client.download(uri))
        return aiocoap.Message(code=aiocoap.CHANGED)


class Update(resource.Resource):
    def __init__(self, client):
        super().__init__()
        self.client = client

    async def render_post(self, request):
        if self.client.state.value != 2:
            return aiocoap.Message(code=aiocoap.METHOD_NOT_ALLOWED)
        self.client.start(self.client.update())
        return aiocoap.Message(code=aiocoap.CHANGED)


class Client:
    def __init__(self):
        self.tasks = []
        self.site = resource.Site()
        self.put_up(0, 0)
        self.site.add_resource(["5", "0", "1"], Uri(self))
        self.site.add_resource(["5", "0", "2"], Update(self))

    def start(self, work):
        self.tasks.append(asyncio.ensure_future(work))

    def put_up(self, state, result):
        self.state, self.result = Value(3), Value(5)
        self.state.value, self.result.value = state, result
        self.site.add_resource(["5", "0", "3"], self.state)
        self.site.add_resource(["5", "0", "5"], self.result)

    async def register(self):
        uri = "coap://%s:%s/rd?ep=%s&lt=60&lwm2m=1.0&b=U" % (HOST, PORT, ENDPOINT)
        request = aiocoap.Message(
            code=aiocoap.POST, uri=uri, content_format=40, payload=b"</1/0>,</3/0>,</5/0>"
        )
        response = await self.context.request(request).response
        assert response.code == aiocoap.CREATED, response.code

    async def download(self, uri):
        self.result.set(0)
        self.state.set(1)
        response = await self.context.request(aiocoap.Message(code=aiocoap.GET, uri=uri)).response
        assert response.code == aiocoap.CONTENT, response.code
        with open(FILE, "wb") as file:
            file.write(response.payload)
        self.state.set(2)

    async def update(self):
        self.state.set(3)
        self.put_up(0, 1)
        await self.register()

    async def run(self):
        self.context = await aiocoap.Context.create_server_context(self.site, bind=("127.0.0.1", OWN_PORT))
        await self.register()
        await asyncio.sleep(60)


asyncio.run(Client().run())
