"""Seeking the answer that Airflow holds for a step whose run it lost, from the triggerer: it may read it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow.triggers.base import BaseTrigger, TriggerEvent


class AnswerTrigger(BaseTrigger):
    """Reads at ``moment``, once, what was answered to the question of a task instance; only reads.

    Fires with the answer as Airflow hands it to a step that waited
    (``HITLDetail.as_resume_event_payload``), or with an empty event where there is none.

    The keyword arguments are a wire format between releases of Airlock: add, never rename.

    Args:
        ti_id: the task instance's id.
        moment: when to look, ISO 8601 with its offset. Not at once: Airflow loses a run that is resumed
            while the end of the one before is still on its way to the scheduler (apache/airflow#71580).
    """

    def __init__(self, *, ti_id: str, moment: str) -> None:
        super().__init__()
        self.ti_id = ti_id
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The wire format: import path and keyword arguments."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"ti_id": self.ti_id, "moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event: the answer, or nothing."""
        from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail
        from asgiref.sync import sync_to_async

        left = datetime.fromisoformat(self.moment) - datetime.now(UTC)
        await asyncio.sleep(max(0.0, left.total_seconds()))
        held = await sync_to_async(get_hitl_detail_content_detail)(ti_id=UUID(self.ti_id))
        if not (held.response_received and held.chosen_options):
            yield TriggerEvent({})
            return
        user = held.responded_by_user
        yield TriggerEvent(
            {
                "chosen_options": list(held.chosen_options),
                "params_input": held.params_input or {},
                "responded_at": held.responded_at,
                "responded_by_user": None if user is None else {"id": user.id, "name": user.name},
                "timedout": user is None,
            }
        )
