"""What pyarrow does with S3, which is C++ below a layer of Cython.

The methods of that layer are those that Python code calls, Ray Data's as well, so they are wrapped: `FileSystem.open_input_file` and
its like, what closes a file that is written, `Scanner` for what datasets read, and the function that writes datasets. Types of
Cython refuse to be changed, so it is their dictionaries that are. What C++ does by itself below other functions is not seen;
docs/objects.md lists it.
"""

import ctypes
import functools
import gc
import inspect
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

from roar import objects

# Heads of files that are asked for at a time: what a dataset reads may be a thousand files, and each answer takes some 30 ms.
HEADS = 16

# Set while roar itself asks.
own = threading.local()


def replace(kind, name, make):
    """Puts a function in place of a method of a type that may not be changed from Python."""
    method = getattr(kind, name)
    table = gc.get_referents(kind.__dict__)[0]
    made = functools.wraps(method)(make(method))
    table[name] = staticmethod(made) if isinstance(table.get(name), staticmethod) else made
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
    if getattr(kind, name) is not made:
        raise RuntimeError(f"{kind.__name__}.{name} cannot be replaced")


def install(fs):
    """Has files of `pyarrow.fs` told of."""
    if not hasattr(fs, "S3FileSystem"):
        return
    from pyarrow import lib

    Files.modules = fs
    Files.open = fs.FileSystem.open_input_file
    for name in ["open_input_file", "open_input_stream"]:
        replace(fs.FileSystem, name, opening(opened))
    for name in ["open_output_stream", "open_append_stream"]:
        replace(fs.FileSystem, name, opening(began))
    replace(lib.NativeFile, "close", closing)
    for name, is_move in [("copy_file", False), ("move", True)]:
        replace(fs.FileSystem, name, copying(is_move))
    for name, found in [("delete_file", itself), ("delete_dir", below), ("delete_dir_contents", below)]:
        replace(fs.FileSystem, name, deleting(found))


def install_datasets(dataset):
    """Has what `pyarrow.dataset` reads and writes told of."""
    if Files.modules is None:
        return
    for name in ["from_dataset", "from_fragment"]:
        replace(dataset.Scanner, name, scanning)
    dataset._filesystemdataset_write = writing_dataset(dataset._filesystemdataset_write)


class Files:
    """What of pyarrow is needed to look at objects."""

    modules = None
    open = None


class Place:
    """An object that is used by way of a file system of pyarrow."""

    def __init__(self, system, path):
        self.system, self.path = system, path
        self.bucket, _, self.key = path.partition("/")

    def tell(self, deed, known=(None, None, None)):
        objects.told(deed, self.bucket, self.key, endpoint_of(self.system), *known)

    def look(self):
        """Asks what is there now: version, ETag and length."""
        own.asks = True
        try:
            with Files.open(self.system, self.path) as file:
                return known_of(file)
        finally:
            own.asks = False


def place_of(system, path):
    """Returns the object that is meant, or None where it is none of S3."""
    fs = Files.modules
    if isinstance(path, fs.FileInfo):
        path = path.path
    while True:
        if isinstance(system, fs.SubTreeFileSystem):
            system, path = system.base_fs, system.base_path + path
        elif isinstance(system, fs.PyFileSystem):
            # One in Python around another, as Ray Data has it to try again: what is written through it is closed by C++.
            inner = [value for value in vars(system.handler).values() if isinstance(value, fs.FileSystem)]
            if len(inner) != 1:
                return None
            [system] = inner
        else:
            break
    return Place(system, path) if isinstance(system, fs.S3FileSystem) else None


@functools.lru_cache(maxsize=64)
def endpoint_of_options(scheme, override):
    return objects.endpoint_of(override if "//" in override else f"{scheme or 'https'}://{override}" if override else "")


def endpoint_of(system):
    options = system.__reduce__()[1][0]
    return endpoint_of_options(options.get("scheme"), options.get("endpoint_override") or "")


def known_of(file):
    """Returns version, ETag and length of an open file, which S3 told when it was opened."""
    said = {}
    for name, value in (file.metadata() or {}).items():
        name = name.decode() if isinstance(name, bytes) else name
        said[name] = value.decode() if isinstance(value, bytes) else value
    length = said.get("Content-Length")
    return said.get("VersionId") or None, said.get("ETag") or None, int(length) if length else None


def opening(tell):
    def change(method):
        def roar_open(self, path, *arguments, **options):
            file = method(self, path, *arguments, **options)
            if not getattr(own, "asks", False):
                tell(self, path, file)
            return file

        return roar_open

    return change


@objects.guarded
def opened(system, path, file):
    place = place_of(system, path)
    if place is not None:
        try:
            known = known_of(file)
        except Exception:
            # What is decompressed on the way says nothing of itself.
            known = place.look()
        place.tell("read", known)


# Files that are being written, each with its place.
written = weakref.WeakKeyDictionary()


@objects.guarded
def began(system, path, file):
    place = place_of(system, path)
    if place is not None:
        written[file] = place


def closing(method):
    def roar_close(self):
        place = written.pop(self, None) if written else None
        method(self)
        if place is not None:
            tell_all("write", [place])

    return roar_close


@objects.guarded
def tell_all(deed, places):
    """Tells of many objects, whose versions and ETags are asked for."""
    if len(places) == 1:
        places[0].tell(deed, looked(places[0]))
    elif places:
        with ThreadPoolExecutor(min(HEADS, len(places))) as pool:
            for place, known in zip(places, pool.map(looked, places)):
                place.tell(deed, known)


def looked(place):
    """Returns what is there now. An object that was done with and cannot be looked at was used all the same."""
    try:
        return place.look()
    except Exception:
        return None, None, None


def copying(is_move):
    def change(method):
        def roar_copy(self, source, destination):
            places = both(self, source, destination)
            known = looked(places[0]) if places else None
            method(self, source, destination)
            if places:
                copied(places, known)
                if is_move:
                    deleted(places[:1])

        return roar_copy

    return change


@objects.guarded
def both(system, source, destination):
    places = [place_of(system, path) for path in (source, destination)]
    return places if all(places) else None


@objects.guarded
def copied(places, known):
    places[0].tell("read", known)
    tell_all("write", places[1:])


def deleting(found):
    """Has the objects told of that `found` says are deleted, which it is asked before they are."""

    def change(method):
        def roar_delete(self, path, *arguments, **options):
            places = found(self, path)
            method(self, path, *arguments, **options)
            if places:
                deleted(places)

        return roar_delete

    return change


@objects.guarded
def itself(system, path):
    place = place_of(system, path)
    return [place] if place is not None else None


@objects.guarded
def below(system, path):
    """Returns the objects below a directory, which S3 does not know of."""
    place = place_of(system, path)
    if place is None:
        return None
    fs = Files.modules
    found = place.system.get_file_info(fs.FileSelector(place.path, recursive=True, allow_not_found=True))
    return [Place(place.system, info.path) for info in found if info.type == fs.FileType.File]


@objects.guarded
def deleted(places):
    for place in places:
        place.tell("delete")


def scanning(method):
    def roar_scan(source, *arguments, **options):
        scanner = method(source, *arguments, **options)
        scanned(source, options.get("filter"))
        return scanner

    return roar_scan


@objects.guarded
def scanned(source, wanted):
    places = []
    for fragment in fragments_of(source, wanted):
        path = getattr(fragment, "path", None)
        place = place_of(fragment.filesystem, path) if path else None
        if place is not None:
            places.append(place)
    tell_all("read", places)


def fragments_of(source, wanted):
    """Returns what a scan takes from: of a dataset, those of its files that its partitions do not rule out."""
    if not hasattr(source, "get_fragments"):
        return [source]
    if not all(child is not None for child in getattr(source, "children", None) or []):
        return []
    return source.get_fragments(wanted)


def writing_dataset(function):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def roar_write(*arguments, **options):
        paths, system = [], None
        visited = with_visitor(signature, arguments, options, paths)
        if visited is not None:
            arguments, options, system = visited
        result = function(*arguments, **options)
        if paths:
            wrote(system, paths)
        return result

    return roar_write


@objects.guarded
def with_visitor(signature, arguments, options, paths):
    """Has the paths of files that are written put into a list, beside what the caller wants done with each."""
    asked = signature.bind(*arguments, **options)
    system, visitor = asked.arguments["filesystem"], asked.arguments.get("file_visitor")
    if place_of(system, "") is None:
        return None

    def roar_visit(file):
        paths.append(file.path)
        if visitor is not None:
            visitor(file)

    asked.arguments["file_visitor"] = roar_visit
    return asked.args, asked.kwargs, system


@objects.guarded
def wrote(system, paths):
    tell_all("write", [place_of(system, path) for path in paths])
