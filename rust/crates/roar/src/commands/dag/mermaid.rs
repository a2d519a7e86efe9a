//! The graph as a flowchart of Mermaid, which code hosts draw within Markdown.

use std::fmt::Write;

use super::label::Labels;
use super::picture::{LinkKind, Node, Picture};

/// Writes the page.
pub(super) fn write(picture: &Picture, labels: &Labels<'_>) -> Result<String, std::fmt::Error> {
    let mut page = String::from("flowchart LR\n");
    let mut warned = Vec::new();
    for (at, node) in picture.nodes.iter().enumerate() {
        let label = labels.of(node);
        let mut lines: Vec<String> = label.lines.iter().map(|line| escaped(line)).collect();
        if !label.marks.is_empty() {
            lines.push(label.marks.join(", "));
            warned.push(format!("n{at}"));
        }
        let text = lines.join("<br>");
        let (open, close, class) = match node {
            Node::Job(_) => ("[", "]", "job"),
            Node::Files(_) => ("([", "])", "file"),
        };
        writeln!(page, "  n{at}{open}\"{text}\"{close}:::{class}")?;
    }
    for link in &picture.links {
        let arrow = match link.kind {
            LinkKind::Content => "-->",
            LinkKind::Path => "-.->",
        };
        writeln!(page, "  n{} {arrow} n{}", link.from, link.to)?;
    }
    page.push_str("  classDef job fill:#dbe9f6,stroke:#335577,color:#112233\n");
    page.push_str("  classDef file fill:#ffffff,stroke:#889099,color:#112233\n");
    if !warned.is_empty() {
        page.push_str("  classDef warned stroke:#b3541e,stroke-width:3px\n");
        writeln!(page, "  class {} warned", warned.join(","))?;
    }
    Ok(page)
}

/// Returns text as it stands between quotation marks, where Mermaid knows its own entities, HTML and Markdown: every sign
/// that could mean something is an entity.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let is_plain =
            character.is_alphanumeric() || " -./@:,=+%()".contains(character) || !character.is_ascii();
        if is_plain {
            out.push(character);
        } else {
            write!(out, "#{};", u32::from(character)).expect("a string takes what is written to it");
        }
        // With an `n` after it, it would be the end of a line: something that is not seen keeps them apart.
        if character == '\\' {
            out.push_str("#8203;");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_ends_the_text_or_means_something_else() {
        assert_eq!(escaped("a\"b#c;<br>`d`"), "a#34;b#35;c#59;#60;br#62;#96;d#96;");
        assert_eq!(escaped("a\\nb"), "a#92;#8203;nb");
        assert_eq!(escaped("naïve/日本 (+1)"), "naïve/日本 (+1)");
    }
}
