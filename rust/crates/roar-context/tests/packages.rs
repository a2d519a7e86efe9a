//! `find_owners` on file systems made by hand.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helper functions may fail the test")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use roar_context::{Manager, NoPackageCache, Owners, Package, PackageCache, find_owners};
use tempfile::TempDir;
use tracer_schema::FileStamp;

struct World {
    root: TempDir,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let world = Self { root: TempDir::new().unwrap() };
        for (path, text) in files {
            world.write(path, text);
        }
        world
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn owners(&self, paths: &[&str], cache: &dyn PackageCache) -> Vec<Owners> {
        let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
        find_owners(&paths, self.root.path(), cache)
    }

    /// Returns `name version architecture` of the Debian package, empty where there is none.
    fn debian(&self, path: &str) -> String {
        let owner = self.owners(&[path], &NoPackageCache).remove(0).debian;
        owner
            .map(|package| {
                assert_eq!(package.manager, Manager::Debian);
                format!("{} {} {}", package.name, package.version, package.architecture.unwrap_or_default())
            })
            .unwrap_or_default()
    }

    /// Returns `name version` of the Python distribution, empty where there is none.
    fn python(&self, path: &str) -> String {
        let owner = self.owners(&[path], &NoPackageCache).remove(0).python;
        owner
            .map(|package| {
                assert_eq!((package.manager, package.architecture), (Manager::Python, None));
                format!("{} {}", package.name, package.version)
            })
            .unwrap_or_default()
    }
}

const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nDepends: x\n\
    Version: 5.2-1\nDescription: a shell\n Package: not a field\n\n\
    Package: libc6\nArchitecture: i386\nVersion: 2.41-1+i\n\nPackage: libc6\nArchitecture: amd64\nVersion: 2.41-1\n\n\
    Package: tzdata\nArchitecture: all\nVersion: 2025a\n";

fn debian_world() -> World {
    let world = World::new(&[
        ("var/lib/dpkg/status", STATUS),
        ("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n/etc\n/etc/bash.bashrc\n"),
        ("var/lib/dpkg/info/libc6:amd64.list", "/usr/lib/x86_64-linux-gnu/libc.so.6\n"),
        ("var/lib/dpkg/info/libc6:i386.list", "/usr/lib/i386-linux-gnu/libc.so.6\n"),
        ("var/lib/dpkg/info/tzdata.list", "/usr/share/zoneinfo/UTC\n/usr/bin/zdump"),
        ("var/lib/dpkg/info/tzdata.postinst", "/usr/share/else\n"),
        ("usr/bin/bash", ""),
    ]);
    symlink("usr/bin", world.root.path().join("bin")).unwrap();
    world
}

#[test]
fn a_file_belongs_to_the_debian_package_that_lists_it() {
    let world = debian_world();
    assert_eq!(world.debian("/usr/share/zoneinfo/UTC"), "tzdata 2025a all");
    assert_eq!(world.debian("/usr/lib/x86_64-linux-gnu/libc.so.6"), "libc6 2.41-1 amd64");
    assert_eq!(world.debian("/usr/lib/i386-linux-gnu/libc.so.6"), "libc6 2.41-1+i i386");
    assert_eq!(world.debian("/usr/share/else"), "");
    assert_eq!(world.debian("/home/u/bash"), "");
    assert_eq!(world.debian("/usr/local/bin/bash"), "");
}

#[test]
fn both_names_of_a_merged_directory_are_the_same_and_of_one_not_merged_are_not() {
    let world = debian_world();
    for path in ["/bin/bash", "/usr/bin/bash"] {
        assert_eq!(world.debian(path), "bash 5.2-1 amd64");
    }
    for path in ["/bin/zdump", "/usr/bin/zdump"] {
        assert_eq!(world.debian(path), "tzdata 2025a all");
    }
    assert_eq!(world.debian("/lib/x86_64-linux-gnu/libc.so.6"), "");
    assert_eq!(world.debian("/usr/etc/bash.bashrc"), "");
}

#[test]
fn a_diverted_file_belongs_to_the_package_it_was_taken_from() {
    let world = debian_world();
    world.write("var/lib/dpkg/diversions", "/bin/bash\n/bin/bash.distrib\ntzdata\n");
    assert_eq!(world.debian("/usr/bin/bash.distrib"), "bash 5.2-1 amd64");
    assert_eq!(world.debian("/usr/bin/bash"), "");
    world.write("var/lib/dpkg/info/tzdata.list", "/usr/bin/bash\n");
    assert_eq!(world.debian("/usr/bin/bash"), "tzdata 2025a all");
}

const SITE: &str = "venv/lib/python3.11/site-packages";

fn python_world() -> World {
    let world = World::new(&[]);
    let write = |path: &str, text: &str| world.write(&format!("{SITE}/{path}"), text);
    write(
        "numpy-2.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: NumPy\nVersion: 2.0.1\n\nName: no header\n",
    );
    write(
        "numpy-2.0.dist-info/RECORD",
        "numpy/__init__.py,sha256=x,1\n\"numpy/odd,name.py\",,\nnumpy.libs/x.so,,\n../../../bin/f2py,sha256=y,2\n",
    );
    write("PyYAML-6.0.dist-info/RECORD", "yaml/__init__.py,,\n_yaml/__init__.py,,\n");
    write("six-1.16.0-py3.8.egg-info/PKG-INFO", "Name: six\nVersion: 1.16.0\n");
    write("six-1.16.0-py3.8.egg-info/installed-files.txt", "../six.py\nPKG-INFO\n");
    write("old_thing-0.1.egg-info", "Name: old-thing\nVersion: 0.1\n");
    write("debianised-3.egg-info/PKG-INFO", "Name: debianised\nVersion: 3\n");
    write("debianised-3.egg-info/top_level.txt", "deb_module\n");
    world
}

#[test]
fn a_file_belongs_to_the_python_distribution_that_records_it() {
    let world = python_world();
    let owner = |path: &str| world.python(&format!("/{SITE}/{path}"));
    assert_eq!(owner("numpy/__init__.py"), "NumPy 2.0.1");
    assert_eq!(owner("numpy/odd,name.py"), "NumPy 2.0.1");
    assert_eq!(owner("numpy.libs/x.so"), "NumPy 2.0.1");
    assert_eq!(owner("yaml/__init__.py"), "PyYAML 6.0");
    assert_eq!(owner("six.py"), "six 1.16.0");
    assert_eq!(owner("numpy/made-later.txt"), "");
    assert_eq!(owner("stranger.py"), "");
    assert_eq!(world.python("/elsewhere/site-packages/numpy/__init__.py"), "");
    assert_eq!(world.python("/numpy/__init__.py"), "");
}

#[test]
fn a_compiled_file_belongs_to_whom_its_source_does() {
    let world = python_world();
    assert_eq!(world.python(&format!("/{SITE}/numpy/__pycache__/__init__.cpython-311.pyc")), "NumPy 2.0.1");
    assert_eq!(world.python(&format!("/{SITE}/__pycache__/six.cpython-311.opt-2.pyc")), "six 1.16.0");
}

#[test]
fn a_program_of_an_environment_belongs_to_the_distribution_that_installed_it() {
    let world = python_world();
    assert_eq!(world.python("/venv/bin/f2py"), "NumPy 2.0.1");
    assert_eq!(world.python("/venv/bin/python"), "");
}

#[test]
fn a_distribution_without_a_list_owns_its_top_level_modules() {
    let world = python_world();
    assert_eq!(world.python(&format!("/{SITE}/deb_module/x.py")), "debianised 3");
    assert_eq!(world.python(&format!("/{SITE}/old_thing.py")), "old-thing 0.1");
}

#[test]
fn a_python_distribution_that_debian_packaged_has_two_owners() {
    let world = debian_world();
    world.write("var/lib/dpkg/info/bash.list", "/usr/lib/python3/dist-packages/x/y.py\n");
    world.write("usr/lib/python3/dist-packages/x-1.dist-info/METADATA", "Name: x\nVersion: 1\n");
    let path = "/usr/lib/python3/dist-packages/x/y.py";
    assert_eq!((world.debian(path).as_str(), world.python(path).as_str()), ("bash 5.2-1 amd64", "x 1"));
}

#[test]
fn without_any_database_nothing_is_owned() {
    let world = World::new(&[]);
    assert_eq!(
        world.owners(&["/usr/bin/x", "/v/lib/python3/site-packages/x.py", "/v/bin/x"], &NoPackageCache),
        vec![Owners::default(); 3]
    );
}

/// The state of a database, and what it said.
type Answer = (FileStamp, Option<Package>);

/// One answer for each path and manager, as the store has room for.
#[derive(Default)]
struct Memory {
    answers: RefCell<HashMap<(PathBuf, Manager), Answer>>,
    stored: RefCell<usize>,
}

impl PackageCache for Memory {
    fn lookup(&self, path: &Path, manager: Manager, database: &FileStamp) -> Option<Option<Package>> {
        let answers = self.answers.borrow();
        let (of, answer) = answers.get(&(path.to_owned(), manager))?;
        (of == database).then(|| answer.clone())
    }

    fn store(&self, path: &Path, manager: Manager, database: &FileStamp, package: Option<&Package>) {
        *self.stored.borrow_mut() += 1;
        self.answers.borrow_mut().insert((path.to_owned(), manager), (*database, package.cloned()));
    }
}

#[test]
fn an_answer_is_remembered_until_the_database_changes() {
    let world = debian_world();
    world.write(&format!("{SITE}/x-1.dist-info/RECORD"), "x.py,,\n");
    let cache = Memory::default();
    let paths = ["/bin/bash", "/etc/nothing", &format!("/{SITE}/x.py"), &format!("/{SITE}/y.py")];
    let first = world.owners(&paths, &cache);
    assert_eq!(*cache.stored.borrow(), 4);
    // Not looked at any more.
    fs::remove_file(world.root.path().join("var/lib/dpkg/info/bash.list")).unwrap();
    fs::remove_file(world.root.path().join(SITE).join("x-1.dist-info/RECORD")).unwrap();
    assert_eq!(world.owners(&paths, &cache), first);
    assert_eq!(*cache.stored.borrow(), 4);
    // Until something is installed.
    world.write("var/lib/dpkg/status", "");
    world.write(&format!("{SITE}/y-2.dist-info/RECORD"), "y.py,,\n");
    let second = world.owners(&paths, &cache);
    assert_eq!(second[0].debian, None);
    assert_eq!(second[3].python.as_ref().map(|package| package.name.as_str()), Some("y"));
}

#[test]
fn a_path_that_either_manager_may_own_is_remembered_for_both() {
    let world = debian_world();
    world.write("usr/lib/python3/dist-packages/x-1.dist-info/RECORD", "x.py,,\n");
    let cache = Memory::default();
    let paths = ["/usr/lib/python3/dist-packages/x.py", "/usr/lib/python3/dist-packages/nobodys.py"];
    let first = world.owners(&paths, &cache);
    assert_eq!(*cache.stored.borrow(), 4);
    assert_eq!(world.owners(&paths, &cache), first);
    assert_eq!(*cache.stored.borrow(), 4);
}
