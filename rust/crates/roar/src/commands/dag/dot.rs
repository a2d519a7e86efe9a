//! The graph in the language of Graphviz.

use std::fmt::{Result, Write};

use super::label::{Label, Labels};
use super::picture::{LinkKind, Node, Picture};

/// Writes the page.
pub(super) fn write(picture: &Picture, labels: &Labels<'_>) -> std::result::Result<String, std::fmt::Error> {
    let mut page = String::from("digraph roar {\n");
    page.push_str(
        "  rankdir=LR;\n  node [fontname=\"sans-serif\" fontsize=10];\n  edge [color=\"#667788\"];\n",
    );
    for (at, node) in picture.nodes.iter().enumerate() {
        let label = labels.of(node);
        let looks = match node {
            Node::Job(_) => "shape=box style=\"rounded,filled\" fillcolor=\"#dbe9f6\"",
            Node::Files(versions) if versions.len() > 1 => "shape=folder",
            Node::Files(_) => "shape=note",
        };
        node_line(&mut page, at, &label, looks)?;
    }
    for link in &picture.links {
        let looks = match link.kind {
            LinkKind::Content => "",
            LinkKind::Path => " [style=dashed tooltip=\"by its name, not hashed\"]",
        };
        writeln!(page, "  n{} -> n{}{looks};", link.from, link.to)?;
    }
    page.push_str("}\n");
    Ok(page)
}

fn node_line(page: &mut String, at: usize, label: &Label, looks: &str) -> Result {
    let marks = label.marks.join(", ");
    let mut lines: Vec<String> = label.lines.iter().map(|line| escaped(line)).collect();
    let warning = if marks.is_empty() { "" } else { " color=\"#b3541e\" penwidth=2" };
    if !marks.is_empty() {
        lines.push(marks);
    }
    let text = lines.join("\\n");
    writeln!(page, "  n{at} [label=\"{text}\" tooltip=\"{}\" {looks}{warning}];", escaped(&label.title))
}

/// Returns text as it stands between quotation marks. Graphviz knows escapes by backslash, and entities as HTML does.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_ends_the_text_or_means_something_else() {
        assert_eq!(escaped(r#"a"b\c&lt;"#), r#"a\"b\\c&amp;lt;"#);
        assert_eq!(escaped("a\nb"), "a\\nb");
    }
}
