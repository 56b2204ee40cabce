//! The simulator as a process: through its pty and its control socket, as any host sees it.

#[path = "process/rig.rs"]
mod rig;

#[path = "process/aftermath.rs"]
mod aftermath;
#[path = "process/boot.rs"]
mod boot;
#[path = "process/coap_update.rs"]
mod coap_update;
#[path = "process/command_line.rs"]
mod command_line;
#[path = "process/control.rs"]
mod control;
#[path = "process/defects.rs"]
mod defects;
#[path = "process/dialects.rs"]
mod dialects;
#[path = "process/dialogue.rs"]
mod dialogue;
#[path = "process/download.rs"]
mod download;
#[path = "process/file_server.rs"]
mod file_server;
#[path = "process/gives_up.rs"]
mod gives_up;
#[path = "process/lwm2m.rs"]
mod lwm2m;
#[path = "process/lwm2m_server.rs"]
mod lwm2m_server;
#[path = "process/queue_mode.rs"]
mod queue_mode;
#[path = "process/update.rs"]
mod update;
#[path = "process/upload.rs"]
mod upload;
