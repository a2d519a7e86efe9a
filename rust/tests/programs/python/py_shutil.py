"""copy, copy2, copytree, move, rmtree."""

import shutil

shutil.copy("a", "copied")
shutil.copy2("a", "dir")
shutil.copytree("tree", "tree2")
shutil.move("b", "dir/moved")
shutil.rmtree("old")
