"""librdkafka without its Python: what other clients can send and this one cannot, such as header names in Latin-1."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Final

import confluent_kafka

# rdkafka.h: rd_kafka_vtype_t, rd_kafka_type_t and the flag that has the value copied.
_END, _TOPIC, _VALUE, _MSGFLAGS, _HEADER = 0, 1, 4, 7, 9
_PRODUCER: Final = 0
_COPY: Final = 0x2


def produce_with_header(bootstrap: str, topic: str, header: bytes, value: bytes) -> None:
    """Produces one record with a header of that name, byte for byte, and waits until the broker has it."""
    library = ctypes.CDLL(str(_shared_library()))
    library.rd_kafka_conf_new.restype = library.rd_kafka_new.restype = ctypes.c_void_p
    error = ctypes.create_string_buffer(512)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(configuration, b"bootstrap.servers", bootstrap.encode(), error, len(error))
    producer = ctypes.c_void_p(library.rd_kafka_new(_PRODUCER, configuration, error, len(error)))
    assert producer, error.value
    refused = library.rd_kafka_producev(
        producer,
        *(_TOPIC, ctypes.c_char_p(topic.encode())),
        *(_VALUE, ctypes.c_char_p(value), ctypes.c_size_t(len(value))),
        *(_HEADER, ctypes.c_char_p(header), ctypes.c_char_p(b"v"), ctypes.c_ssize_t(1)),
        *(_MSGFLAGS, _COPY),
        _END,
    )
    assert refused == 0
    assert library.rd_kafka_flush(producer, 30_000) == 0
    library.rd_kafka_destroy(producer)


def _shared_library() -> Path:
    package = Path(confluent_kafka.__file__).parent
    for folder in (package.with_name("confluent_kafka.libs"), package / ".dylibs"):
        for library in sorted(folder.glob("librdkafka*")):
            return library
    raise FileNotFoundError("librdkafka beside confluent_kafka")
