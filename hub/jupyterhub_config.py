"""An example for JupyterHub on one machine with this course in /opt/deblurring: see INSTRUCTORS.md.

As it stands, it answers only this machine. For a class, put a web server with HTTPS in front of it, as JupyterHub's documentation says.
"""

TEACHERS = {"teacher"}
STUDENTS = {"ada"}

c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.authenticator_class = "pam"            # the system's users and their passwords
c.Authenticator.allowed_users = TEACHERS | STUDENTS
c.Spawner.cmd = ["/opt/deblurring/.venv/bin/jupyterhub-singleuser"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {       # keeps the teachers' entries out of the students' menus
    "JUPYTER_CONFIG_PATH": lambda spawner: "" if spawner.user.name in TEACHERS else "/opt/deblurring/hub/student"}
