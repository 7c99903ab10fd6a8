use crate::{DependencyGraph, Description, Export};

fn export(edges: &[(&'static str, &'static str)]) -> Export {
    let mut graph = DependencyGraph::new();
    for (dependent, dependency) in edges {
        graph.add_dependency(*dependent, *dependency).unwrap();
    }
    graph.export(|key| match key.rsplit_once('.') {
        Some((name, kind)) => Description::new(name, kind),
        None => Description::new(*key, ""),
    })
}

fn small() -> Export {
    export(&[
        ("order.rs", "class.template"),
        ("customer.rs", "class.template"),
        ("class.template", "header.partial"),
        ("order.rs", "classes.query"),
        ("customer.rs", "classes.query"),
        ("shop", "order.rs"),
        ("shop", "customer.rs"),
        ("shop", "header.partial"),
    ])
}

/// Keys that try to break out of each notation.
fn hostile() -> Export {
    export(&[
        ("\"];\\evil -> \"x", "</title><script>alert('1')</script>"),
        ("]]>&amp;\u{0}\u{7}", "two\nlines"),
        ("right\u{202e}left", "two\nlines"),
        ("a very long label of which only the end is worth the room it takes/orders.rs", "订单"),
    ])
}

#[test]
fn dot() {
    insta::assert_snapshot!(small().to_dot());
}

#[test]
fn json() {
    insta::assert_snapshot!(small().to_json());
}

#[test]
fn svg() {
    insta::assert_snapshot!(small().to_svg(100));
}

#[test]
fn hostile_dot() {
    insta::assert_snapshot!(hostile().to_dot());
}

#[test]
fn hostile_svg() {
    let svg = hostile().to_svg(100);
    assert!(!svg.contains("<script>"));
    insta::assert_snapshot!(svg);
}

#[test]
fn a_graph_that_is_too_large_says_what_was_left_out() {
    let svg = small().to_svg(4);
    assert_eq!(svg.matches("<rect").count(), 4 + 2, "four nodes and two kinds");
    assert!(svg.contains("Dependency graph: 4 nodes, 4 edges; 2 nodes are left out"), "{svg}");
    assert!(svg.contains(">2 nodes are left out</text>"));
}

#[test]
fn an_empty_graph_has_a_drawing() {
    insta::assert_snapshot!(export(&[]).to_svg(100));
    insta::assert_snapshot!(export(&[]).to_json(), @r#"
    {
      "nodes": [],
      "edges": []
    }
    "#);
}

#[test]
fn boxes_of_one_column_do_not_overlap() {
    let mut graph = DependencyGraph::new();
    for node in 1..300_u32 {
        graph.add_dependency(node, node / 3).unwrap();
        graph.add_dependency(node, node.saturating_sub(7) / 5).ok();
    }
    let svg = graph.export(|key| Description::new(format!("node {key}"), "")).to_svg(400);
    let number = |line: &str, name: &str| -> i64 {
        let (_, rest) = line.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let boxes = svg.split("<rect").skip(1).map(|line| (number(line, "x"), number(line, "y")));
    let mut boxes: Vec<(i64, i64)> = boxes.collect();
    boxes.sort_unstable();
    assert_eq!(boxes.len(), 300);
    assert!(boxes.windows(2).all(|two| two[0].0 != two[1].0 || two[1].1 - two[0].1 >= 24));
    assert!(number(&svg, "width") < 2_000 && number(&svg, "height") < 12_000, "{}", &svg[..120]);
}
