//! `evergen completions` and `evergen man`.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Completions, Man};
use crate::console::Console;
use crate::failure::{Failure, Verdict};

pub(super) fn completions(arguments: &Completions, console: &mut Console) -> Verdict {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "evergen", &mut script);
    console.bytes(&script);
    Verdict::Yes
}

pub(super) fn man(arguments: &Man, console: &mut Console) -> Result<Verdict, Failure> {
    let command = Arguments::command();
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|error| Failure::storage("drawing the manual page", &error))?;
        console.bytes(&page);
        return Ok(Verdict::Yes);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|error| Failure::storage(format!("writing to `{}`", folder.display()), &error))?;
    Ok(Verdict::Yes)
}
