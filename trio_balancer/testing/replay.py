"""Say again what was recorded, as the client or as the backend, and check what the other says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.testing.recording import BACKEND, CLIENT, RecordingError

if TYPE_CHECKING:
    from trio_balancer.testing.recording import Recording, Said

# Bytes that are received at a time at most, and that an error shows.
_AT_ONCE, _SHOWN = 65536, 40


class ReplayError(AssertionError):
    """The other side has not said what was recorded; the text says where it differs."""


async def replay_as_client(
    stream: trio.abc.HalfCloseableStream, recording: Recording, *, timed: bool = False
) -> None:
    """Say what the recorded client said, and check what the backend says, by length and SHA-256.

    Each chunk is said once all has arrived that came before it in the recording; with `timed`,
    not before as much time has passed as then. How the other side cuts its bytes does not matter.
    The stream stays open. Raises ReplayError when the other side says something else, ends or
    resets, and RecordingError for a recording without the bytes that we are to say.
    """
    await _Replay(stream, recording, CLIENT, timed=timed).run()


async def replay_as_backend(
    stream: trio.abc.HalfCloseableStream, recording: Recording, *, timed: bool = False
) -> None:
    """Say what the recorded backend said, and check the client: see `replay_as_client`."""
    await _Replay(stream, recording, BACKEND, timed=timed).run()


@final
class _Replay:
    """Talks and listens at the same time, or two who both say a lot would block each other."""

    def __init__(
        self, stream: trio.abc.HalfCloseableStream, recording: Recording, ours: str, *, timed: bool
    ) -> None:
        self._stream = stream
        self._recording = recording
        self._ours = ours
        self._timed = timed
        self._heard = 0
        self._progress = trio.lowlevel.ParkingLot()
        self._failure: ReplayError | None = None

    async def run(self) -> None:
        self._check_bytes()
        self._start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._guarded_listen, nursery.cancel_scope)
            try:
                await self._talk()
            except trio.BrokenResourceError:
                self._fail("reset the connection", nursery.cancel_scope)
        # Raised here, for a nursery would wrap it.
        if self._failure is not None:
            raise self._failure

    def _check_bytes(self) -> None:
        for said in self._recording.said:
            if said.direction == self._ours and not said.finished and said.data is None:
                raise RecordingError("this was recorded without its bytes: set data = true")

    def _fail(self, what: str, scope: trio.CancelScope) -> None:
        place = f"connection {self._recording.connection} of the recording"
        self._failure = ReplayError(f"{place}: the other side {what}")
        scope.cancel()

    async def _talk(self) -> None:
        before = 0
        for said in self._recording.said:
            if said.direction != self._ours:
                before += 1
                continue
            while self._heard < before:
                await self._progress.park()
            if self._timed:
                await trio.sleep_until(self._start + said.time)
            await self._say(said)

    async def _say(self, said: Said) -> None:
        if said.finished:
            await self._stream.send_eof()
        else:
            await self._stream.send_all(said.data or b"")  # `_check_bytes` has seen them

    async def _guarded_listen(self, scope: trio.CancelScope) -> None:
        try:
            await self._listen()
        except ReplayError as error:
            self._fail(str(error), scope)
        except trio.BrokenResourceError:
            self._fail("reset the connection", scope)

    async def _listen(self) -> None:
        for number, said in enumerate(self._recording.said, start=1):
            if said.direction == self._ours:
                continue
            if said.finished:
                await self._hear_the_end()
            else:
                await self._hear(number, said)
            self._heard += 1
            self._progress.unpark_all()

    async def _hear(self, number: int, said: Said) -> None:
        digest, beginning, heard = hashlib.sha256(), b"", 0
        while heard < said.length:
            data = await self._stream.receive_some(min(said.length - heard, _AT_ONCE))
            if not data:
                raise ReplayError(
                    f"ended with {heard} of the {said.length} bytes of entry {number}"
                )
            digest.update(data)
            beginning += data[: _SHOWN - len(beginning)]
            heard += len(data)
        if digest.hexdigest() != said.sha256:
            raise ReplayError(f"said other {said.length} bytes in entry {number}: {beginning!r}")

    async def _hear_the_end(self) -> None:
        more = await self._stream.receive_some(_SHOWN)
        if more:
            raise ReplayError(f"went on where it had finished: {bytes(more)!r}")
