//! Packages and imports of Java, Kotlin and Go, from their trees.

use tree_sitter::Node;

use super::{Raw, Target};
use crate::judges::tree_sitter::parse;
use crate::{Judge, Language, Unjudged};

pub(super) fn read(judge: &Judge, text: &str) -> Result<Raw, Unjudged> {
    let tree = parse(judge, text)?;
    let mut raw = Raw::default();
    let mut cursor = tree.walk();
    for node in tree.root_node().children(&mut cursor) {
        top_level(judge.language, node, text, &mut raw);
    }
    Ok(raw)
}

fn top_level(language: Language, node: Node<'_>, text: &str, raw: &mut Raw) {
    let said = &text[node.byte_range()];
    match node.kind() {
        "package_declaration" | "package_clause" | "package_header" => {
            raw.package = Some(dotted(said, "package"));
        }
        "import_declaration" if language == Language::Go => go_imports(node, text, raw),
        "import_declaration" => {
            // A static import names a member of a class.
            let name = dotted(said, "import");
            let name = match name.strip_prefix("static ") {
                Some(member) => {
                    member.rsplit_once('.').map_or(member, |(class, _)| class).to_owned()
                }
                None => name,
            };
            raw.outgoing.push((node.byte_range(), Target::Package(name)));
        }
        "import" | "import_header" => {
            let name = dotted(said, "import");
            let name = name.split(" as ").next().unwrap_or(&name).trim().to_owned();
            raw.outgoing.push((node.byte_range(), Target::Package(name)));
        }
        kind if kind.ends_with("_declaration")
            || kind.ends_with("_definition")
            || kind == "object_declaration" =>
        {
            raw.provided.extend(name_of(node).map(|name| text[name.byte_range()].to_owned()));
        }
        _ => {}
    }
}

fn name_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("name").or_else(|| {
        let mut cursor = node.walk();
        node.children(&mut cursor).find(|child| child.kind().ends_with("identifier"))
    })
}

/// `import a . b;` as `a.b`, with one blank after words that are no names.
fn dotted(said: &str, keyword: &str) -> String {
    let end = said.find([';', '\n']).unwrap_or(said.len());
    let rest = said[..end].trim().trim_start_matches(keyword).trim();
    rest.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".").replace(". ", ".")
}

fn go_imports(node: Node<'_>, text: &str, raw: &mut Raw) {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if node.kind() == "import_spec" {
            if let Some(path) = node.child_by_field_name("path") {
                let path_text = text[path.byte_range()].trim_matches(['"', '`']).to_owned();
                raw.outgoing.push((path.byte_range(), Target::GoPackage(path_text)));
            }
            continue;
        }
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.children(&mut cursor).collect();
        open.extend(children.into_iter().rev());
    }
}
