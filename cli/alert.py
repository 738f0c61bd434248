"""`fraud alert`: people are told of frauds."""

from __future__ import annotations

from cli.alert_settings import read_alert_settings
from cli.options import BootstrapOption, ConfigOption, SetOption
from cli.stopping import stop_on_signals


def alert(
    bootstrap_servers: BootstrapOption = None, config: ConfigOption = None, assignments: SetOption = None
) -> None:
    """Tell people of every fraud verdict, on each channel that the settings name.

    Channels are sms, email, sns, webhook, slack, pagerduty, and those of other packages (alerts.others).
    `fraud alerts check-config` says beforehand what would be refused.
    """
    settings = read_alert_settings(config, assignments, bootstrap_servers)
    stop = stop_on_signals()

    # The channels' packages take their time, and are of no use where the settings are wrong.
    from alerting.process import alert_people

    alert_people(settings.alerts, kafka=settings.kafka, topics=settings.topics, http=settings.http, stop=stop)
