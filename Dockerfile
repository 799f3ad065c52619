# The hosted form, as docs/hosting.md describes it. `.ci/space` does these steps without Docker.
FROM python:3.12-slim

# Spaces run as user 1000. Its home is the only place that the app writes to, unless settings name another, as /data.
RUN useradd --create-home --uid 1000 user

WORKDIR /app

# What changes least comes first, so that a new version of the app does not install everything again.
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt

COPY data data
COPY docs/validity.md docs/
COPY .streamlit .streamlit
COPY app.py LICENSE ./
COPY pages pages
COPY dissection dissection
# The app can't write where it stands, so that it would compile its modules at each start.
RUN python -m compileall -q app.py pages dissection

USER 1000
# No compiler is there: without a word, PyMC would look for one at each start.
ENV HOME=/home/user PYTHONUNBUFFERED=1 PYTENSOR_FLAGS=cxx=

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "-c", "import os; from urllib.request import urlopen; from dissection.serve import health_address; urlopen(health_address(os.environ), timeout=4)"]
CMD ["python", "-m", "dissection.serve"]
