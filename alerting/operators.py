"""What operators are told when a channel stands still (pure)."""

from __future__ import annotations

import msgspec

from alerting.contracts import ChannelStopped, ChannelStoppedData
from alerting.ledger.entries import Delivery
from alerting.messages import Content
from alerting.shapes import as_short, as_subject, as_text


def operator_content(delivery: Delivery) -> Content:
    """The same at every attempt. In English: operators are the software's own people.

    Args:
        delivery: With template `operator`; its fields say which channel and why.
    """
    channel, reason = delivery.fields["channel"], delivery.fields["reason"]
    line = f"Fraud alerts: channel {channel} stands still ({reason})"
    text = (
        f"{line}.\n\n{delivery.fields['detail']}\n\nNotices on this channel wait until it works again, each as long "
        "as it is of use, and go to the dead letters then. `fraud alerts replay` sends those."
    )
    payload = ChannelStopped(
        timestamp=delivery.created_at,
        data=ChannelStoppedData(
            page_id=delivery.alert_id,
            channel=channel,
            reason=reason,
            detail=delivery.fields["detail"],
        ),
    )
    return Content(
        subject=as_subject(line),
        short=as_short(line),
        text=as_text(text),
        html=None,
        payload=msgspec.json.encode(payload),
    )
