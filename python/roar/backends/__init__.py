"""Runners that do many tasks in one process: what tells roar which task it was."""
