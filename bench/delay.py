"""A proxy that passes what a server answers on some milliseconds late, as if the server were far away."""

import asyncio
import threading
import time

PIECE = 1 << 18


class Delay:
    """Listens on a free port of this machine, in a thread of its own, and passes everything on to `port`, its answers `seconds` late.

    `intervals` holds when each request began and when its answer came back, `bytes` how long all answers were. Requests of a connection
    come one after the other, as HTTP clients send them."""

    def __init__(self, port, seconds):
        self.upstream, self.seconds = port, seconds
        self.intervals, self.bytes = [], 0
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self.loop.run_forever()

    async def _serve(self, client, to_client):
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            to_client.close()
            return
        begun = []
        try:
            await asyncio.gather(self._ask(client, to_server, begun), self._answer(server, to_client, begun), return_exceptions=True)
        except asyncio.CancelledError:
            pass
        to_server.close()
        to_client.close()

    async def _ask(self, client, to_server, begun):
        while piece := await client.read(PIECE):
            if not begun:
                begun.append(time.perf_counter())
            to_server.write(piece)
            await to_server.drain()
        to_server.write_eof()

    async def _answer(self, server, to_client, begun):
        """Every piece is passed on late by the same time, so that they stay in order and none waits for another."""

        def pass_on(piece):
            if begun:
                self.intervals.append((begun.pop(), time.perf_counter()))
            if piece:
                to_client.write(piece)
            elif to_client.can_write_eof():
                to_client.write_eof()

        while piece := await server.read(PIECE):
            self.bytes += len(piece)
            self.loop.call_later(self.seconds, pass_on, piece)
        self.loop.call_later(self.seconds, pass_on, b"")
        await asyncio.sleep(self.seconds)

    def close(self):
        """Ends all connections."""

        def cancel():
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.2, self.loop.stop)

        self.loop.call_soon_threadsafe(cancel)
        self.thread.join()

    def in_flight(self):
        """For each number of requests in flight the seconds that there were so many; forgets the requests."""
        intervals, self.intervals = self.intervals, []
        changes = sorted([(start, 1) for start, _ in intervals] + [(end, -1) for _, end in intervals])
        seconds, count = {}, 0
        for (at, change), (until, _) in zip(changes, changes[1:]):
            count += change
            seconds[count] = seconds.get(count, 0) + until - at
        return len(intervals), seconds
