//! The service from outside: through its public doors, real sockets and real files. One binary, one harness.

#![expect(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do, and a skipped test says so"
)]

mod admin_accounts;
mod admin_alerts;
mod admin_campaigns;
mod admin_catchment;
mod admin_codes;
mod admin_import;
mod admin_numbers;
mod admin_people;
mod admin_stores;
mod admin_table;
mod api;
mod bad_input;
mod campaigns;
mod channels;
mod choosing;
mod cli;
mod cli_import;
mod cli_tag;
mod client;
mod client_ip;
mod crm;
mod dead_jobs;
mod dead_letters;
mod deploy;
mod description;
#[expect(dead_code, reason = "the tests of pages use the rest")]
#[path = "../double/mod.rs"]
mod double;
mod durable;
mod full_disk;
mod funnel;
mod geo_nearest;
mod geo_vectors;
mod harness;
mod health;
mod http_edges;
mod ip_real_data;
mod landing;
mod large_publications;
mod lookups;
mod openapi;
mod ops;
mod outbox;
mod outbox_damage;
mod outbox_kept;
mod people;
mod pictures;
mod privacy;
mod process;
mod publish;
mod real_regions;
mod real_sheets;
mod redis;
mod redis_book;
mod redis_catalog;
mod redis_clocks;
mod redis_filters;
mod redis_link;
mod redis_lost;
mod redis_putting_back;
mod redis_records;
mod redis_seats;
mod redis_servers;
mod redis_sets;
mod redis_tls;
mod regions;
mod reload;
mod replicate;
mod seats;
mod seats_away;
mod service_areas;
mod storage;
mod storage_copy;
mod tls;
mod wecom_bench;
mod wecom_callback;
mod wecom_check;
mod wecom_client;
mod wecom_codes;
mod wecom_contacts;
mod wecom_dissolved;
mod wecom_docs;
mod wecom_double;
mod wecom_erasure;
mod wecom_facts;
mod wecom_failures;
mod wecom_fuzz;
mod wecom_greeting;
mod wecom_lag;
mod wecom_tags;
mod wecom_tokens;
mod wecom_vectors;
mod wecom_waits;
mod who_is_who;
