//! What happens to visits when something behind them dies: real processes, under load, with one fault each.
//!
//! Each test starts servers and several instances of the program, visits them all the time, breaks something, mends it, and asks
//! for the same: every visit was answered with a code, quickly; every record that was acknowledged is there once; no group is over
//! its capacity; and all is well within seconds, without a person.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, and tell what was measured"
)]

#[expect(dead_code, reason = "the tests through public doors use the rest")]
#[path = "../it/client.rs"]
mod client;
#[expect(dead_code, reason = "the tests through public doors use the rest")]
#[path = "../it/process.rs"]
mod process;
#[expect(dead_code, reason = "the tests through public doors use the rest")]
#[path = "../it/redis_servers/mod.rs"]
mod redis_servers;

mod cluster;
mod fleet;
mod instances;
mod load;
mod one_server;
mod refusals;
mod sentinel;
mod trial;
mod visit;
mod wire;
