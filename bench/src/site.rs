//! A web server for the bench's own pages: files of a few folders, to a browser on this machine.
//!
//! Its answers isolate the page from others (COOP, COEP), for a browser then tells the time to 5 instead of 100
//! microseconds. It knows GET and nothing else of HTTP.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Serves `folders` until this process ends, the first that has a file wins; gives the address `http://...`.
pub(crate) fn serve(folders: Vec<PathBuf>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folders = folders.clone();
            // A browser holds a connection or six; each ends with it.
            std::thread::spawn(move || {
                // A browser that goes away in the middle of an answer has its reasons.
                let _ = answer_all(&stream, &folders);
            });
        }
    });
    Ok(address)
}

fn answer_all(stream: &TcpStream, folders: &[PathBuf]) -> anyhow::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next() {
        let request = request?;
        for header in lines.by_ref() {
            if header?.is_empty() {
                break;
            }
        }
        let path = request.split(' ').nth(1).context("no path")?;
        let (status, body) = match find(folders, path) {
            Some(file) => ("200 OK", std::fs::read(file)?),
            None => ("404 Not Found", Vec::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\r\n",
            media_type(path),
            body.len()
        );
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), &body].concat())?;
    }
    Ok(())
}

fn find(folders: &[PathBuf], path: &str) -> Option<PathBuf> {
    let path = path.split('?').next()?.trim_start_matches('/');
    if Path::new(path).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return None;
    }
    let path = if path.is_empty() { "index.html" } else { path };
    folders.iter().map(|folder| folder.join(path)).find(|file| file.is_file())
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        _ => "text/html; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_beside_the_folders_is_served() {
        let folders = [PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("page")];
        let check =
            |path: &str, is_found: bool| assert_eq!(find(&folders, path).is_some(), is_found, "{path}");
        check("/", true);
        check("/bench.js?x", true);
        check("/../Cargo.toml", false);
        check("/./../Cargo.toml", false);
        check("//etc/passwd", false);
        check("/missing.js", false);
    }
}
