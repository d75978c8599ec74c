//! The binary: see [`ketenpoort::cli`].

fn main() -> std::process::ExitCode {
    ketenpoort::cli::main()
}
