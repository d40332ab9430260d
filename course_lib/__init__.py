"""Support library of the course: import its modules one by one, `from course_lib import parameters`.

Importing the package costs nothing: TensorFlow starts only with the modules that need it.
"""

__version__ = "0.1.0"
