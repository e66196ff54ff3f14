"""Packed graph -> a page that runs it in a browser, or a package for pages of one's own."""

from xnorkit.targets.web.module import engine_module
from xnorkit.targets.web.node import node_version, outputs_in_node
from xnorkit.targets.web.package import package_files
from xnorkit.targets.web.page import page

__all__ = ["engine_module", "node_version", "outputs_in_node", "package_files", "page"]
