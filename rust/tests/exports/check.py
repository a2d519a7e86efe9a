"""Makes a project, has `roar export` write its lineage, and judges each format by its own library, schema or program.

    check.py ROAR FOLDER    with the program ROAR, in FOLDER, which is made anew

What roar recorded is not asked: the project's files and hashlib are the truth.
"""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

ROAR, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
PROJECT = FOLDER / "project"

# Names that every format has to get over: signs of shells, make, YAML, JSON and HTML, and bytes that are no text.
ODD = 'odd name=$x #1: a&b ${HOME}.txt'
STEPS = [
    (".", "grep -v ',$' raw.csv | sort > clean.csv"),
    ("sub", "wc -l < ../clean.csv > 'odd name=$x #1: a&b ${HOME}.txt'; echo '</script>' > \"$(printf 'bad\\377')\""),
    (".", "cat clean.csv sub/odd* > model.txt\n# a comment in a script of two lines\n"),
    (".", "echo more >> model.txt"),
    (".", "cat sub/bad* > /dev/null; cksum model.txt clean.csv > 'report \"1\".txt'"),
]
SOURCES = {"raw.csv"}
SORTED = "sorted 'again'.csv"
MADE = [SORTED, "clean.csv", "model.txt", 'report "1".txt', f"sub/{ODD}"]
DOCUMENTS = {
    "prov": "prov.json",
    "openlineage": "openlineage.ndjson",
    "in-toto": "in-toto.json",
    "cyclonedx": "cyclonedx.json",
    "ro-crate": "project/ro-crate-metadata.json",
}


def call(*command, folder=PROJECT, **variables):
    """Runs a command, and returns what it prints."""
    environment = {**os.environ, "ROAR_TRACER_MODE": "ptrace", "HOME": str(FOLDER), **variables}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    assert result.returncode == 0, f"{command}: {result.returncode}\n{result.stderr.decode(errors='replace')}"
    return result.stdout.decode()


def make_project():
    shutil.rmtree(FOLDER, ignore_errors=True)
    (PROJECT / "sub").mkdir(parents=True)
    (PROJECT / "raw.csv").write_text("b,2\na,1\nc,\n")
    for line in ["init -q", "remote add origin https://example.org/project.git"]:
        call("git", *line.split())
    call("git", "-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-q", "--allow-empty", "-m", "first")
    call(ROAR, "init", "-n")
    call(ROAR, "env", "--record", "SEED")
    for folder, script in STEPS:
        call(ROAR, "run", "-q", "sh", "-c", script, folder=PROJECT / folder, SEED="7 '")
    # The caller's shell opens files for a command, too.
    line = f"'{ROAR}' run -q sort -r < ../clean.csv > \"../{SORTED}\" 2>&1"
    call("sh", "-c", line, folder=PROJECT / "sub")
    for form, name in DOCUMENTS.items():
        call(ROAR, "export", "model.txt", "--format", form, "-o", FOLDER / name)
    call(ROAR, "run", "-q", "cat", SORTED, 'report "1".txt')


def load(name):
    return json.loads((FOLDER / name).read_text())


def sha256(name, folder=PROJECT):
    return hashlib.sha256((folder / name).read_bytes()).hexdigest()


def emptied(name):
    """Returns a copy of the project that has nothing but its sources."""
    copy = FOLDER / name
    (copy / "sub").mkdir(parents=True)
    for source in SOURCES:
        shutil.copy(PROJECT / source, copy)
    return copy


def all_is_made_again(folder):
    differing = [name for name in MADE if sha256(name) != sha256(name, folder)]
    assert not differing, differing


def prov():
    from prov.model import ProvActivity, ProvDocument, ProvEntity

    document = ProvDocument.deserialize(str(FOLDER / "prov.json"))
    again = ProvDocument.deserialize(content=document.serialize())
    assert document == again, "it does not come back the same"
    document.get_provn()
    jobs = list(document.get_records(ProvActivity))
    assert jobs and all(job.get_startTime() <= job.get_endTime() for job in jobs)
    names = {record.label for record in document.get_records(ProvEntity)}
    assert {"raw.csv", "clean.csv", "model.txt"} <= names, names


def serve_context():
    """Answers for w3id.org, which tests must not need: the library brings the context of a later version, with the same terms."""
    import requests
    import rocrate

    context = (pathlib.Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes()

    def send(_session, request, **_options):
        if request.url != "https://w3id.org/ro/crate/1.1/context":
            raise requests.ConnectionError(f"{request.url}: tests have no network")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers["Content-Type"] = "application/ld+json"
        response._content = context
        return response

    requests.Session.send = send


def ro_crate():
    from rocrate.rocrate import ROCrate
    from rocrate_validator import models, services

    serve_context()
    settings = services.ValidationSettings(
        rocrate_uri=str(PROJECT),
        profile_identifier="process-run-crate",
        requirement_severity=models.Severity.REQUIRED,
        no_cache=True,
    )
    result = services.validate(settings)
    issues = [f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()]
    assert not issues, "\n".join(issues)
    crate = ROCrate(str(PROJECT))
    files = {entity.id: entity for entity in crate.data_entities}
    assert files["model.txt"]["sha256"] == sha256("model.txt")
    actions = [entity for entity in crate.contextual_entities if entity.type == "CreateAction"]
    ids = {"model.txt"}
    # From action to action, back to what nobody made.
    while made_from := {
        thing.id for action in actions if ids & {thing.id for thing in action["result"]} for thing in action["object"]
    } - ids:
        ids |= made_from
    assert {"raw.csv", "clean.csv"} <= ids, ids


def openlineage():
    import importlib
    import pkgutil

    import attr
    from openlineage.client import event_v2, generated

    facets = {}
    for module in pkgutil.iter_modules(generated.__path__):
        module = importlib.import_module(f"openlineage.client.generated.{module.name}")
        for kind in vars(module).values():
            if attr.has(kind) and hasattr(kind, "_get_schema"):
                facets[kind._get_schema()] = kind

    def made(fields):
        """Makes the facets of a map by the types that they say they are of."""
        result = {}
        for name, given in fields.items():
            kind = facets[given["_schemaURL"]]
            known = {field.name for field in attr.fields(kind)}
            data = {key: value for key, value in given.items() if not key.startswith("_")}
            assert set(data) <= known, f"{name}: {set(data) - known} unknown to {kind.__name__}"
            result[name] = kind(**data)
        return result

    def dataset(kind, given, own):
        data = {"namespace": given["namespace"], "name": given["name"], "facets": made(given["facets"])}
        return kind(**data, **({own: made(given[own])} if own in given else {}))

    lines = (FOLDER / "openlineage.ndjson").read_text().splitlines()
    for event in map(json.loads, lines):
        assert facets[event["schemaURL"]] is event_v2.RunEvent
        event_v2.RunEvent(
            eventType=event_v2.RunState[event["eventType"]],
            eventTime=event["eventTime"],
            producer=event["producer"],
            run=event_v2.Run(runId=event["run"]["runId"], facets=made(event["run"]["facets"])),
            job=event_v2.Job(**{**event["job"], "facets": made(event["job"]["facets"])}),
            inputs=[dataset(event_v2.InputDataset, given, "inputFacets") for given in event["inputs"]],
            outputs=[dataset(event_v2.OutputDataset, given, "outputFacets") for given in event["outputs"]],
        )
    made_files = {output["name"] for line in lines for output in json.loads(line)["outputs"]}
    assert str(PROJECT / "model.txt") in made_files, made_files


def in_toto():
    import in_toto_attestation.predicates.provenance.v1.provenance_pb2 as provenance
    from google.protobuf import json_format
    from in_toto_attestation.v1 import resource_descriptor_pb2 as descriptors
    from in_toto_attestation.v1.statement import Statement

    given = load("in-toto.json")
    subjects = [json_format.ParseDict(subject, descriptors.ResourceDescriptor()) for subject in given["subject"]]
    assert given["_type"] == "https://in-toto.io/Statement/v1"
    Statement(subjects, given["predicateType"], given["predicate"]).validate()
    # A field that the predicate does not know is refused.
    predicate = json_format.ParseDict(given["predicate"], provenance.Provenance())
    assert given["predicateType"] == "https://slsa.dev/provenance/v1"
    assert predicate.build_definition.build_type and predicate.run_details.builder.id
    assert [(subject.name, subject.digest["sha256"]) for subject in subjects] == [("model.txt", sha256("model.txt"))]
    sources = {dependency.name: dict(dependency.digest) for dependency in predicate.build_definition.resolved_dependencies}
    assert sources["raw.csv"]["sha256"] == sha256("raw.csv")


def cyclonedx():
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (FOLDER / "cyclonedx.json").read_text()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, error
    given = json.loads(text)
    refs = {component["bom-ref"] for component in given["components"]} | {given["metadata"]["component"]["bom-ref"]}
    for dependency in given["dependencies"]:
        assert {dependency["ref"], *dependency["dependsOn"]} <= refs
    hashes = {hash["alg"]: hash["content"] for hash in given["metadata"]["component"]["hashes"]}
    assert hashes["SHA-256"] == sha256("model.txt")


def sent_events():
    """A server as Marquez is one."""
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], self.headers["Authorization"], json.loads(body)))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    call(ROAR, "export", "model.txt", "--format", "openlineage", "--url", url, OPENLINEAGE_API_KEY="secret")
    server.shutdown()
    assert {tuple(heads) for *heads, _ in received} == {("/api/v1/lineage", "application/json", "Bearer secret")}
    lines = (FOLDER / "openlineage.ndjson").read_text().splitlines()
    assert [event for *_, event in received] == [json.loads(line) for line in lines]


def make():
    copy = emptied("make")
    call(ROAR, "export", "@last", "--format", "make", "-o", copy / "Makefile")
    call("make", folder=copy)
    all_is_made_again(copy)


def dvc():
    copy = emptied("dvc")
    call(ROAR, "export", "@last", "--format", "dvc", "-o", copy / "dvc.yaml")
    program = pathlib.Path(sys.executable).with_name("dvc")
    quiet = {"DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(FOLDER), "DVC_SITE_CACHE_DIR": str(FOLDER)}
    call(program, "init", "--no-scm", "--quiet", folder=copy, **quiet)
    call(program, "repro", "--quiet", folder=copy, **quiet)
    all_is_made_again(copy)


def dot():
    """The grammar as pydot has it: a name that ended its text would be an error."""
    import pydot

    [graph] = pydot.graph_from_dot_data(call(ROAR, "dag", "--dot"))
    assert len(graph.get_edges()) >= len(STEPS)


CHECKS = [prov, ro_crate, openlineage, sent_events, in_toto, cyclonedx, make, dvc, dot]

make_project()
for check in CHECKS:
    check()
    print(f"{check.__name__}: accepted", flush=True)
