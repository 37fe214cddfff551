# One target a service: docker build --target recommender|index|trainer|tests .
#
# No package is compiled here, so there is no compiler of C to leave behind: packages arrive as wheels in a stage of
# their own, and a final image receives the finished folder /opt/venv and the code that it runs, no more.

# --- packages: one virtual environment a target -----------------------------------------------------------------

FROM python:3.11.13-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY constraints.txt ./
COPY requirements requirements/

# Locked, with the hashes of what may be installed (`make locks`). Both Kafka clients are in every image, so that the URL alone chooses between them.
FROM packages AS index-packages
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes --no-deps -r requirements/locked/index.txt

FROM packages AS recommender-packages
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --require-hashes --no-deps -r requirements/locked/recommender.txt

FROM packages AS trainer-packages
# The default wheels of torch for Linux bring gigabytes of CUDA. uv knows where those for the CPU alone are; pip then
# finds torch there already. The last line makes the build fail when that did not come true.
# This environment keeps pip: `streamrec data fetch` gets MovieLens-100K with it.
RUN python -m venv /opt/venv \
    && pip install uv -c constraints.txt \
    && uv pip install --no-cache --python /opt/venv/bin/python --torch-backend cpu torch -c constraints.txt \
    && /opt/venv/bin/pip install --require-hashes --no-deps -r requirements/locked/trainer.txt \
    && /opt/venv/bin/python -c "import torch; assert torch.version.cuda is None, 'torch came with CUDA'"

# --- what every final image starts from -------------------------------------------------------------------------

FROM python:3.11.13-slim-bookworm AS runtime
LABEL org.opencontainers.image.title="streamrec" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="A recommender that learns while it serves"
# A fixed number, so that volumes, Kubernetes and the host agree on who it is; the system's pip goes.
RUN groupadd --gid 10001 streamrec \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin streamrec \
    && rm -rf /usr/local/lib/python3.11/site-packages /usr/local/bin/pip*
# One thread a process for OpenMP: Faiss and torch would otherwise start one a core of the host, limits or not.
ENV PATH=/opt/venv/bin:$PATH \
    OMP_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
# Docker gives a new volume the owner of the folder that it is mounted on.
RUN install -d -o streamrec -g streamrec var var/artifacts var/data var/replay
COPY deploy/healthcheck.py ./
STOPSIGNAL SIGTERM

FROM runtime AS server
COPY streamrec/*.py streamrec/
COPY streamrec/adapters streamrec/adapters/
COPY streamrec/domain streamrec/domain/
COPY streamrec/faults streamrec/faults/
COPY streamrec/ports streamrec/ports/
COPY streamrec/settings streamrec/settings/
COPY streamrec/web streamrec/web/

# --- the images -------------------------------------------------------------------------------------------------

FROM server AS index
COPY --from=index-packages /opt/venv /opt/venv
COPY faiss_server faiss_server/
USER 10001:10001
EXPOSE 8100
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-I", "healthcheck.py", "http://127.0.0.1:8100/health/ready"]
CMD ["gunicorn", "--config=python:faiss_server.gunicorn_settings", "--bind=0.0.0.0:8100", "--worker-tmp-dir=/dev/shm"]

FROM server AS recommender
COPY --from=recommender-packages /opt/venv /opt/venv
COPY recommender_server recommender_server/
COPY dashboard dashboard/
COPY streamrec/serving streamrec/serving/
# What it shares with the commands for own files, which the image does not have.
COPY streamrec/datasets/__init__.py streamrec/datasets/file_options.py streamrec/datasets/workspace.py streamrec/datasets/
# What is compiled belongs to a processor and to files of a time: to any processor, and to whole seconds, which is all
# that an image keeps. Without it each process would compile for some seconds at its start.
ENV NUMBA_CPU_NAME=generic
RUN find streamrec -name '*.py' -exec touch --date=@1000000000 {} + \
    && python -c "from streamrec.serving.sources.warm_up import warm_up; warm_up()"
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "healthcheck.py", "http://127.0.0.1:8000/health/ready"]
CMD ["gunicorn", "--config=python:recommender_server.gunicorn_settings", "--bind=0.0.0.0:8000", "--worker-tmp-dir=/dev/shm"]

# Also runs initial_training.py and `python -m streamrec ...`, of which `history` is a service of its own.
FROM runtime AS trainer
COPY --from=trainer-packages /opt/venv /opt/venv
COPY models models/
COPY streamrec streamrec/
COPY initial_training.py incremental_training.py ./
ENV STREAMREC_TRAINER_HEALTH_ADDRESS=0.0.0.0:8200 \
    STREAMREC_HISTORY_HEALTH_ADDRESS=0.0.0.0:8200 \
    PIP_NO_CACHE_DIR=1
USER 10001:10001
EXPOSE 8200
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "healthcheck.py", "http://127.0.0.1:8200/health/ready"]
CMD ["python", "incremental_training.py"]

# The whole repository with everything that its tests need.
FROM trainer-packages AS tests
WORKDIR /app
# The MongoDB of the tests comes as a wheel, and wants libcurl from the system. Debian drops a version as soon as
# there is a newer one, so that a pinned one could not be installed for long.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libcurl4 \
    && rm -rf /var/lib/apt/lists/*
COPY requirements*.txt constraints.txt ./
COPY requirements requirements/
RUN /opt/venv/bin/pip install -r requirements-dev.txt -c constraints.txt \
    && groupadd --gid 10001 streamrec \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin streamrec \
    && chown streamrec:streamrec /app
COPY --chown=10001:10001 . .
ENV PATH=/opt/venv/bin:$PATH \
    OMP_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
HEALTHCHECK NONE
CMD ["python", "-m", "pytest", "-q"]
