//! The program as its users meet it: the binary, run in a folder of its own on simulated modules.

#[path = "cli/judge.rs"]
mod judge;
#[path = "cli/junit.rs"]
mod junit;
#[path = "cli/lab.rs"]
mod lab;
#[path = "cli/process.rs"]
mod process;

#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/bisect.rs"]
mod bisect;
#[path = "cli/campaign.rs"]
mod campaign;
#[path = "cli/certificate.rs"]
mod certificate;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/ci_jobs.rs"]
mod ci_jobs;
#[path = "cli/claims.rs"]
mod claims;
#[path = "cli/closed_pipe.rs"]
mod closed_pipe;
#[path = "cli/console.rs"]
mod console;
#[path = "cli/defects.rs"]
mod defects;
#[path = "cli/environment.rs"]
mod environment;
#[path = "cli/evidence.rs"]
mod evidence;
#[path = "cli/formats.rs"]
mod formats;
#[path = "cli/guard.rs"]
mod guard;
#[path = "cli/help.rs"]
mod help;
#[path = "cli/history.rs"]
mod history;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/init.rs"]
mod init;
#[path = "cli/killed.rs"]
mod killed;
#[path = "cli/lease.rs"]
mod lease;
#[path = "cli/list.rs"]
mod list;
#[path = "cli/log.rs"]
mod log;
#[path = "cli/measure.rs"]
mod measure;
#[path = "cli/network_port.rs"]
mod network_port;
#[path = "cli/on_end.rs"]
mod on_end;
#[path = "cli/outcome.rs"]
mod outcome;
#[path = "cli/package.rs"]
mod package;
#[path = "cli/power.rs"]
mod power;
#[path = "cli/profiles.rs"]
mod profiles;
#[path = "cli/prune.rs"]
mod prune;
#[path = "cli/quarantine.rs"]
mod quarantine;
#[path = "cli/recovery.rs"]
mod recovery;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/sense.rs"]
mod sense;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/signing.rs"]
mod signing;
#[path = "cli/sim.rs"]
mod sim;
#[path = "cli/state.rs"]
mod state;
#[path = "cli/step.rs"]
mod step;
#[path = "cli/strangers.rs"]
mod strangers;
#[path = "cli/switches.rs"]
mod switches;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/time_stamp.rs"]
mod time_stamp;
#[path = "cli/told.rs"]
mod told;
#[path = "cli/tries.rs"]
mod tries;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/wear.rs"]
mod wear;
#[path = "cli/wire.rs"]
mod wire;
#[path = "cli/wiring.rs"]
mod wiring;
