"""A TCP proxy of our own: what a part says to Redis can be held up, lost or cut off.

One thread of the run, one port, one server behind it. The port is the same for life;
the thread ends with the run, and the connections with it. What becomes of their bytes
is in `harness.traffic`.
"""

import queue
import selectors
import socket
import threading
from collections.abc import Callable

from harness.engines import LOOPBACK
from harness.errors import EngineError
from harness.packet_loss import PacketLoss
from harness.traffic import CHUNK, Address, Traffic

#: Where the harness's own probes come from, so that they do not count as the part's.
PROBE_HOST = "127.0.0.2"

#: Seconds the thread may take to do what it is told; it never blocks.
OBEY_WITHIN_S = 5.0


class Proxy:
    """Passes connections on to the server at `to`; faults change how.

    `host` and `port` are where it listens, `served` is how many connections of the part
    it has taken so far, our own probes not counted. Its methods return when the change
    is made.
    """

    def __init__(self, port: int, to: Address, host: str = LOOPBACK) -> None:
        self.host = host
        self.port = port
        self._to: Address | None = to
        self.served = 0
        self._refusing = False
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._traffic = Traffic(self._selector)
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.setblocking(False)
        self._listen()
        self._closed = False
        self._thread = threading.Thread(
            target=self._run, name=f"queueproof-proxy-{port}", daemon=True
        )
        self._thread.start()

    def swallow(self, on: bool) -> None:
        """Lose all bytes while on, connections stay open; off: reset what lost some."""
        self._order(lambda: self._traffic.swallow(on))

    def deafen(self, on: bool) -> None:
        """Lose all answers while on, and nothing else; off: reset what lost some."""
        self._order(lambda: self._traffic.deafen(on))

    def refuse(self, on: bool) -> None:
        """Refuse new connections and reset the open ones; the port stays ours."""

        def change() -> None:
            if on == self._refusing:
                return
            self._refusing = on
            if on:
                # Linux: it listens no more but keeps the port, and may listen again.
                self._selector.unregister(self._listener)
                self._listener.shutdown(socket.SHUT_RDWR)
                self._traffic.reset_all()
            else:
                self._listen()

        self._order(change)

    def delay(self, seconds: float) -> None:
        """Deliver each byte so much later, in both directions; 0 delivers all now."""

        def change() -> None:
            self._traffic.delay_s = seconds
            if seconds == 0:
                self._traffic.deliver_all()

        self._order(change)

    def lose(self, loss: PacketLoss | None) -> None:
        """Make late, or reset, what loses packets; None delivers all now."""

        def change() -> None:
            self._traffic.loss = loss
            if loss is None:
                self._traffic.deliver_all()

        self._order(change)

    def reset(self) -> None:
        """Reset all open connections once; new ones are welcome."""
        self._order(self._traffic.reset_all)

    def lead(self, to: Address | None) -> None:
        """Pass connections on to another address; None: reset all, there is none.

        A container that is gone refuses nothing: whoever dials it waits in vain.
        """

        def change() -> None:
            if to != self._to:
                self._to = to
                self._traffic.reset_all()

        self._order(change)

    def dialled(self) -> set[str]:
        """Return from where ("address:port") it is connected to the server now."""
        found: set[str] = set()
        self._order(lambda: found.update(self._traffic.dialled()))
        return found

    def close(self) -> None:
        """Reset all connections and end the thread; the port is free again."""
        if not self._closed:
            self._order(self._finish)
            self._thread.join()
            # Not by the thread: it may finish before the bell has been rung for it.
            for sock in (self._listener, self._bell, self._ear):
                sock.close()

    # --- the thread ---------------------------------------------------------------

    def _order(self, change: Callable[[], None]) -> None:
        done = threading.Event()

        def obey() -> None:
            change()
            done.set()

        self._orders.put(obey)
        self._bell.send(b"!")
        if not done.wait(OBEY_WITHIN_S):
            raise EngineError(f"The proxy on port {self.port} does not answer.")

    def _run(self) -> None:
        while not self._closed:
            self._take_in(self._traffic.until_due_s())
            if self._traffic.is_late:
                self._traffic.send_due()
            while not self._orders.empty():
                order = self._orders.get()
                # What came before the order, perhaps since we looked, is not under it.
                self._take_in(0)
                order()
        self._selector.close()

    def _take_in(self, within_s: float | None) -> None:
        for key, mask in self._selector.select(within_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._ear:
                self._ear.recv(CHUNK)
            elif key.data in self._traffic.ends:
                self._traffic.look_at(key.data, mask)

    def _finish(self) -> None:
        self._traffic.reset_all()
        self._closed = True

    def _listen(self) -> None:
        self._listener.listen(128)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _accept(self) -> None:
        try:
            sock, (host, _) = self._listener.accept()
        except OSError:  # it hung up before we looked
            return
        self.served += host != PROBE_HOST
        self._traffic.accept(sock, self._to)
