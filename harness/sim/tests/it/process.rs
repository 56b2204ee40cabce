//! The simulator as a process: through its pty and its control socket, as any host sees it.

mod rig;

mod aftermath;
mod boot;
mod coap_update;
mod command_line;
mod control;
mod defects;
mod dialects;
mod dialogue;
mod download;
mod file_server;
mod gives_up;
mod lwm2m;
mod lwm2m_server;
mod queue_mode;
mod update;
mod upload;
