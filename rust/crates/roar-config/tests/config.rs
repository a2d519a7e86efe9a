//! Reading and writing configurations, as the program does.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test's helper functions may fail the test")]

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::thread;

use roar_config::{
    Config, ConfigError, Edit, KEYS, Origin, Override, Sources, TracerMode, Value, set, template, unset,
};
use tempfile::TempDir;

struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn user(&self) -> PathBuf {
        self.folder.path().join("user.toml")
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository.toml")
    }

    fn load(&self, variables: &[(&str, &str)], overrides: &[Override<'_>]) -> Result<Config, ConfigError> {
        let (user, repository) = (self.user(), self.repository());
        let sources = Sources { user_file: Some(&user), repository_file: Some(&repository), overrides };
        let own = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
        Config::load(&sources, variables.iter().map(own))
    }

    /// Returns what is said about a repository file of that text, with the folder's name taken out.
    fn complaint(&self, text: &str) -> String {
        fs::write(self.repository(), text).unwrap();
        let error = self.load(&[], &[]).unwrap_err();
        error.to_string().replace(&self.folder.path().display().to_string(), "")
    }
}

#[test]
fn without_any_layer_the_defaults_hold() {
    let config = World::new().load(&[("PATH", "/bin"), ("ROAR_REQUIRE", "ptrace")], &[]).unwrap();
    let settings = &config.settings;
    assert_eq!(settings.tracer_mode, TracerMode::Auto);
    assert!(settings.tracer_fallback_enabled);
    assert_eq!(settings.tracer_preflight_timeout_ms, 2000);
    assert_eq!(settings.run_linger_ms, 1000);
    assert_eq!(settings.hash_algorithms, ["blake3"]);
    assert!(
        settings.filter_system && settings.filter_packages && settings.filter_cache && settings.filter_temp
    );
    assert!(settings.env_record_values.is_empty());
    assert!(config.entries.iter().all(|entry| entry.origin == Origin::Default));
    assert_eq!(config.entries.len(), KEYS.len());
    assert_eq!(config.suspects, []);
}

#[test]
fn a_later_layer_wins_and_each_value_says_where_it_comes_from() {
    let world = World::new();
    fs::write(world.user(), "tracer.mode = 'preload'\nrun.linger_ms = 1\nhash.algorithms = ['md5']\n")
        .unwrap();
    fs::write(world.repository(), "# Ours.\n[tracer]\nmode = 'ptrace'\nfallback_enabled = false\n").unwrap();
    let origin = |config: &Config, key| config.get(key).unwrap().origin.clone();

    let config = world.load(&[], &[]).unwrap();
    assert_eq!(config.settings.tracer_mode, TracerMode::Ptrace);
    assert_eq!(origin(&config, "tracer.mode"), Origin::Repository { path: world.repository(), line: 3 });
    assert_eq!(origin(&config, "run.linger_ms"), Origin::User { path: world.user(), line: 2 });
    assert_eq!(origin(&config, "filter.temp"), Origin::Default);
    assert_eq!(config.settings.hash_algorithms, ["md5"]);

    let variables = [
        ("ROAR_TRACER_MODE", "ebpf"),
        ("ROAR_HASH_ALGORITHMS", "blake3, sha256,"),
        ("ROAR_RUN_LINGER_MS", ""),
    ];
    let config = world.load(&variables, &[]).unwrap();
    assert_eq!(config.settings.tracer_mode, TracerMode::Ebpf);
    assert_eq!(config.settings.hash_algorithms, ["blake3", "sha256"]);
    assert_eq!(config.settings.run_linger_ms, 1, "an empty variable is not set");
    assert_eq!(origin(&config, "tracer.mode"), Origin::Variable { name: "ROAR_TRACER_MODE".to_owned() });

    let flags = [Override { flag: "--tracer", key: "tracer.mode", text: "auto" }];
    let config = world.load(&variables, &flags).unwrap();
    assert_eq!(config.settings.tracer_mode, TracerMode::Auto);
    assert_eq!(origin(&config, "tracer.mode"), Origin::Flag { flag: "--tracer".to_owned() });
}

#[test]
fn an_unknown_key_is_refused_with_file_line_and_nearest_key() {
    let world = World::new();
    let cases = [
        (
            "\n[tracer]\nmdoe = 'auto'\n",
            "/repository.toml:3: unknown key `tracer.mdoe`, nearest is `tracer.mode`",
        ),
        (
            "[tracr]\nmode = 'auto'\n",
            "/repository.toml:2: unknown key `tracr.mode`, nearest is `tracer.mode`",
        ),
        ("mode = 'auto'\n", "/repository.toml:1: unknown key `mode`, nearest is `tracer.mode`"),
        ("[weather]\n", "/repository.toml:1: unknown key `weather`"),
        (
            "tracer = 'auto'\n",
            "/repository.toml:1: `tracer` is a section, expected `[tracer]` and its keys below",
        ),
        ("z = 1\na = 2\n", "/repository.toml:1: unknown key `z`"),
    ];
    for (text, expected) in cases {
        assert_eq!(world.complaint(text), expected);
    }
}

#[test]
fn a_bad_value_is_refused_with_what_was_expected() {
    let world = World::new();
    let cases = [
        (
            "tracer.mode = 'fast'",
            "`tracer.mode` cannot be \"fast\", expected one of `auto`, `ebpf`, `preload`, `ptrace`",
        ),
        ("tracer.mode = 1", "`tracer.mode` cannot be 1, expected one of `auto`, `ebpf`, `preload`, `ptrace`"),
        ("run.linger_ms = -1", "`run.linger_ms` cannot be -1, expected a whole number from 0 to 3600000"),
        ("run.linger_ms = '5'", "`run.linger_ms` cannot be \"5\", expected a whole number from 0 to 3600000"),
        (
            "run.linger_ms = 1.5",
            "`run.linger_ms` cannot be a float, expected a whole number from 0 to 3600000",
        ),
        ("filter.temp = 'no'", "`filter.temp` cannot be \"no\", expected `true` or `false`"),
        (
            "hash.algorithms = []",
            "`hash.algorithms` cannot be [], expected a list of some of `blake3`, `sha256`, `md5`",
        ),
        (
            "hash.algorithms = ['sha1']",
            "`hash.algorithms` cannot be [\"sha1\"], expected a list of some of `blake3`, `sha256`, `md5`",
        ),
        (
            "env.record_values = ['A=B']",
            "`env.record_values` cannot be [\"A=B\"], expected a list of names of environment variables",
        ),
        (
            "ray.store = 'somewhere'",
            "`ray.store` cannot be \"somewhere\", expected `auto`, `ray`, the path of a directory from `/` on, or `s3://BUCKET/PREFIX`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(world.complaint(text), format!("/repository.toml:1: {expected}"));
    }
    fs::remove_file(world.repository()).unwrap();
    let error = world.load(&[("ROAR_FILTER_TEMP", "maybe")], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment variable ROAR_FILTER_TEMP: `filter.temp` cannot be `maybe`, expected `true` or `false`"
    );
}

#[test]
fn a_file_that_is_not_toml_or_not_readable_is_an_error_and_a_missing_one_is_not() {
    let world = World::new();
    assert!(world.complaint("[tracer]\nmode = \n").starts_with("/repository.toml:2: not valid TOML: "));
    fs::remove_file(world.repository()).unwrap();
    fs::create_dir(world.repository()).unwrap();
    assert!(matches!(world.load(&[], &[]), Err(ConfigError::Read { .. })));
    fs::remove_dir(world.repository()).unwrap();
    assert!(world.load(&[], &[]).is_ok());
}

#[test]
fn a_misspelt_variable_is_suspect_and_a_foreign_one_is_not() {
    let variables = [("ROAR_TRACER_MODES", "x"), ("ROAR_JOB_ID", "7"), ("ROAR", "x"), ("ROAR_TRACER", "y")];
    let config = World::new().load(&variables, &[]).unwrap();
    let [suspect] = &config.suspects[..] else { panic!("{:?}", config.suspects) };
    assert_eq!(
        (suspect.variable.as_str(), suspect.nearest.as_str()),
        ("ROAR_TRACER_MODES", "ROAR_TRACER_MODE")
    );
}

#[test]
fn every_default_comes_back_from_every_way_of_writing_it() {
    let world = World::new();
    for key in KEYS {
        let value = key.default_value();
        let text = value.to_text();
        fs::write(world.repository(), format!("{} = {value}", key.name)).unwrap();
        assert_eq!(world.load(&[], &[]).unwrap().get(key.name).unwrap().value, value, "{}", key.name);
        fs::remove_file(world.repository()).unwrap();
        set(&world.repository(), key.name, &text).unwrap();
        assert_eq!(world.load(&[], &[]).unwrap().get(key.name).unwrap().value, value, "{}", key.name);
        let config = world.load(&[(key.variable().as_str(), text.as_str())], &[]).unwrap();
        assert_eq!(config.get(key.name).unwrap().value, value, "{}", key.name);
    }
}

#[test]
fn the_template_says_nothing_until_a_comment_sign_is_removed() {
    let world = World::new();
    fs::write(world.repository(), template()).unwrap();
    let config = world.load(&[], &[]).unwrap();
    assert!(config.entries.iter().all(|entry| entry.origin == Origin::Default));

    let is_assignment =
        |line: &str| KEYS.iter().any(|key| line.starts_with(&format!("# {} = ", key.parts().1)));
    let bare = |line: &str| {
        if is_assignment(line) { line[2..].to_owned() } else { line.to_owned() }
    };
    fs::write(world.repository(), template().lines().map(bare).collect::<Vec<_>>().join("\n")).unwrap();
    let config = world.load(&[], &[]).unwrap();
    assert!(config.entries.iter().all(|entry| matches!(entry.origin, Origin::Repository { .. })));
    assert!(config.entries.iter().all(|entry| entry.value == entry.key.default_value()));
}

#[test]
fn setting_keeps_comments_order_and_permissions() {
    let world = World::new();
    let path = world.repository();
    fs::write(
        &path,
        "# Top.\n[run]\nlinger_ms = 5 # Five.\n\n# Before.\n[tracer] # Of it.\n# Which.\nmode = 'auto'\n",
    )
    .unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(set(&path, "run.linger_ms", "70").unwrap(), Edit::Changed);
    assert_eq!(set(&path, "tracer.fallback_enabled", "off").unwrap(), Edit::Changed);
    assert_eq!(set(&path, "tracer.fallback_enabled", "false").unwrap(), Edit::Unchanged);
    assert_eq!(set(&path, "hash.algorithms", "blake3,md5").unwrap(), Edit::Changed);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# Top.\n[run]\nlinger_ms = 70 # Five.\n\n# Before.\n[tracer] # Of it.\n# Which.\nmode = 'auto'\n\
         fallback_enabled = false\n\n[hash]\nalgorithms = [\"blake3\", \"md5\"]\n"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(unset(&path, "run.linger_ms").unwrap(), Edit::Changed);
    assert_eq!(unset(&path, "run.linger_ms").unwrap(), Edit::Unchanged);
    assert!(fs::read_to_string(&path).unwrap().starts_with("# Top.\n[run]\n\n# Before.\n"));
}

#[test]
fn setting_works_in_every_way_of_writing_a_section() {
    let world = World::new();
    for text in ["tracer.mode = 'auto'\n", "tracer = { mode = 'auto' }\n", "[tracer]\n", ""] {
        fs::write(world.repository(), text).unwrap();
        set(&world.repository(), "tracer.mode", "ebpf").unwrap();
        set(&world.repository(), "tracer.preflight_timeout_ms", "9").unwrap();
        let settings = world.load(&[], &[]).unwrap().settings;
        assert_eq!(
            (settings.tracer_mode, settings.tracer_preflight_timeout_ms),
            (TracerMode::Ebpf, 9),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_is_not_written() {
    let world = World::new();
    let path = world.repository();
    let unknown = set(&path, "tracer.mod", "auto").unwrap_err().to_string();
    assert_eq!(unknown, "`tracer.mod`: unknown key `tracer.mod`, nearest is `tracer.mode`");
    assert!(matches!(set(&path, "tracer.mode", "fast"), Err(ConfigError::BadValue { .. })));
    assert!(matches!(unset(&path, "tracer.mod"), Err(ConfigError::UnknownKey { .. })));
    fs::write(&path, "[tracer\n").unwrap();
    assert!(matches!(set(&path, "tracer.mode", "auto"), Err(ConfigError::Syntax { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "[tracer\n");
}

#[test]
fn an_unknown_key_in_the_file_can_be_removed() {
    let world = World::new();
    fs::write(world.repository(), "[tracer]\nmod = 1\nmode = 'auto'\n").unwrap();
    assert_eq!(unset(&world.repository(), "tracer.mod").unwrap(), Edit::Changed);
    assert_eq!(fs::read_to_string(world.repository()).unwrap(), "[tracer]\nmode = 'auto'\n");
}

#[test]
fn the_target_of_a_symbolic_link_is_written_and_a_missing_folder_made() {
    let world = World::new();
    let target = world.folder.path().join("dotfiles.toml");
    fs::write(&target, "").unwrap();
    symlink("dotfiles.toml", world.user()).unwrap();
    set(&world.user(), "tracer.mode", "ptrace").unwrap();
    assert!(fs::symlink_metadata(world.user()).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "[tracer]\nmode = \"ptrace\"\n");

    let deep = world.folder.path().join("a/b/config.toml");
    set(&deep, "tracer.mode", "ptrace").unwrap();
    assert!(fs::read_to_string(&deep).unwrap().contains("mode = \"ptrace\""));
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let world = World::new();
    let path = world.repository();
    let values: Vec<(&str, Value)> = KEYS.iter().map(|key| (key.name, key.default_value())).collect();
    thread::scope(|scope| {
        for (key, value) in &values {
            scope.spawn(|| set(&path, key, &value.to_text()).unwrap());
        }
    });
    let config = world.load(&[], &[]).unwrap();
    assert!(config.entries.iter().all(|entry| matches!(entry.origin, Origin::Repository { .. })));
}

#[test]
fn values_and_origins_have_a_json_form() {
    let world = World::new();
    let config = world.load(&[("ROAR_TRACER_MODE", "ebpf")], &[]).unwrap();
    let entry = config.get("tracer.mode").unwrap();
    assert_eq!(serde_json::to_string(&entry.value).unwrap(), "\"ebpf\"");
    assert_eq!(
        serde_json::to_string(&entry.origin).unwrap(),
        r#"{"from":"variable","name":"ROAR_TRACER_MODE"}"#
    );
}
