# Recipes for people. What CI runs are the parts of `.ci/run`: `just ci` runs all, `just ci NAME…` some.

# List the recipes
default:
    @just --list

# The main job, on the simulated rig
smoke:
    cargo run --release -- run suites/smoke.yaml --rig rigs/sim.yaml

# Every test
test:
    cargo test --workspace

# All of CI, or these parts of it (`just ci --list` names them)
ci *PARTS:
    .ci/run {{PARTS}}

# Format, lints, fences, documentation
check:
    .ci/run fmt lints fences docs

# What belongs before a commit: `check`, the main job, the tests
commit:
    .ci/run commit

# All suites on the simulated rig that have to end with 0
suites:
    .ci/run smoke suites

# A claim of 1 % at 95 %: about a minute
campaign:
    cargo run --release -- run suites/campaign.yaml --rig rigs/sim-fast.yaml

# `report --pdf`, its tests, and the program that has it. The typesetter takes some minutes to build, so that no other recipe
# and no step of CI builds it
pdf:
    cargo clippy --workspace --all-targets --features pdf -- -D warnings
    cargo test -p dfota-pdf --features pdf
    cargo test -p dfota-hil --features pdf --test it certificate
    cargo build --release --features pdf

# There and back, with cuts, until Ctrl-C
soak:
    cargo run --release -- run suites/soak.yaml --rig rigs/sim-fast.yaml

# The proof that the harness can fail, in tables: each defect of the simulated module, every suite against it, twenty seeds
# of each dialect
defects:
    cargo test -p dfota-hil --test it -- defects:: a_minute_each --include-ignored --nocapture --test-threads=1

# The benchmarks; a quiet machine gives honest figures
bench:
    cargo bench -p dfota-hil --bench cut_latency
    cargo bench -p dfota-hil --bench upload
    cargo bench -p dfota-hil --bench updates
    cargo bench -p dfota-servers --bench coap_blocks
    cargo bench -p dfota-hil --bench hostile_load
    cargo bench -p dfota-hil --bench journal
    cargo bench -p dfota-hil --bench log
    cargo bench -p dfota-hil --bench evidence
    cargo bench -p dfota-hil --bench history
    cargo bench -p dfota-hil --bench report
    cargo bench -p dfota-hil --bench fleet_plan
    cargo bench -p dfota-hil --bench fleet_run

# Write the JSON schemas, the test snapshots and the judge's sentences anew; read the sentences again
bless:
    BLESS=1 INSTA_UPDATE=always cargo test -p dfota-core -p dfota-hil

# Make the reports of reports/example again from its journal, and docs/timeline.svg from them
example:
    BLESS=1 cargo test -p dfota-hil --test it report::example
    BLESS=1 cargo test -p dfota-hil --test it the_timeline_is_that_of_the_example

# The interop tests that are too slow for every day
interop:
    .ci/run interop

# The same suite on an emulated Raspberry Pi 3B, with both drivers of its pins (docs/emulated-pi.md)
pi:
    .ci/pi

# Licences and advisories of every dependency (needs cargo-deny)
deny:
    cargo deny check

# Debian packages for a Raspberry Pi and for this kind of machine, into target/debian
deb:
    harness/host/packaging/deb amd64 arm64
