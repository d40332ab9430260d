# Grading in a container without network: see INSTRUCTORS.md.
#   docker build -t deblurring -f grading.Dockerfile .
#   docker run --rm --network none --memory 8g --pids-limit 2048 --user "$(id -u):$(id -g)" -v "$PWD/../CLASSROOM:/class" deblurring grade /class 04
FROM python:3.12-slim
COPY requirements-test.lock /course/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r /course/requirements-test.lock
COPY . /course
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable /course && useradd --uid 1000 grader
USER 1000
WORKDIR /class
ENTRYPOINT ["deblur-course"]
