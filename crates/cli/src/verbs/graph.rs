//! `evergen graph`.

use evergen_depgraph::Description;
use evergen_regeneration::Access;

use crate::arguments::{Graph, GraphFormat};
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;

pub(super) fn graph(arguments: &Graph, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find(&arguments.asked, console)?;
    let mut engine = chosen.open(Access::Read)?;
    let graph = engine.graph()?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    let export = graph.export(|node| Description::new(node.to_string(), node.kind()));
    let text = match arguments.format {
        _ if console.is_json() => export.to_json(),
        GraphFormat::Json => export.to_json(),
        GraphFormat::Dot => export.to_dot(),
        GraphFormat::Svg => export.to_svg(arguments.limit),
    };
    let text = format!("{}\n", text.trim_end());
    match &arguments.output {
        None => console.write(&text),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| {
                Failure::storage(format!("writing `{}`", path.display()), &error)
            })?;
            console.remark(format!("{} written", path.display()));
        }
    }
    Ok(Verdict::Yes)
}
