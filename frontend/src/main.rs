//! Mounts the page.

use signalbox_frontend::app;

fn main() {
    app::crash::install_hook();
    app::mount();
}
