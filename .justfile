# `just` alone lists.
_default:
    @just --list --justfile {{justfile()}}

# Exactly what CI runs
check:
    tests/run

# The quick tests
test *ARGS:
    cargo nextest run {{ARGS}}

# All benches
bench:
    cargo bench

# The demo
serve:
    cargo run --release -- demo
