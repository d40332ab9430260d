# Thin on purpose: course.py does the work, the same on every system (Windows: py course.py lab).
# Settings pass through: make test FULL=1 · make reset LESSON=04 · make lab ARGS="--port 8890"

# Any Python 3 will do here: course.py looks for one that fits among all there are.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c "" >/dev/null 2>&1 && echo "$$p" && break; done)
endif

help lab test reset teach notebooks site bench tables lock:
	$(if $(PYTHON),,$(error No Python was found. Install Python 3.12 from python.org, then run make again))
	@$(PYTHON) course.py $@ $(ARGS)

.PHONY: help lab test reset teach notebooks site bench tables lock
