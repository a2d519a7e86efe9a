"""Tables and arrays, read and written in the ways that pandas, pyarrow and numpy have."""

import numpy
import pandas
import pyarrow
import pyarrow.feather
import pyarrow.parquet

frame = pandas.read_csv("in.csv")
frame["c"] = frame["a"] * 2
frame.to_parquet("out.parquet")
table = pyarrow.parquet.read_table("out.parquet")
pyarrow.feather.write_feather(table, "out.feather")
print(pyarrow.ipc.open_file(pyarrow.memory_map("out.feather")).read_all().num_rows)
numpy.save("out.npy", frame[["a", "b"]].to_numpy())
array = numpy.load("out.npy", mmap_mode="r")
print(array.sum())
numpy.savez("out.npz", a=array)
mapped = numpy.memmap("out.map", dtype="float64", mode="w+", shape=(100,))
mapped[:] = 1
mapped.flush()
