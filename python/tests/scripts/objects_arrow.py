"""Objects by way of pyarrow, s3fs and pandas: objects_arrow.py BUCKET WAY."""

import os
import sys

import pandas
import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet

BUCKET, WAY = sys.argv[1:]
TABLE = pyarrow.table({"a": [1, 2, 3, 4], "p": ["x", "x", "y", "y"]})


def files():
    s3 = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    with s3.open_input_stream(f"{BUCKET}/in/whole") as file:
        file.read()
    with s3.open_output_stream(f"{BUCKET}/out/stream") as file:
        file.write(b"stream")
    s3.get_file_info(f"{BUCKET}/in/head")
    sub = pyarrow.fs.SubTreeFileSystem(f"{BUCKET}/in", s3)
    sub.open_input_file("ranges").read_at(2, 1)
    s3.copy_file(f"{BUCKET}/in/copied", f"{BUCKET}/out/copy")
    s3.delete_file(f"{BUCKET}/in/deleted")
    try:
        s3.open_input_stream(f"{BUCKET}/in/missing")
    except FileNotFoundError:
        return
    raise AssertionError("it should fail")


def parquet():
    s3 = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    pyarrow.parquet.write_table(TABLE, f"{BUCKET}/out/one.parquet", filesystem=s3)
    pyarrow.parquet.read_table(f"{BUCKET}/in/one.parquet", filesystem=s3)
    pyarrow.parquet.ParquetFile(f"{BUCKET}/in/two.parquet", filesystem=s3).read()


def dataset():
    s3 = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
    seen = []
    pyarrow.dataset.write_dataset(
        TABLE,
        f"{BUCKET}/out/set",
        filesystem=s3,
        format="parquet",
        partitioning=["p"],
        file_visitor=lambda file: seen.append(file.path),
    )
    assert len(seen) == 2, seen
    whole = pyarrow.dataset.dataset(f"{BUCKET}/in/set", filesystem=s3, partitioning=["p"])
    assert whole.to_table(filter=pyarrow.dataset.field("p") == "x").num_rows == 2


def s3fs():
    import s3fs

    system = s3fs.S3FileSystem()
    with system.open(f"{BUCKET}/in/whole") as file:
        file.read()
    with system.open(f"{BUCKET}/out/stream", "wb", block_size=5 << 20) as file:
        file.write(b"x" * (6 << 20))
    system.rm(f"{BUCKET}/in/deleted")
    pandas.read_csv(f"s3://{BUCKET}/in/table.csv").to_csv(f"s3://{BUCKET}/out/table.csv")


{"files": files, "parquet": parquet, "dataset": dataset, "s3fs": s3fs}[WAY]()
