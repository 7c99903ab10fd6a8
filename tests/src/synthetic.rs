//! Models of any size that look like an ontology: classes with typed properties.
//!
//! The same numbers always give the same statements, and a class says the same
//! whichever others are written with it, so that a model can be cut into files.

use std::fmt::Write as _;
use std::ops::Range;

/// How large a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ontology {
    /// How many classes there are.
    pub classes: usize,
    /// How many properties each class has.
    pub properties: usize,
}

/// One property of a class, as the model describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its IRI.
    pub iri: String,
    /// The IRI of its datatype.
    pub range: String,
    /// Its label, in English.
    pub label: String,
}

const NAMESPACE: &str = "http://example.org/shop/";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const DATATYPES: [&str; 5] = ["string", "integer", "decimal", "boolean", "dateTime"];
const PREFIXES: &str = "\
@prefix ex: <http://example.org/shop/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";

impl Ontology {
    /// The largest number of classes with which there are about so many triples.
    pub fn of_triples(triples: usize, properties: usize) -> Self {
        Self { classes: triples / (4 + 4 * properties), properties }
    }

    /// How many triples the whole model has.
    pub fn triples(&self) -> usize {
        self.classes * (4 + 4 * self.properties)
    }

    /// The IRI of a class. Its local name has eight characters, of which the first six
    /// are shared by a hundred classes.
    pub fn class(&self, number: usize) -> String {
        format!("{NAMESPACE}C{number:07}")
    }

    /// The label of a class, in English.
    pub fn label(&self, class: usize) -> String {
        format!("Class number {class}")
    }

    /// The comment of a class.
    pub fn comment(&self, class: usize) -> String {
        format!("What the shop knows of kind {class}, and why it keeps it")
    }

    /// A property of a class.
    pub fn property(&self, class: usize, number: usize) -> Property {
        let datatype = DATATYPES[(class + number) % DATATYPES.len()];
        Property {
            iri: format!("{NAMESPACE}p{class:07}x{number}"),
            range: format!("{XSD}{datatype}"),
            label: format!("property {number} of class {class}"),
        }
    }

    /// Some classes as Turtle, with the prefixes that it needs.
    pub fn turtle(&self, classes: Range<usize>) -> String {
        let mut text = String::with_capacity(PREFIXES.len() + classes.len() * 1_400);
        text.push_str(PREFIXES);
        for class in classes {
            self.push_turtle(class, &mut text);
        }
        text
    }

    fn push_turtle(&self, class: usize, text: &mut String) {
        let (label, comment, parent) = (self.label(class), self.comment(class), class / 2);
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\nex:C{class:07} a owl:Class ;\n    rdfs:label \"{label}\"@en ;\n    \
             rdfs:comment \"{comment}\"@en ;\n    rdfs:subClassOf ex:C{parent:07} .\n"
        );
        for number in 0..self.properties {
            let Property { range, label, .. } = self.property(class, number);
            let datatype = &range[XSD.len()..];
            let _ = write!(
                text,
                "ex:p{class:07}x{number} a owl:DatatypeProperty ;\n    \
                 rdfs:domain ex:C{class:07} ;\n    rdfs:range xsd:{datatype} ;\n    \
                 rdfs:label \"{label}\"@en .\n"
            );
        }
    }

    /// Some classes as N-Triples.
    pub fn n_triples(&self, classes: Range<usize>) -> String {
        const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
        const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
        const OWL: &str = "http://www.w3.org/2002/07/owl#";
        let mut text = String::with_capacity(classes.len() * self.properties * 480);
        for class in classes {
            let (iri, parent) = (self.class(class), self.class(class / 2));
            let (label, comment) = (self.label(class), self.comment(class));
            let _ = write!(
                text,
                "<{iri}> <{RDF_TYPE}> <{OWL}Class> .\n<{iri}> <{RDFS}label> \"{label}\"@en .\n\
                 <{iri}> <{RDFS}comment> \"{comment}\"@en .\n\
                 <{iri}> <{RDFS}subClassOf> <{parent}> .\n"
            );
            for number in 0..self.properties {
                let Property { iri: property, range, label } = self.property(class, number);
                let _ = write!(
                    text,
                    "<{property}> <{RDF_TYPE}> <{OWL}DatatypeProperty> .\n\
                     <{property}> <{RDFS}domain> <{iri}> .\n\
                     <{property}> <{RDFS}range> <{range}> .\n\
                     <{property}> <{RDFS}label> \"{label}\"@en .\n"
                );
            }
        }
        text
    }
}
