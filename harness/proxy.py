"""A TCP proxy of our own: what a part says to Redis can be held up, lost or cut off.

One thread of the run, one port, one server behind it. The port is the same for life;
the thread ends with the run, and the connections with it. A connection whose bytes were
lost is never patched together again: it is reset, as TCP would have it.
"""

import queue
import selectors
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from harness.engines import LOOPBACK
from harness.errors import EngineError
from harness.packet_loss import PacketLoss

Address = tuple[str, int]

#: Where the harness's own probes come from, so that they do not count as the part's.
PROBE_HOST = "127.0.0.2"

#: Bytes read at once, and bytes that may wait in one direction before it is read no
#: further: a part that reads slowly must be felt by Redis, as without a proxy.
CHUNK = 65_536
MOST_WAITING = 4 * CHUNK

#: Seconds the thread may take to do what it is told; it never blocks.
OBEY_WITHIN_S = 5.0

_RESET = struct.pack("ii", 1, 0)


class _End:
    """One end of a connection, and what waits to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.peer: _End | None = None  # None: accepted in a black hole
        self.onward = False  # to the server
        self.waiting: deque[tuple[float, bytes]] = deque()  # b"" is the end of file
        self.size = 0
        self.not_before = 0.0  # nothing is sent to it sooner
        self.blocked = False  # the kernel takes no more for now
        self.read_all = False
        self.sent_all = False
        self.lost = False


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
        self._ends: set[_End] = set()
        self._swallowing = False
        self._refusing = False
        self._delay_s = 0.0
        self._loss: PacketLoss | None = None
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
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

        def change() -> None:
            self._swallowing = on
            for end in list(self._ends):
                if not on and end.lost:
                    self._reset(end)
                else:
                    self._send(end)

        self._order(change)

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
                self._reset_all()
            else:
                self._listen()

        self._order(change)

    def delay(self, seconds: float) -> None:
        """Deliver each byte so much later, in both directions; 0 delivers all now."""

        def change() -> None:
            self._delay_s = seconds
            if seconds == 0:
                self._deliver_all()

        self._order(change)

    def lose(self, loss: PacketLoss | None) -> None:
        """Make late, or reset, what loses packets; None delivers all now."""

        def change() -> None:
            self._loss = loss
            if loss is None:
                self._deliver_all()

        self._order(change)

    def reset(self) -> None:
        """Reset all open connections once; new ones are welcome."""
        self._order(self._reset_all)

    def lead(self, to: Address | None) -> None:
        """Pass connections on to another address; None: reset all, there is none.

        A container that is gone refuses nothing: whoever dials it waits in vain.
        """

        def change() -> None:
            if to != self._to:
                self._to = to
                self._reset_all()

        self._order(change)

    def dialled(self) -> set[str]:
        """Return from where ("address:port") it is connected to the server now."""
        found: set[str] = set()

        def look() -> None:
            for end in self._ends:
                if end.onward:
                    address, port = end.sock.getsockname()
                    found.add(f"{address}:{port}")

        self._order(look)
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
            self._take_in(self._until_due_s())
            if self._is_late:
                for end in list(self._ends):
                    self._send(end)
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
            elif key.data in self._ends:
                self._look_at(key.data, mask)

    def _finish(self) -> None:
        self._reset_all()
        self._closed = True

    @property
    def _is_late(self) -> bool:
        return bool(self._delay_s) or self._loss is not None

    def _deliver_all(self) -> None:
        now = time.monotonic()
        for end in list(self._ends):
            end.not_before = 0.0
            end.waiting = deque((now, data) for _, data in end.waiting)
            self._send(end)

    def _until_due_s(self) -> float | None:
        if not self._is_late or self._swallowing:
            return None
        due = (e.waiting[0][0] for e in self._ends if e.waiting and not e.blocked)
        return max(0.0, min(due, default=time.monotonic() + 1) - time.monotonic())

    def _listen(self) -> None:
        self._listener.listen(128)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _accept(self) -> None:
        try:
            sock, (host, _) = self._listener.accept()
        except OSError:  # it hung up before we looked
            return
        self.served += host != PROBE_HOST
        client = self._add(sock)
        if self._swallowing:
            client.lost = True
            return
        if self._to is None:
            self._reset(client)
            return
        onward = socket.socket()
        server = self._add(onward)
        client.peer, server.peer, server.onward = server, client, True
        # Non-blocking: a refusal shows as an error of the first read or write.
        onward.connect_ex(self._to)
        if self._loss is not None:
            self._hold_back(server, self._loss.stall_s(first=True))

    def _add(self, sock: socket.socket) -> _End:
        end = _End(sock)
        self._ends.add(end)
        self._selector.register(sock, selectors.EVENT_READ, end)
        return end

    def _look_at(self, end: _End, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            end.blocked = False
            self._send(end)
        if mask & selectors.EVENT_READ and end in self._ends:
            self._read(end)

    def _read(self, end: _End) -> None:
        try:
            data = end.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._broken(end)
            return
        end.read_all = not data
        if self._swallowing or end.peer is None:
            end.lost = True
            if end.peer is not None:
                end.peer.lost = True
        else:
            if self._loss is not None:
                self._hold_back(end.peer, self._loss.stall_s())
                if end not in self._ends:
                    return
            due = max(time.monotonic() + self._delay_s, end.peer.not_before)
            end.peer.waiting.append((due, data))
            end.peer.size += len(data)
            self._send(end.peer)
        self._watch(end)

    def _hold_back(self, end: _End, stall_s: float | None) -> None:
        """Let nothing more reach this end for a while; None: reset the connection."""
        if stall_s is None:
            self._reset(end)
        elif stall_s:
            end.not_before = max(time.monotonic(), end.not_before) + stall_s

    def _send(self, end: _End) -> None:
        """Send what is due; both directions at their end: the connection is over."""
        if self._swallowing or end not in self._ends or end.peer is None:
            return
        try:
            while end.waiting and end.waiting[0][0] <= time.monotonic():
                due, data = end.waiting[0]
                if not data:
                    end.sock.shutdown(socket.SHUT_WR)
                    end.sent_all = True
                sent = end.sock.send(data) if data else 0
                end.waiting.popleft()
                end.size -= sent
                if sent < len(data):
                    end.waiting.appendleft((due, data[sent:]))
        except BlockingIOError:
            end.blocked = True
        except OSError:
            self._broken(end)
            return
        if end.sent_all and end.peer.sent_all:
            self._drop(end)
            return
        self._watch(end)
        self._watch(end.peer)

    def _watch(self, end: _End) -> None:
        """Wait for what can happen next at this end."""
        if end not in self._ends:
            return
        full = end.peer is not None and end.peer.size >= MOST_WAITING
        wanted = 0
        if not end.read_all and not full:
            wanted |= selectors.EVENT_READ
        if end.blocked:
            wanted |= selectors.EVENT_WRITE
        known: Any = self._selector.get_map().get(end.sock)
        if not wanted and known:
            self._selector.unregister(end.sock)
        elif wanted and not known:
            self._selector.register(end.sock, wanted, end)
        elif wanted and known.events != wanted:
            self._selector.modify(end.sock, wanted, end)

    def _broken(self, end: _End) -> None:
        """One end was reset: so is the other, unless the news is lost on its way."""
        if self._swallowing and end.peer is not None:
            end.lost = end.peer.lost = end.read_all = True
            self._watch(end)
        else:
            self._reset(end)

    def _reset_all(self) -> None:
        for end in list(self._ends):
            self._reset(end)

    def _reset(self, end: _End) -> None:
        for each in (end, end.peer):
            if each is not None and each in self._ends:
                each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._drop(end)

    def _drop(self, end: _End) -> None:
        for each in (end, end.peer):
            if each is not None and each in self._ends:
                self._ends.discard(each)
                if each.sock in self._selector.get_map():
                    self._selector.unregister(each.sock)
                each.sock.close()
