//! What a model says is text, whatever it looks like: it compiles, and as text.

use crate::support::Generated;

/// A model in which every text tries to become code, and every name is a trap.
const MODEL: &str = r#"
@prefix : <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

:A a owl:Class ;
    rdfs:label "label */ \"\"\" \n injected!" ;
    rdfs:comment "*/ injected! /* \"\"\" injected! \"\"\" \\\nand\rmore\u2028lines\u0085here \u202Eevil\u202C \u0000 ends with \"" .
:B a owl:Class ; rdfs:comment "\\" .
:C a owl:Class ; rdfs:comment "/" .
:D a owl:Class ; rdfs:comment "    four spaces\n\n    ```\n    injected!\n" .

:p rdfs:domain :A ; rdfs:range :B ; rdfs:comment "*/ injected!\n*/\n\"\"\"\ninjected!" .
:q a owl:FunctionalProperty ; rdfs:domain :A ; rdfs:comment "\"" .

:E a owl:Class ; rdfs:comment "\"\"\"\"" ; owl:oneOf ( :v <http://example.org/%22%5C> <http://example.org/a'b> ) .
:v rdfs:comment "*/ injected! \"\"\"" .

:type rdfs:domain :A . :class rdfs:domain :A . :self rdfs:domain :A . :None rdfs:domain :A .
:field rdfs:domain :A . :dt rdfs:domain :A ; rdfs:range xsd:date . :list rdfs:domain :A .
:str rdfs:domain :A . :constructor rdfs:domain :A . :a rdfs:domain :A ; rdfs:range :E .
<http://example.org/3d> rdfs:domain :A . <http://example.org/x.y-z> rdfs:domain :A .

:String a owl:Class . :Option a owl:Class . :Vec a owl:Class . :Box a owl:Class . :Default a owl:Class .
:Decimal a owl:Class . :List a owl:Class . :Object a owl:Class . :Type a owl:Class . :Self a owl:Class .
:Lib a owl:Class . :Main a owl:Class . :Mod a owl:Class . :Index a owl:Class . :None a owl:Class .
:Array a owl:Class . :Date a owl:Class . :Record a owl:Class . :Field a owl:Class . :Crate a owl:Class .
<http://example.org/3DModel> a owl:Class . :名前 a owl:Class . :Größe a owl:Class . :Привет a owl:Class .
:price rdfs:domain :Decimal ; rdfs:range xsd:decimal, :String, :Option, :Vec, :Box, :Decimal .
:名前 rdfs:domain :名前 ; rdfs:range :名前 .
:AP a owl:Class . :p rdfs:range :C, :AP .
"#;

#[test]
fn hostile_text_compiles() {
    let generated = Generated::new("model.ttl", MODEL);
    generated.compile();

    for language in ["rust", "typescript", "python"] {
        let shown = generated.show(language);
        assert!(shown.contains("injected!"), "the text is kept");
        assert!(shown.contains("U+202E"), "what does not show is shown");
        assert!(!shown.contains(['\u{202e}', '\u{2028}', '\u{85}', '\0', '\r']), "{language}");
    }
}

#[test]
fn hostile_text_in_rust() {
    let generated = Generated::new("model.ttl", MODEL);
    insta::assert_snapshot!(generated.read("rust/src/a.rs"));
}
