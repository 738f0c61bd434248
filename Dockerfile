# Three images from one file: `docker build --target scorer|alerts|demo .`
# Into the last stages go locked wheels and this project, without a compiler or a cache.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm


# --- the project as a wheel, built by locked tools ---

FROM ${PYTHON_IMAGE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Without pip of its own: what is installed into it comes from outside, and nothing more goes into an image.
RUN python -m venv --without-pip /opt/fraudstream

FROM tools AS project
# Compiles the scoring kernel, and stays behind in this stage.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY requirements/build.lock requirements/
RUN pip install --only-binary :all: --require-hashes -r requirements/build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY model model/
COPY stream stream/
COPY alerting alerting/
COPY cli cli/
COPY demo demo/
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/fraudstream/bin/python install --no-deps dist/*.whl


# --- the packages of each image; they change with the locks only ---

FROM tools AS scorer-packages
COPY requirements/score.lock requirements/
RUN pip --python /opt/fraudstream/bin/python install --only-binary :all: --require-hashes -r requirements/score.lock

FROM tools AS alerts-packages
COPY requirements/alerts.lock requirements/
RUN pip --python /opt/fraudstream/bin/python install --only-binary :all: --require-hashes -r requirements/alerts.lock

FROM tools AS demo-packages
COPY requirements/demo.lock requirements/
RUN pip --python /opt/fraudstream/bin/python install --only-binary :all: --require-hashes -r requirements/demo.lock


# --- what runs ---

FROM ${PYTHON_IMAGE} AS runtime
ENV PATH=/opt/fraudstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    FRAUD_HTTP__HOST=0.0.0.0 \
    FRAUD_HTTP__PORT=9464
# A volume that is mounted here for the first time takes the folder's owner.
RUN install -d -o 10001 -g 10001 /models
COPY deploy/probe.py /opt/probe.py
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["fraud"]

# Scores the stream. Neither twilio nor boto3 nor pandas.
FROM runtime AS scorer
COPY --from=scorer-packages /opt/fraudstream /opt/fraudstream
COPY --from=project /opt/fraudstream /opt/fraudstream
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "/opt/probe.py"]
CMD ["score"]

# Tells people.
FROM runtime AS alerts
COPY --from=alerts-packages /opt/fraudstream /opt/fraudstream
COPY --from=project /opt/fraudstream /opt/fraudstream
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "/opt/probe.py"]
CMD ["alert"]

# Learns, simulates, and stands in for the providers.
FROM runtime AS demo
COPY --from=demo-packages /opt/fraudstream /opt/fraudstream
COPY --from=project /opt/fraudstream /opt/fraudstream
CMD ["--help"]
