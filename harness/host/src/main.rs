//! Entry point of the program. The library does the work; the same program also runs as the simulated module.

fn main() -> std::process::ExitCode {
    bc66_sim::run_module_if_asked();
    dfota_hil::cli::main()
}
