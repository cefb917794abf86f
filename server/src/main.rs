//! The `signalbox` command: see [`signalbox::cli`].

fn main() -> std::process::ExitCode {
    signalbox::cli::main()
}
