"""A name server and an HTTPS front of Azurite: front.py ADDRESS NAME CERTIFICATE KEY

The name server on ADDRESS:53 knows NAME alone, as ADDRESS; the front on ADDRESS:10443 hands its connections to ADDRESS:10000. Prints
`ready`, and goes on until it is killed.
"""

import asyncio
import ipaddress
import ssl
import struct
import sys

from pump import pump

HEADER = 12


class NameServer(asyncio.DatagramProtocol):
    """Answers a question for the name's IPv4 address; to all others, that there is no answer."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, ipaddress.IPv4Address(address)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        """Keeps what the answers go through."""
        self.transport = transport

    def datagram_received(self, data: bytes, sender: tuple) -> None:
        """RFC 1035, section 4: a header, one question, at most one record."""
        labels, end = [], HEADER
        while length := data[end]:
            labels.append(data[end + 1 : end + 1 + length].decode())
            end += 1 + length
        question = data[HEADER : end + 5]
        kind = struct.unpack(">H", question[-4:-2])[0]
        known = ".".join(labels).lower() == self.name
        found = known and kind == 1
        flags = 0x8580 if known else 0x8583
        record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + self.address.packed if found else b""
        self.transport.sendto(data[:2] + struct.pack(">HHHHH", flags, 1, int(found), 0, 0) + question + record, sender)


async def main() -> None:
    address, name, certificate, key = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection(address, 10000)
        await asyncio.gather(pump(reader, onward[1]), pump(onward[0], writer))

    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: NameServer(name, address), local_addr=(address, 53))
    server = await asyncio.start_server(forward, address, 10443, ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
