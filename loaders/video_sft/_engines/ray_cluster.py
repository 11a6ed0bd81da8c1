"""The engine of a Ray cluster: tasks of Ray Core, and nothing of the cluster that was not asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from video_sft._engines.batch import Lost, work_on
from video_sft._engines.engine import Engine, Outcome
from video_sft.errors import BuildError, ConfigError, one_line

__all__ = ["RayEngine"]

#: Batches that wait for a processor of the cluster, for each that has one.
_WAITING = 2
_WAIT_SECONDS = 60.0


class RayEngine(Engine):
    """Processes of a Ray cluster, by way of a connection that is ended here if it was begun here.

    Args:
        work: as for `LocalEngine`; its module has to be importable on the cluster's machines.
        address: of the cluster: `host:6379`, `ray://host:10001`, `auto` for the one on this machine, or `local` to
            start one that ends with the job.
        seconds: for an item.
        memory: bytes that Ray sets aside for a batch.
        runtime_env: for Ray, such as `{"py_modules": [video_sft]}`, which sends this package along.
    """

    def __init__(
        self,
        work: Callable[[Any], Any],
        *,
        address: str | None,
        seconds: float,
        memory: int | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        if not address:
            raise ConfigError(
                "engine='ray' wants the cluster's address: host:6379, ray://host:10001, 'auto' for the one that runs "
                "on this machine, or 'local' to start one for this job; no cluster is started or joined unasked"
            )
        try:
            import ray
        except ImportError as error:
            raise ConfigError(f"engine='ray' needs Ray: pip install 'video-sft[ray]' ({one_line(error)})") from error
        self._ray: Any = ray
        self._begun = not ray.is_initialized()
        if self._begun:
            _connect(ray, address, runtime_env)
        elif address not in ("auto", ray.get_runtime_context().gcs_address):
            there = ray.get_runtime_context().gcs_address
            raise ConfigError(f"Ray is connected to {there} already, and address is {address!r}: pass address='auto'")
        # A batch that dies is split and run again here, so that it is known which item is at fault.
        options = {"num_cpus": 1, "max_retries": 0, **({"memory": memory} if memory else {})}
        self._task = self._ray.remote(**options)(work_on)
        self._work, self._seconds = ray.put(work), seconds
        self._running: dict[Any, int] = {}

    @property
    def slots(self) -> int:
        """A few for each processor that the cluster has at this moment."""
        processors: float = self._ray.cluster_resources().get("CPU", 0.0)
        return max(1, _WAITING * math.floor(processors))

    def submit(self, number: int, items: Sequence[Any]) -> None:
        """Send a batch to the cluster."""
        self._running[self._task.remote(self._work, items, self._seconds)] = number

    def wait(self) -> list[tuple[int, Outcome]]:
        """Return the batches that are done, once there are some."""
        done: list[Any] = []
        while not done:
            done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_WAIT_SECONDS)
        return [(self._running.pop(each), self._outcome(each)) for each in done]

    def close(self) -> None:
        """Cancel what still runs; the connection is ended where it was begun here."""
        for each in self._running:
            self._ray.cancel(each, force=True)
        self._running.clear()
        if self._begun:
            self._ray.shutdown()

    def _outcome(self, task: Any) -> Outcome:
        failures = self._ray.exceptions
        try:
            found: Outcome = self._ray.get(task)
        except failures.RuntimeEnvSetupError as error:
            raise BuildError(f"Ray cannot set up its workers: {one_line(error)}") from error
        except failures.OutOfMemoryError:
            return Lost("its process took too much memory, and Ray ended it")
        except (failures.RayTaskError, failures.RaySystemError) as error:
            told = f"the cluster's workers cannot run this package: {one_line(error)[-500:]}"
            remedy = "Install video-sft there, the same version, or pass runtime_env={'py_modules': [video_sft]}"
            raise BuildError(f"{told}. {remedy}") from error
        except failures.RayError as error:  # a process or a machine died
            return Lost(f"its process died, or the machine it ran on: {type(error).__name__}")
        return found


def _connect(ray: Any, address: str, runtime_env: Mapping[str, Any] | None) -> None:
    try:
        ray.init(address=address, runtime_env=dict(runtime_env or {}), log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"no Ray cluster answers at {address!r}: {one_line(error)}") from error
