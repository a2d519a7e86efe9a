"""Drives the page that `roar dag --html` writes in headless Chromium: search, zoom, pan, panel, light and dark.

    check.py ROAR FOLDER [SCREENSHOT]    with the program ROAR, in FOLDER, which is made anew

What is expected is what the steps below do, not what roar recorded.
"""

import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import time

from playwright.sync_api import expect, sync_playwright

ROAR, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SCREENSHOT = pathlib.Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]

HOSTILE = "</script><img src=x onerror=document.title='broken'>.txt"
EXAMPLE = [
    ["sh", "-c", "seq 1 200 | awk '{print $1 \",\" ($1*7)%13}' > raw.csv"],
    ["sh", "-c", "grep -v ',0$' raw.csv > clean.csv"],
    ["sh", "-c", "mkdir -p parts; split -l 12 clean.csv parts/part-"],
    ["sh", "-c", "cat parts/* | sort -t, -k2 -n > features.csv"],
    ["sh", "-c", "head -150 features.csv > train.csv; tail -n +151 features.csv > test.csv"],
    ["sh", "-c", "awk -F, '{s+=$2} END {print s/NR}' train.csv > model.txt"],
    ["sh", "-c", "cat model.txt test.csv | cksum > metrics.txt"],
    ["sh", "-c", "cat metrics.txt model.txt > report.md"],
    ["sh", "-c", "echo tuned >> model.txt"],
    ["sh", "-c", "exit 3"],
]


def call(*command, folder):
    environment = {**os.environ, "ROAR_TRACER_MODE": "ptrace", "HOME": str(FOLDER)}
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


def project(name, steps):
    folder = FOLDER / name
    folder.mkdir(parents=True)
    call(ROAR, "init", "-n", folder=folder)
    for step in steps:
        call(ROAR, "run", "-q", *step, folder=folder)
    call(ROAR, "dag", "--html", "dag.html", folder=folder)
    return (folder / "dag.html").as_uri()


def large(jobs):
    """A page of one recorded job, copied many times in the database: each takes what two before it made, twenty to sixty jobs ago."""
    folder = FOLDER / "large"
    folder.mkdir(parents=True)
    call(ROAR, "init", "-n", folder=folder)
    (folder / "in").write_text("x")
    call(ROAR, "run", "-q", "cp", "in", "out", folder=folder)
    conn = sqlite3.connect(folder / ".roar/roar.db")
    columns = [row[1] for row in conn.execute("PRAGMA table_info(job)")]
    rest = ", ".join(name for name in columns if name not in ("id", "uuid", "step", "command"))
    files = [row[1] for row in conn.execute("PRAGMA table_info(job_file)")]
    kept = [name for name in files if not name.endswith(("_job", "_seq")) and name not in ("job", "seq", "path", "artifact")]
    [(read, write)] = conn.execute(
        "SELECT (SELECT seq FROM job_file WHERE role = 0 AND NOT is_filtered),"
        " (SELECT seq FROM job_file WHERE role = 1 AND NOT is_filtered)"
    )
    for job in range(2, jobs + 1):
        conn.execute(
            f"INSERT INTO job (id, uuid, step, command, {rest})"
            f" SELECT ?1, ?2, ?1, ?3, {rest} FROM job WHERE id = 1",
            (job, f"00000000-0000-7000-8000-{job:012}", f"make\0{job}\0".encode()),
        )
        path = conn.execute("INSERT INTO path (path) VALUES (?)", (f"/large/file-{job}".encode(),)).lastrowid
        hashed = conn.execute(
            "INSERT INTO artifact (hash, algorithm, kind, size_bytes) VALUES (?, 'blake3', 0, 1)", (job.to_bytes(32),)
        ).lastrowid
        rows = [(write, path, hashed)]
        for back in (20 + job * 7 % 40, 20 + job * 11 % 40):
            earlier = conn.execute(
                "SELECT path, artifact FROM job_file WHERE job = ? AND role = 1 AND NOT is_filtered", (max(1, job - back),)
            ).fetchone()
            rows.append((read, *earlier))
        for seq, (like, path, artifact) in enumerate(rows):
            conn.execute(
                f"INSERT OR IGNORE INTO job_file (job, seq, path, artifact, {', '.join(kept)})"
                f" SELECT ?, ?, ?, ?, {', '.join(kept)} FROM job_file WHERE job = 1 AND seq = ?",
                (job, seq, path, artifact, like),
            )
    conn.commit()
    conn.close()
    began = time.monotonic()
    call(ROAR, "dag", "--html", "dag.html", folder=folder)
    return (folder / "dag.html").as_uri(), time.monotonic() - began


def opened(browser, address, **options):
    page = browser.new_page(viewport={"width": 1280, "height": 760}, **options)
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.problems.append(request.url) if request.url != address else None)
    page.goto(address)
    expect(page.locator("body[data-ready=yes]")).to_be_attached()
    return page


def node(page, name):
    return page.locator(f'.node[data-name="{name}"]')


def file_node(page, path):
    return page.locator(".node.file", has=page.locator("text.first", has_text=re.compile(f"^{re.escape(path)}$")))


def scene(page):
    """Where the drawing stands: across, down, and how large."""
    transform = page.locator("#scene").get_attribute("transform")
    return [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", transform)]


def searches(page):
    query, found = page.locator("#query"), page.locator("#found")
    page.keyboard.press("/")
    expect(query).to_be_focused()
    query.fill("model.txt")
    expect(found).to_have_text(re.compile(r"^\d+ matches$"))
    # Two versions of the file, and the five steps that name it.
    expect(page.locator(".node.match")).to_have_count(6)
    query.press("Enter")
    expect(found).to_have_text("1 of 6")
    expect(page.locator(".node.at")).to_have_count(1)
    expect(page.locator("#panel")).to_be_visible()
    query.fill("no such thing")
    expect(found).to_have_text("nothing")
    query.press("Escape")
    expect(query).to_have_value("")
    expect(page.locator(".node.match")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def zooms_and_pans(page):
    page.locator("#fit").click()
    begin = scene(page)
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -400)
    near = scene(page)
    assert near[2] > begin[2] * 1.5, (begin, near)
    # What is below the pointer stays there.
    corner = page.locator("#drawing").bounding_box()
    below = [((400 - corner["x"] - s[0]) / s[2], (400 - corner["y"] - s[1]) / s[2]) for s in (begin, near)]
    assert all(abs(a - b) < 0.5 for a, b in zip(*below)), below
    page.mouse.down()
    page.mouse.move(520, 330, steps=4)
    page.mouse.up()
    moved = scene(page)
    assert abs(moved[0] - near[0] - 120) < 1 and abs(moved[1] - near[1] + 70) < 1, (near, moved)
    expect(page.locator("#panel")).to_be_hidden()
    page.locator("#in").click()
    assert scene(page)[2] > moved[2]
    page.locator("#drawing").focus()
    page.keyboard.press("0")
    assert scene(page) == begin


def shows_panels(page):
    node(page, "@6").click()
    facts = page.locator("#facts")
    expect(page.locator("#heading")).to_contain_text("@6")
    expect(facts).to_contain_text("awk -F, '\\''{s+=$2} END {print s/NR}'\\'' train.csv > model.txt")
    expect(facts).to_contain_text("ptrace")
    expect(page.locator("#before li")).to_have_text(["train.csv"])
    expect(page.locator("#after li")).to_have_text(["model.txt"])
    assert page.url.endswith("#%406")
    page.locator("#after li button").click()
    expect(page.locator("#heading")).to_contain_text("model.txt")
    expect(page.locator("#before li")).to_have_text([re.compile("^@6 ")])
    expect(page.locator("#after li")).to_have_count(3)
    expect(facts).to_contain_text(re.compile(r"hash[0-9a-f]{64}"))
    page.locator("#close").click()
    page.locator("#fit").click()
    page.locator(".node.files").click()
    expect(page.locator("#heading")).to_contain_text(re.compile(r"\d+ files"))
    expect(page.locator("#members li").first).to_have_text("parts/part-aa")
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def has_two_themes(page):
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")
    first = ground()
    page.locator("#theme").click()
    assert ground() != first
    page.locator("#theme").click()
    assert ground() == first


def check_example(browser):
    address = project("example", EXAMPLE)
    page = opened(browser, address)
    expect(page.locator("#summary")).to_have_text(re.compile(r"^10 steps, \d+ file versions$"))
    expect(page.locator(".node.job")).to_have_count(10)
    expect(node(page, "@10")).to_contain_text("failed")
    for check in (searches, zooms_and_pans, shows_panels, has_two_themes):
        check(page)
        print(f"{check.__name__}: passed", flush=True)
    assert not page.problems, page.problems
    linked = opened(browser, f"{address}#%403", color_scheme="dark")
    expect(linked.locator("#heading")).to_contain_text("@3")
    assert linked.evaluate("document.documentElement.dataset.theme") == "dark"
    if SCREENSHOT:
        shown = opened(browser, f"{address}#%406")
        shown.locator("#query").fill("model.txt")
        shown.screenshot(path=SCREENSHOT)
        dark = opened(browser, f"{address}#%406", color_scheme="dark")
        dark.locator("#fit").click()
        dark.screenshot(path=SCREENSHOT.with_stem(SCREENSHOT.stem + "-dark"))


def check_hostile(browser):
    steps = [["sh", "-c", "mkdir '<'; touch \"$0\"", HOSTILE], ["sh", "-c", "echo > \"$(printf 'bad\\377\\n')x\"; : '</script>{{DATA}}\"'"]]
    page = opened(browser, project("hostile", steps))
    assert page.title() == "Lineage · roar"
    expect(page.locator(".node.job")).to_have_count(2)
    page.locator("#query").fill("onerror")
    expect(page.locator("#found")).to_have_text("2 matches")
    assert not page.problems and page.locator("img").count() == 0, page.problems
    print("hostile names: passed", flush=True)


def check_large(browser):
    address, seconds = large(1000)
    began = time.monotonic()
    page = opened(browser, address)
    nodes = page.locator(".node").count()
    print(f"large: {nodes} nodes, written in {seconds:.1f} s, drawn in {time.monotonic() - began:.1f} s", flush=True)
    assert nodes >= 2000
    frames = page.evaluate(
        """async () => {
            const began = performance.now();
            for (let frame = 0; frame < 20; frame++) { zoom(frame < 10 ? 1.3 : 1 / 1.3); await new Promise(requestAnimationFrame); }
            return (performance.now() - began) / 20;
        }"""
    )
    print(f"large: {frames:.0f} ms a step of zoom", flush=True)
    page.locator("#query").fill("file-777")
    expect(page.locator("#found")).to_have_text(re.compile("match"))
    page.locator("#query").press("Enter")
    expect(page.locator("#panel")).to_be_visible()
    if SCREENSHOT:
        page.locator("#close").click()
        page.locator("#fit").click()
        page.screenshot(path=FOLDER / "large.png")


shutil.rmtree(FOLDER, ignore_errors=True)
chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
assert chromium, "no Chromium: `apt-get install chromium`"
with sync_playwright() as playwright:
    options = {"executable_path": chromium, "headless": True, "args": FLAGS}
    context = playwright.chromium.launch(**options)
    try:
        check_example(context)
        check_hostile(context)
        check_large(context)
    finally:
        context.close()
