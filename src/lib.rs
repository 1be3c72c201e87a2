//! jinqun (近群, "nearest group"): one printed QR code for every store of a chain.
//!
//! A customer scans it in `WeChat`; the service works out where they are, finds the nearest store exactly, shows the join code
//! of that store's group chat, and records which region the customer belongs to.
//!
//! The crate is built in floors; a module uses lower floors only (`tests/architecture.rs` holds it to that). Below the
//! waterline nothing waits: no async, no I/O, no logs, no clock, no randomness.
//!
//! | floor | modules |
//! | --- | --- |
//! | 10 | [`cli`] |
//! | 9 | [`startup`] |
//! | 8 | [`config`], [`lifecycle`] |
//! | 7 | [`http`] |
//! | 6 | [`app`] |
//! | 5 | [`storage`], [`outbox`], [`exchange`], [`ipdb`], [`qr`], [`webhook`], [`wechat`], [`wecom`] |
//! | 4 | [`live`], [`metrics`], [`pace`], [`platform`], [`telemetry`] |
//! | waterline | |
//! | 3 | [`routing`], [`tag`], [`funnel`], [`customer`] |
//! | 2 | [`visitor`], [`catalog`] |
//! | 1 | [`store`], [`region`], [`group`], [`campaign`], [`consent`], [`staff`], [`job`] |
//! | 0 | [`id`], [`time`], [`geo`] |

// Floor 0: mathematics and newtypes.
pub mod geo;
pub mod id;
pub mod time;
// Floor 1: nouns.
pub mod campaign;
pub mod consent;
pub mod group;
pub mod job;
pub mod region;
pub mod staff;
pub mod store;
// Floor 2: aggregates.
pub mod catalog;
pub mod visitor;
// Floor 3: the decision and what is remembered of it.
pub mod customer;
pub mod funnel;
pub mod routing;
pub mod tag;
// Floor 4: change without restart, and what is told of it.
pub mod live;
pub mod metrics;
pub mod pace;
pub mod platform;
pub mod telemetry;
// Floor 5: one outside thing each.
pub mod exchange;
pub mod ipdb;
pub mod outbox;
pub mod qr;
pub mod storage;
pub mod webhook;
pub mod wechat;
pub mod wecom;
// Floor 6: use cases.
pub mod app;
// Floor 7: the web.
pub mod http;
// Floors 8 to 10: the shell.
pub mod cli;
pub mod config;
pub mod lifecycle;
pub mod startup;
