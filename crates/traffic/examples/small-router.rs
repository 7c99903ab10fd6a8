//! The small router as a program: `small-router ADDRESS CONTROL-SOCKET STATE-FILE`.

use evergen_traffic::{RouterSettings, run_router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [listen, control, state] = arguments.as_slice() else {
        return Err("say where to listen, and where control socket and state file are".into());
    };
    let settings = RouterSettings::new(listen.parse()?, control, state);
    let end = run_router(settings, |address| println!("listening at {address}")).await?;
    println!("ended; {} connections were cut off", end.cut_off);
    Ok(())
}
