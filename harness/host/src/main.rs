//! The program. Everything is in the library; a simulated module is this program once more.

fn main() -> std::process::ExitCode {
    bc66_sim::run_module_if_asked();
    dfota_hil::cli::main()
}
