//! Entry point of the program. The library does the work; the same program also runs as the simulated module.

fn main() -> std::process::ExitCode {
    // One that was started through the kernel's link is called after the link. Only its name in lists of processes suffers.
    let _ = rustix::thread::set_name(c"dfota-hil");
    bc66_sim::run_module_if_asked();
    dfota_hil::cli::main()
}
