"""The bytes of a proxy's connections: passed on, held up, lost.

A connection whose bytes were lost is never patched together again: it is reset, as TCP
would have it. All of this happens in the one thread of the proxy (`harness.proxy`).
"""

import selectors
import socket
import struct
import time
from collections import deque
from typing import Any

from harness.packet_loss import PacketLoss

Address = tuple[str, int]

#: Bytes read at once, and bytes that may wait in one direction before it is read no
#: further: a part that reads slowly must be felt by Redis, as without a proxy.
CHUNK = 65_536
MOST_WAITING = 4 * CHUNK

_RESET = struct.pack("ii", 1, 0)


class End:
    """One end of a connection, and what waits to be sent to it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.peer: End | None = None  # None: accepted in a black hole
        self.onward = False  # to the server
        self.waiting: deque[tuple[float, bytes]] = deque()  # b"" is the end of file
        self.size = 0
        self.not_before = 0.0  # nothing is sent to it sooner
        self.blocked = False  # the kernel takes no more for now
        self.read_all = False
        self.sent_all = False
        self.lost = False


class Traffic:
    """All open connections of one proxy, and what is done to their bytes.

    `delay_s` is how much later each byte arrives, `loss` what makes some later still.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self.ends: set[End] = set()
        self.swallowing = False
        self.deaf = False
        self.delay_s = 0.0
        self.loss: PacketLoss | None = None

    def accept(self, sock: socket.socket, to: Address | None) -> None:
        """Pass on what comes here to the server at `to`; None: reset, there is none."""
        client = self._add(sock)
        if self.swallowing:
            client.lost = True
            return
        if to is None:
            self._reset(client)
            return
        onward = socket.socket()
        server = self._add(onward)
        client.peer, server.peer, server.onward = server, client, True
        # Non-blocking: a refusal shows as an error of the first read or write.
        onward.connect_ex(to)
        if self.loss is not None:
            self._hold_back(server, self.loss.stall_s(first=True))

    def swallow(self, on: bool) -> None:
        """Lose all bytes while on; off: reset what lost some, send what waited."""
        self.swallowing = on
        for end in list(self.ends):
            if not on and end.lost:
                self._reset(end)
            else:
                self._send(end)

    def deafen(self, on: bool) -> None:
        """Lose what the server says while on; off: reset what lost some."""
        self.deaf = on
        for end in list(self.ends):
            if not on and end.lost:
                self._reset(end)

    @property
    def is_late(self) -> bool:
        """Whether bytes wait for their time."""
        return bool(self.delay_s) or self.loss is not None

    def until_due_s(self) -> float | None:
        """Return the seconds until bytes are due, None where none wait for a time."""
        if not self.is_late or self.swallowing:
            return None
        due = (e.waiting[0][0] for e in self.ends if e.waiting and not e.blocked)
        return max(0.0, min(due, default=time.monotonic() + 1) - time.monotonic())

    def send_due(self) -> None:
        """Send all whose time has come."""
        for end in list(self.ends):
            self._send(end)

    def deliver_all(self) -> None:
        """Send all that waits, whenever it was due."""
        now = time.monotonic()
        for end in list(self.ends):
            end.not_before = 0.0
            end.waiting = deque((now, data) for _, data in end.waiting)
            self._send(end)

    def dialled(self) -> set[str]:
        """Return from where ("address:port") the server is connected."""
        found = set()
        for end in self.ends:
            if end.onward:
                address, port = end.sock.getsockname()
                found.add(f"{address}:{port}")
        return found

    def look_at(self, end: End, mask: int) -> None:
        """Do what the selector says can be done at this end."""
        if mask & selectors.EVENT_WRITE:
            end.blocked = False
            self._send(end)
        if mask & selectors.EVENT_READ and end in self.ends:
            self._read(end)

    def reset_all(self) -> None:
        """Reset every open connection."""
        for end in list(self.ends):
            self._reset(end)

    def _add(self, sock: socket.socket) -> End:
        end = End(sock)
        self.ends.add(end)
        self._selector.register(sock, selectors.EVENT_READ, end)
        return end

    def _read(self, end: End) -> None:
        try:
            data = end.sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._broken(end)
            return
        end.read_all = not data
        unheard = self.deaf and end.onward
        if self.swallowing or unheard or end.peer is None:
            end.lost = True
            if end.peer is not None:
                end.peer.lost = True
        else:
            if self.loss is not None:
                self._hold_back(end.peer, self.loss.stall_s())
                if end not in self.ends:
                    return
            due = max(time.monotonic() + self.delay_s, end.peer.not_before)
            end.peer.waiting.append((due, data))
            end.peer.size += len(data)
            self._send(end.peer)
        self._watch(end)

    def _hold_back(self, end: End, stall_s: float | None) -> None:
        """Let nothing more reach this end for a while; None: reset the connection."""
        if stall_s is None:
            self._reset(end)
        elif stall_s:
            end.not_before = max(time.monotonic(), end.not_before) + stall_s

    def _send(self, end: End) -> None:
        """Send what is due; both directions at their end: the connection is over."""
        if self.swallowing or end not in self.ends or end.peer is None:
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

    def _watch(self, end: End) -> None:
        """Wait for what can happen next at this end."""
        if end not in self.ends:
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

    def _broken(self, end: End) -> None:
        """One end was reset: so is the other, unless the news is lost on its way."""
        if self.swallowing and end.peer is not None:
            end.lost = end.peer.lost = end.read_all = True
            self._watch(end)
        else:
            self._reset(end)

    def _reset(self, end: End) -> None:
        for each in (end, end.peer):
            if each is not None and each in self.ends:
                each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._drop(end)

    def _drop(self, end: End) -> None:
        for each in (end, end.peer):
            if each is not None and each in self.ends:
                self.ends.discard(each)
                if each.sock in self._selector.get_map():
                    self._selector.unregister(each.sock)
                each.sock.close()
