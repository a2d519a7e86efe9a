//! The filter's rules, by example.

use super::*;

fn filter(project_root: &str, cwd: &str) -> Filter {
    let surroundings = Surroundings {
        home: Some(Path::new("/home/u")),
        project_root: Some(Path::new(project_root)),
        cwd: Some(Path::new(cwd)),
        temp_dir: Some(Path::new("/scratch/tmp/")),
        environments: &[Path::new("/envs-of-mine/e")],
    };
    Filter::new(&surroundings, Classes::all())
}

fn check(filter: &Filter, expected: &[(&str, Option<Class>)]) {
    for (path, class) in expected {
        assert_eq!(filter.excludes(path.as_bytes()), *class, "{path}");
    }
}

const CACHE: Option<Class> = Some(Class::Cache);
const PACKAGE: Option<Class> = Some(Class::Package);
const TEMP: Option<Class> = Some(Class::Temp);
const SYSTEM: Option<Class> = Some(Class::System);

#[test]
fn each_class_knows_its_places() {
    check(
        &filter("/home/u/p", "/home/u/p"),
        &[
            ("/usr/bin/ls", SYSTEM),
            ("/lib/x86_64-linux-gnu/libc.so.6", SYSTEM),
            ("/lib64/ld-linux-x86-64.so.2", SYSTEM),
            ("/etc/passwd", SYSTEM),
            ("/opt/tool/x", SYSTEM),
            ("/var/lib/dpkg/status", SYSTEM),
            ("/nix/store/abc-bash/bin/bash", SYSTEM),
            ("/usr/lib/python3/dist-packages/yaml/__init__.py", PACKAGE),
            ("/home/u/miniconda3/envs/e/lib/libz.so", PACKAGE),
            ("/data/conda/envs/e/lib/libz.so", PACKAGE),
            ("/home/u/.cargo/registry/src/x/lib.rs", PACKAGE),
            ("/home/u/.rustup/toolchains/x/bin/rustc", PACKAGE),
            ("/home/u/go/pkg/mod/x/y.go", PACKAGE),
            ("/srv/app/node_modules/x/index.js", PACKAGE),
            ("/envs-of-mine/e/bin/tool", PACKAGE),
            ("/home/u/.cache/x", CACHE),
            ("/home/u/.nv/ComputeCache/x", CACHE),
            ("/srv/x/__pycache__/y.cpython-311.pyc", CACHE),
            ("/srv/x/y.pyc", CACHE),
            ("/tmp/x", TEMP),
            ("/var/tmp/x", TEMP),
            ("/dev/shm/x", TEMP),
            ("/scratch/tmp/x", TEMP),
        ],
    );
}

#[test]
fn what_only_looks_like_a_place_is_the_users() {
    check(
        &filter("/home/u/p", "/home/u/p"),
        &[
            ("/home/u/data.csv", None),
            ("/home/u/usr/bin/x", None),
            ("/usrdata/x", None),
            ("/tmpfiles/x", None),
            ("/home/other/.cache/x", None),
            ("/data/lib/x", None),
            ("/data/my-site-packages/x", None),
            ("/data/pkg/mod/x", None),
            ("/scratch/x", None),
            ("/mnt/x.gitignore", None),
            ("/opt/ml/input/data/train.csv", None),
        ],
    );
}

#[test]
fn a_project_keeps_its_files_wherever_it_is() {
    for root in
        ["/tmp/p", "/tmp", "/usr/src/app", "/opt/p", "/var/lib/jenkins/p", "/dev/shm/p", "/scratch/tmp/p"]
    {
        let file = format!("{root}/data/x.csv");
        check(&filter(root, root), &[(&file, None), ("/usr/bin/ls", SYSTEM), ("/var/tmp/x", TEMP)]);
        check(&filter("/home/u/p", root), &[(&file, None), ("/usr/bin/ls", SYSTEM), ("/var/tmp/x", TEMP)]);
    }
    check(&filter("/tmp/p", "/tmp/p"), &[("/tmp/q/x", TEMP), ("/tmp/px", TEMP)]);
}

#[test]
fn caches_packages_and_bookkeeping_within_a_project_are_left_out() {
    check(
        &filter("/tmp/p", "/tmp/p"),
        &[
            ("/tmp/p/.git/index", CACHE),
            ("/tmp/p/.git", CACHE),
            ("/tmp/p/sub/.git/HEAD", CACHE),
            ("/tmp/p/.roar/roar.db", CACHE),
            ("/tmp/p/.pytest_cache/x", CACHE),
            ("/tmp/p/a/__pycache__/x", CACHE),
            ("/tmp/p/.venv/pyvenv.cfg", PACKAGE),
            ("/tmp/p/env/lib/python3.11/site-packages/x.py", PACKAGE),
            ("/tmp/p/node_modules/x.js", PACKAGE),
            ("/tmp/p/.gitignore", None),
            ("/tmp/p/.github/workflows/x.yml", None),
        ],
    );
}

#[test]
fn a_project_within_a_cache_or_an_environment_keeps_its_files() {
    for root in ["/home/u/.cache/checkout", "/home/u/miniconda3/work/p", "/envs-of-mine/e/src/p"] {
        let path = |rest: &str| format!("{root}/{rest}");
        let filter = filter(root, root);
        check(&filter, &[(&path("x.csv"), None), (&path(".git/HEAD"), CACHE), (&path("y.pyc"), CACHE)]);
        check(&filter, &[("/home/u/.cache/other", CACHE), ("/home/u/miniconda3/lib/x", PACKAGE)]);
    }
}

#[test]
fn who_works_at_the_root_or_in_a_system_directory_does_not_own_it() {
    for dir in ["/", "/usr", "/usr/bin", "/etc", "/var", "/opt"] {
        check(
            &filter(dir, dir),
            &[("/usr/lib/x.so", SYSTEM), ("/etc/x", SYSTEM), ("/tmp/x", TEMP), ("/srv/x", None)],
        );
    }
    let at_home = filter("/home/u", "/home/u");
    check(
        &at_home,
        &[("/home/u/x", None), ("/home/u/.cache/x", CACHE), ("/home/u/.cargo/registry/x", PACKAGE)],
    );
}

#[test]
fn a_home_within_a_system_directory_is_the_users() {
    let surroundings = Surroundings { home: Some(Path::new("/var/lib/jenkins")), ..Surroundings::default() };
    let filter = Filter::new(&surroundings, Classes::all());
    check(
        &filter,
        &[("/var/lib/jenkins/x", None), ("/var/lib/jenkins/.cache/x", CACHE), ("/var/lib/dpkg/x", SYSTEM)],
    );
    let nowhere = Filter::new(&Surroundings { home: Some(Path::new("/")), ..surroundings }, Classes::all());
    check(&nowhere, &[("/usr/bin/x", SYSTEM), ("/.cache/x", CACHE)]);
}

#[test]
fn a_class_that_is_not_enabled_leaves_nothing_out_but_another_may() {
    let surroundings = Surroundings { home: Some(Path::new("/home/u")), ..Surroundings::default() };
    let without = |class: Class| {
        let enabled = Class::ALL.iter().copied().filter(|other| *other != class).collect();
        Filter::new(&surroundings, enabled)
    };
    check(&without(Class::Temp), &[("/tmp/x", None), ("/dev/shm/x", None), ("/usr/x", SYSTEM)]);
    check(&without(Class::Cache), &[("/home/u/.cache/x", None), ("/usr/lib/x.pyc", SYSTEM)]);
    check(
        &without(Class::Package),
        &[("/p/node_modules/x", None), ("/usr/lib/python3/dist-packages/x", SYSTEM)],
    );
    check(&without(Class::System), &[("/usr/lib/x", None), ("/usr/lib/python3/dist-packages/x", PACKAGE)]);
    let none = Filter::new(&surroundings, Classes::NONE);
    check(&none, &[("/usr/x", None), ("/tmp/x", None), ("/home/u/.cache/x", None)]);
}

#[test]
fn a_path_that_is_not_text_is_classified_as_any_other() {
    let filter = filter("/home/u/p", "/home/u/p");
    assert_eq!(filter.excludes(b"/usr/\xff"), SYSTEM);
    assert_eq!(filter.excludes(b"/srv/\xff/__pycache__/\xfe"), CACHE);
    assert_eq!(filter.excludes(b"/srv/\xff"), None);
    assert_eq!(filter.excludes(b""), None);
}

#[test]
fn every_rule_can_be_reached() {
    let filter =
        Filter::new(&Surroundings { home: Some(Path::new("/h")), ..Surroundings::default() }, Classes::all());
    for (prefix, class) in PREFIXES {
        let path = prefix.replace('~', "/h") + "/x";
        assert!(filter.classes(path.as_bytes()).contains(*class), "{path}");
    }
    for (pattern, class) in NAMES {
        let path = format!("/srv/{}/x", pattern.join("/").replace('*', "any"));
        assert!(filter.classes(path.as_bytes()).contains(*class), "{path}");
    }
}
