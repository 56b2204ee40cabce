//! A lab for tests: a real server, and real agents on simulated rigs.

use super::rig;
use crate::lab::{Lab, PROGRAM};
use crate::process::{Process, Running, Signal, wait_until};
use dfota_hil::run::lab::server::{LabAccess, LabServer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a rig of these tests may be silent, also on a busy machine. A worker says each two seconds that it gets on.
pub(crate) const LEASE: &str = "20s";

/// A server, and agents that work for it.
pub(crate) struct NatsLab {
    pub(crate) lab: Lab,
    pub(crate) server: Option<Running>,
    pub(crate) url: String,
    pub(crate) lease: &'static str,
    pub(crate) agents: BTreeMap<String, Running>,
    /// Variables that agents are started with.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// What its server's file says of users; nothing where everybody may do everything.
    users: String,
}

impl NatsLab {
    /// Needs the server: `nats-server`, or what `NATS_SERVER` names.
    pub(crate) fn new() -> Self {
        Self::with(Lab::new(), String::new())
    }

    /// A server with a user for runs (`runs.nk`), one for readers (`reads.nk`), and one for the agent of each of these rigs.
    pub(crate) fn guarded(rigs: &[&str]) -> Self {
        let lab = Lab::new();
        let entry = |args: &[&str]| lab.run(&[&["lab", "user"], args].concat()).ends(0).stdout;
        let mut users = entry(&["--runs", "--key", "runs.nk"]) + &entry(&["--reads", "--key", "reads.nk"]);
        for rig in rigs {
            users += &entry(&[rig, "--key", &format!("{rig}.nk")]);
        }
        Self::with(lab, format!("authorization {{ users: [\n{users}] }}\n"))
    }

    fn with(lab: Lab, users: String) -> Self {
        let mut lab = Self {
            lab,
            server: None,
            url: String::new(),
            lease: LEASE,
            agents: BTreeMap::new(),
            variables: Vec::new(),
            users,
        };
        lab.serve("127.0.0.1:-1");
        lab
    }

    pub(crate) fn serve(&mut self, listen: &str) {
        let lab = &self.lab;
        std::fs::create_dir_all(lab.path("nats")).expect("a folder");
        for old in lab.names("nats").iter().filter(|name| name.ends_with(".ports")) {
            std::fs::remove_file(lab.path("nats").join(old)).expect("a file of the server before");
        }
        let folder = lab.path("nats").display().to_string();
        lab.write(
            "nats.conf",
            format!("listen: \"{listen}\"\nports_file_dir: \"{folder}\"\njetstream {{store_dir: \"{folder}/store\", sync_interval: always}}\n{}", self.users),
        );
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let mut command = lab.command_of(program);
        self.server = Some(Running::start(command.args(["-c", "nats.conf"])));
        let mut url = None;
        wait_until("the address of the server", || {
            let ports = lab
                .names("nats")
                .into_iter()
                .find(|name| name.ends_with(".ports"));
            url = ports.and_then(|name| {
                let text = std::fs::read_to_string(lab.path("nats").join(name)).ok()?;
                let ports: Value = serde_json::from_str(&text).ok()?;
                Some(ports["nats"][0].as_str()?.to_owned())
            });
            url.is_some()
        });
        self.url = url.expect("it was just found");
    }

    /// An agent with a simulated rig of this name.
    pub(crate) fn agent(&mut self, name: &str, speed: u32, defects: &str) {
        rig(&self.lab, name, speed, defects, "");
        self.start_agent(name);
    }

    pub(crate) fn start_agent(&mut self, name: &str) {
        let agent = self.start_agent_as(PROGRAM.as_ref(), name, &[]);
        self.agents.insert(name.to_owned(), agent);
        self.await_rig(name);
    }

    pub(crate) fn await_rig(&self, name: &str) {
        let url = self.url.clone();
        wait_until(&format!("the rig `{name}` in the lab"), || {
            let ran = self
                .lab
                .run(&["lab", "list", "--lab", &url, "--lease", self.lease]);
            ran.stdout.contains(&format!("rig {name} on"))
        });
    }

    /// With `more` flags.
    pub(crate) fn start_agent_as(&self, program: &std::ffi::OsStr, name: &str, more: &[&str]) -> Running {
        let (file, state) = (format!("{name}.yaml"), format!("state-{name}"));
        let mut command = self.lab.command_of(program);
        command.args([
            "agent",
            "--rig",
            &file,
            "--lab",
            &self.url,
            "--lease",
            self.lease,
            "--state-dir",
            &state,
        ]);
        command.args(more);
        command.envs(self.variables.iter().cloned());
        Running::start(&mut command)
    }

    /// A connection, with a key where one is needed.
    pub(crate) fn connect(&self, who: &str, key: Option<&str>) -> LabServer {
        let access = LabAccess {
            lab_nkey: key.map(|key| self.lab.path(key)),
            lab_ca: None,
            lease: Duration::from_secs(20),
        };
        LabServer::connect(&self.url, who, &access).expect("a connection")
    }

    /// `suite.yaml` on every rig of the lab, to the run folder `out`.
    pub(crate) fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [
            &[
                "run",
                "suite.yaml",
                "--lab",
                &self.url,
                "--lease",
                self.lease,
                "--out",
                "out",
                "--seed",
                "7",
            ],
            more,
        ]
        .concat()
    }

    pub(crate) fn start(&self, more: &[&str]) -> Running {
        self.lab.start(&self.arguments(more))
    }

    /// The process that works for the agent, if it has one.
    pub(crate) fn worker(&self, name: &str) -> Option<Process> {
        let children = self.agents[name].children();
        children
            .into_iter()
            .find(|process| process.args().iter().any(|arg| arg == "--worker"))
    }

    /// Kills the server; the address at which it was.
    pub(crate) fn kill_server(&mut self) -> String {
        let server = self.server.take().expect("a server");
        server.signal(Signal::KILL);
        drop(server);
        self.url.trim_start_matches("nats://").to_owned()
    }

    /// Kills an agent as a machine that loses its power does: its worker dies with it.
    pub(crate) fn kill(&mut self, name: &str) {
        let worker = self.worker(name);
        let agent = self.agents.remove(name).expect("an agent");
        agent.signal(Signal::KILL);
        if let Some(worker) = worker {
            worker.signal(Signal::KILL);
        }
        drop(agent);
    }
}

/// Between an agent and the server: what comes is passed on, or swallowed while the connection stays.
pub(crate) struct Proxy {
    pub(crate) url: String,
    pub(crate) swallows: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("nats://{}", listener.local_addr().expect("an address"));
        let server = server.trim_start_matches("nats://").to_owned();
        let swallows = Arc::new(AtomicBool::new(false));
        let swallow = Arc::clone(&swallows);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let both = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                for (from, to) in [(both(&client), both(&server)), (server, client)] {
                    let swallow = Arc::clone(&swallow);
                    std::thread::spawn(move || pass_on(from, to, &swallow));
                }
            }
        });
        Self { url, swallows }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, swallow: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !swallow.load(Ordering::Relaxed) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
