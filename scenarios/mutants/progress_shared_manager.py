"""Each API process follows the job, and tells the room by a manager that all share."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="progress-shared-manager",
    contract="progress.one-copy-per-replica",
    why="One process, one copy; scaled to two, every client gets each event twice "
    "(python-socketio, issue 460).",
    overlay=(
        Replace(
            path="reference_app/sockets.py",
            old='        self.server = socketio.AsyncServer(async_mode="asgi")\n',
            new="        from reference_app.settings import settings\n\n"
            "        shared = socketio.AsyncRedisManager(settings().events_url)\n"
            "        self.server = socketio.AsyncServer(\n"
            '            async_mode="asgi", client_manager=shared\n'
            "        )\n",
        ),
        Replace(
            path="reference_app/sockets.py",
            old="        running = self._followers.get((sid, room))\n",
            new="        await self.server.enter_room(sid, room)\n"
            '        sid = ""  # one follower for the whole room\n'
            "        running = self._followers.get((sid, room))\n",
        ),
        Replace(
            path="reference_app/sockets.py",
            old='        to = self.server.manager.eio_sid_from_sid(sid, "/")\n',
            new='        to = f"{domain}/{job_id}"\n',
        ),
        Replace(
            path="reference_app/sockets.py",
            old="                await self.server.eio.send_packet(to, "
            "self._packets.of(domain, event))\n",
            new="                name, data = words.of(domain, event)\n"
            "                await self.server.emit(name, data, to=to)\n",
        ),
    ),
)
