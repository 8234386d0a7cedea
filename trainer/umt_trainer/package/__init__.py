"""From an instrument of the user's to a package that others can install."""

from umt_trainer.package.licences import spdx_expression
from umt_trainer.package.origin import Origin, origin_of
from umt_trainer.package.project import Project, write_project

__all__ = ["Origin", "Project", "origin_of", "spdx_expression", "write_project"]
