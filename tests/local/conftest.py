"""Programs of these tests that other Pythons run."""

collect_ignore = ["container.py", "sam_containers.py"]
