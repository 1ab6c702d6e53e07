# `nmt serve` in a container, on CPUs, without root and without a writable file system. docs/tutorials/in-production.md
# says how to build and run it. FROM and COPY aside, every step can be typed into a shell of Debian.

FROM python:3.11-slim AS build
# The address behind --index-url that PyTorch's page shows for CPUs; without it pip fetches PyTorch for CUDA.
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python3 -m venv /opt/nmt
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY nmt nmt
RUN /opt/nmt/bin/python -m pip install --constraint constraints.txt ".[serve,sentences]"

FROM python:3.11-slim
COPY --from=build /opt/nmt /opt/nmt
ENV PATH=/opt/nmt/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /
# A number and no name, so that the system needs no entry for it.
USER 10001
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["nmt"]
CMD ["serve", "/model", "--host", "0.0.0.0", "--port", "5000", "--api-key-file", "/run/secrets/nmt-keys"]
