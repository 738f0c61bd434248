"""Nothing of the real system reaches the demo."""

from __future__ import annotations

from demo.isolation import isolate


def test_settings_and_credentials_of_the_real_system_are_forgotten() -> None:
    environ = {
        "PATH": "/bin",
        "FRAUD_ALERTS__SMS__BASE_URL": "https://api.twilio.com",
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL_SNS": "https://sns.example",
        "TWILIO_REGION": "ie1",
        "HTTP_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "intranet.example",
    }
    isolate(environ)
    assert environ == {
        "PATH": "/bin",
        "HTTP_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
