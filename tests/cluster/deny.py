"""Azurite that refuses one object: deny.py ADDRESS PORT PART

Hands connections to ADDRESS:10000, but answers a request whose path holds PART by 403, as Azure does where an access list denies a blob.
Prints `ready`, and goes on until it is killed.
"""

import asyncio
import sys

from pump import pump

BODY = b'<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>denied</Message></Error>'
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nx-ms-error-code: AuthorizationPermissionMismatch\r\nContent-Type: application/xml\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
)


async def main() -> None:
    address, port, part = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection: what it asks for is in its first line."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, rest = head.split(b"\r\n", 1)
        # A listing names its prefix in the query.
        if part in line.split(b" ")[1].split(b"?")[0]:
            writer.write(DENIED + (b"" if line.startswith(b"HEAD") else BODY))
            await writer.drain()
            writer.close()
            return
        onward = await asyncio.open_connection(address, 10000)
        fields = [field for field in rest.split(b"\r\n") if not field.lower().startswith(b"connection:")]
        onward[1].write(line + b"\r\nConnection: close\r\n" + b"\r\n".join(fields))
        await asyncio.gather(pump(reader, onward[1]), pump(onward[0], writer))

    server = await asyncio.start_server(forward, address, port)
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
