"""A mail server that keeps what it is sent: enough of SMTP for smtplib, on its own port, with a temper to order."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

WAIT_SECONDS = 20


@dataclass
class Sink:
    """What came in, and how it answers: a code for each recipient or letter, from the front, then all is well."""

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers_to_recipient: list[str] = field(default_factory=list)
    answers_to_letter: list[str] = field(default_factory=list)
    falls_silent: bool = False
    """After a letter was taken it says nothing more, so that its sender is caught between that and its own notes."""
    ends_after: int = 0
    """It closes each connection after so many letters; never when 0."""
    connections: int = 0
    on_letter: Callable[[int], object] = lambda number: None
    """Called with its number when a letter is there, before it is said to be taken."""
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(each, policy=policy.default) for each in self.raw]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def wait_for(self, letters: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.raw) >= letters, WAIT_SECONDS), "no letter came"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        taken = 0
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line.strip().upper()
            if self.falls_silent and self.raw:
                continue
            if verb.startswith(b"RCPT TO:"):
                answer = self.answers_to_recipient.pop(0) if self.answers_to_recipient else "250 Known"
                self.recipients.append(line.decode().strip())
            elif verb == b"DATA":
                writer.write(b"354 Go on\r\n")
                answer = self._take(await reader.readuntil(b"\r\n.\r\n"))
                taken += 1
            elif verb == b"QUIT":
                writer.write(b"221 Bye\r\n")
                break
            else:
                answer = "250 Well"
            writer.write(answer.encode() + b"\r\n")
            await writer.drain()
            if taken and taken == self.ends_after:
                break
        writer.close()

    def _take(self, raw: bytes) -> str:
        answer = self.answers_to_letter.pop(0) if self.answers_to_letter else "250 Taken"
        if answer.startswith("250"):
            with self.arrived:
                self.on_letter(len(self.raw) + 1)
                self.raw.append(re.sub(rb"(?m)^\.\.", b".", raw.removesuffix(b".\r\n")))
                self.arrived.notify_all()
        return answer


@contextmanager
def smtp_sink(port: int = 0) -> Iterator[Sink]:
    """A server for the block, on a free port unless told which."""
    sink, loop, ready = Sink(), asyncio.new_event_loop(), threading.Event()

    async def open_up() -> None:
        server = await asyncio.start_server(sink.serve, "127.0.0.1", port)
        sink.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.create_task(open_up())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(WAIT_SECONDS)
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_SECONDS)
        loop.close()
