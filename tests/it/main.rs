//! The service from outside: through its public doors, real sockets and real files. One binary, one harness.

#![expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, and a skipped test says so"
)]

mod geo_nearest;
mod geo_vectors;
mod ip_real_data;
mod outbox;
mod outbox_damage;
mod real_sheets;
mod storage;
