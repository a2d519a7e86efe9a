//! `dvc.yaml`: stages with their dependencies and outputs.

use std::fmt::Write;

use super::rules::{Names, Rule, rules};
use super::{Script, heading, push, quoted};
use crate::lineage::Lineage;

/// DVC takes no outputs outside of the project, and a stage depends on files alone.
const NAMES: Names = Names {
    output: |lineage, path| text(lineage.below_root(path)?),
    source: |lineage, path| text(lineage.below_root(path).unwrap_or(path)),
    rule: |_| None,
    done: |_| None,
};

/// Returns the file, for the project's directory.
pub fn dvc(lineage: &Lineage) -> Script {
    let mut rules = rules(lineage, &NAMES);
    depend_on_set_up(&mut rules);
    let mut text = heading(lineage);
    text.push_str(if rules.is_empty() { "stages: {}\n" } else { "stages:\n" });
    for Rule { name, inputs, outputs, updated, is_set_up: _, commands, left_out: _ } in &rules {
        push(&mut text, format_args!("  {name}:\n    cmd:\n"));
        for command in commands {
            push(&mut text, format_args!("      - {}\n", yaml(&for_any_shell(command))));
        }
        if !inputs.is_empty() {
            text.push_str("    deps:\n");
        }
        for input in inputs {
            push(&mut text, format_args!("      - {}\n", yaml(input)));
        }
        if !outputs.is_empty() {
            text.push_str("    outs:\n");
        }
        for output in outputs {
            // DVC removes outputs before it runs a stage, unless they are to persist.
            let persists = if updated.contains(output) { ":\n          persist: true" } else { "" };
            push(&mut text, format_args!("      - {}{persists}\n", yaml(output)));
        }
    }
    Script { text, left_out: rules.into_iter().flat_map(|rule| rule.left_out).collect() }
}

/// What sets things up comes before the rest, as far as it makes a file that can be depended on.
fn depend_on_set_up(rules: &mut [Rule]) {
    let mut made = Vec::new();
    for rule in rules.iter_mut().filter(|rule| rule.is_set_up) {
        match rule.outputs.first() {
            Some(output) => made.push(output.clone()),
            None => {
                let name = &rule.name;
                rule.left_out
                    .push(format!("{name} sets things up and makes no file: do `dvc repro {name}` first"));
            }
        }
    }
    for rule in rules.iter_mut().filter(|rule| !rule.is_set_up) {
        rule.inputs.extend(made.iter().cloned());
    }
}

fn text(path: &[u8]) -> Option<String> {
    String::from_utf8(path.to_vec()).ok()
}

/// DVC runs commands with the user's shell, which need not know what bash does.
fn for_any_shell(line: &str) -> String {
    if line.contains("$'") { format!("bash -c {}", quoted(line)) } else { line.to_owned() }
}

/// Returns text as YAML has it in double quotes. DVC fills in what stands between `${` and `}`, unless told otherwise.
fn yaml(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.replace("${", "\\${").chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\u{feff}' | '\u{2028}' | '\u{2029}' => push_code(&mut out, character),
            character if character.is_control() => push_code(&mut out, character),
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

fn push_code(out: &mut String, character: char) {
    write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes what is written to it");
}

#[cfg(test)]
mod tests {
    use super::yaml;

    #[test]
    fn text_is_what_it_was() {
        assert_eq!(yaml("a \"b\"\\\n\u{7f}"), r#""a \"b\"\\\n\u007f""#);
        assert_eq!(yaml("${HOME} $x"), r#""\\${HOME} $x""#);
    }
}
