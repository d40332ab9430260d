"""Belongs in /etc/jupyter: where teachers and students of this machine exchange files."""

c = get_config()
c.CourseDirectory.course_id = "deblurring"
c.Exchange.root = "/srv/nbgrader/exchange"
