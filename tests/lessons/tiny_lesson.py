# %% [markdown]
# # 03 · Tiny

# %%
import os
from pathlib import Path

from course_lib import checks, photos

print(Path.cwd().name, os.environ["COURSE_SIZE"], photos.names()[0] != "")

# %% nbgrader={"grade_id": "count", "solution": true}
def count(c_in, c_out, k):
    ### BEGIN SOLUTION: return weights plus biases, as in "equation (2)"
    return c_out * (c_in * k**2 + 1)
    ### END SOLUTION

# %% nbgrader={"grade_id": "count-test", "grade": true, "points": 3}
checks.compare_number(count, 3, 64, 7, expected=9472, source="equation (2)")
### BEGIN HIDDEN TESTS
checks.compare_number(count, 3, 3, 7, expected=444, source="equation (2)")
### END HIDDEN TESTS
checks.passed("count agrees with equation (2).")

# %% nbgrader={"grade_id": "total", "solution": true}
total = None
### BEGIN SOLUTION
total = 1
### END SOLUTION

# %% nbgrader={"grade_id": "total-test", "grade": true, "points": 2}
assert total == 1, "total is not 1"

# %% [markdown]
# Why one bias for each output channel?

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "solution": true, "points": 4}
# ### BEGIN SOLUTION
# The model answer.
# ### END SOLUTION
#
# ### BEGIN MARK SCHEME
# The marking scheme.
# ### END MARK SCHEME
