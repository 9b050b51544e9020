# The bot in one image: wheels by the hashes of the lock file, then nothing but what runs.
# With DATABASE_URL, REDIS_URL and MILVUS_URI it keeps no data; without them its private servers keep it in the volume.

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /app
COPY pyproject.toml requirements.lock ./
# The lock also pins the tools of development; as a constraint it leaves them out, and a wheel without its hash is refused.
RUN python -m venv --without-pip .venv \
    && uv pip install --python .venv/bin/python --no-cache --compile-bytecode --only-binary :all: \
        --require-hashes --constraint requirements.lock --requirement pyproject.toml
COPY migrations migrations
COPY core core
COPY jobs jobs
COPY sim sim
COPY bot bot
RUN .venv/bin/python -m compileall -q migrations core jobs sim bot

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 stockpilot \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/stockpilot --shell /usr/sbin/nologin stockpilot
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/var/lib/stockpilot/matplotlib \
    APP_DATA_DIR=/var/lib/stockpilot/data \
    LOG_FILE=- \
    HTTP_PORT=8080
WORKDIR /app
USER 10001:10001
# Reading the fonts takes seconds; whoever starts from this image finds them read.
RUN python -W ignore -c "import matplotlib.font_manager"
VOLUME /var/lib/stockpilot
EXPOSE 8443
HEALTHCHECK --interval=1m --timeout=15s --start-period=2m --retries=3 CMD ["python", "-m", "bot", "check", "--quick"]
ENTRYPOINT ["python", "-m", "bot"]
