mod equivalence;
mod errors;
mod generate;
mod narrow;
mod rules;
mod soundness;
mod touched;
