//! Fetches a file, and believes in it only when its checksum is right.

use super::ImportError;
use super::error::io_error;
use md5::{Digest as _, Md5};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

/// Bytes handed over at a time; between them it is asked whether to stop.
const CHUNK_BYTES: usize = 64 << 10;

/// How long a server may take to be reached and to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A line so slow that it is not worth waiting for, in bytes a second.
const SLOWEST: u64 = 20_000;

/// A file elsewhere.
#[derive(Debug)]
pub(super) struct Remote {
    /// The same file in several places; the next is tried where one fails. At least one.
    pub(super) urls: &'static [&'static str],
    /// As published.
    pub(super) bytes: u64,
    /// As published, 32 hexadecimal digits.
    pub(super) md5: &'static str,
}

impl Remote {
    /// The last part of its address.
    pub(super) fn name(&self) -> &'static str {
        self.urls[0].rsplit('/').next().unwrap_or(self.urls[0])
    }
}

/// Fetches `file` of the data set `title` into `folder`; `report` hears how many bytes have come. `instead` is what a
/// person can do where that fails.
pub(super) fn download(
    title: &str,
    instead: &str,
    file: &Remote,
    folder: &Path,
    report: &dyn Fn(u64),
    cancelled: &dyn Fn() -> bool,
) -> Result<(), ImportError> {
    let target = folder.join(file.name());
    let mut failed = None;
    for url in file.urls {
        match fetch(url, file, &target, report, cancelled) {
            Ok(()) => return Ok(()),
            Err(Failure::Import(error)) => return Err(error),
            // What the first place says counts: the others are its copies.
            Err(Failure::Fetch(why)) => failed = failed.or(Some((*url, why))),
        }
    }
    drop(std::fs::remove_file(&target));
    let (url, why) = failed.unwrap_or((file.urls[0], "nothing was tried".to_owned()));
    Err(ImportError::Download {
        title: title.to_owned(),
        host: host(url).to_owned(),
        why,
        instead: instead.to_owned(),
    })
}

enum Failure {
    /// The next place may do better.
    Fetch(String),
    /// It would be no better elsewhere.
    Import(ImportError),
}

fn fetch(
    url: &str,
    file: &Remote,
    target: &Path,
    report: &dyn Fn(u64),
    cancelled: &dyn Fn() -> bool,
) -> Result<(), Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(ANSWER_WITHIN))
        .timeout_recv_response(Some(ANSWER_WITHIN))
        .timeout_recv_body(Some(ANSWER_WITHIN + Duration::from_secs(file.bytes / SLOWEST)))
        .build()
        .into();
    let fetching = |error: &ureq::Error| Failure::Fetch(words(error));
    let answer = agent.get(url).call().map_err(|error| fetching(&error))?;
    let body = answer.into_body();
    let announced = body.content_length();
    let mut body = body.into_reader();

    let mut to =
        std::fs::File::create(target).map_err(|error| Failure::Import(io_error("write", target)(error)))?;
    let (mut hash, mut bytes, mut chunk) = (Md5::new(), 0_u64, vec![0; CHUNK_BYTES]);
    loop {
        if cancelled() {
            return Err(Failure::Import(ImportError::Cancelled));
        }
        let count = match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Fetch(cut_off(bytes, announced, &error.to_string()))),
        };
        bytes += count as u64;
        if bytes > file.bytes.saturating_mul(2) {
            return Err(Failure::Fetch(format!(
                "it sends more than twice the {} bytes of the file",
                file.bytes
            )));
        }
        hash.update(&chunk[..count]);
        to.write_all(&chunk[..count]).map_err(|error| Failure::Import(io_error("write", target)(error)))?;
        report(bytes.min(file.bytes));
    }
    if announced.is_some_and(|announced| announced != bytes) {
        return Err(Failure::Fetch(cut_off(bytes, announced, "the connection ended")));
    }
    let md5 = hexadecimal(hash);
    if md5 != file.md5 {
        return Err(Failure::Fetch(format!(
            "what came ({bytes} bytes, MD5 {md5}) is not the file that was published (MD5 {})",
            file.md5
        )));
    }
    Ok(())
}

fn hexadecimal(hash: Md5) -> String {
    let mut digits = String::with_capacity(32);
    for byte in hash.finalize() {
        write!(digits, "{byte:02x}").expect("writing into a string cannot fail");
    }
    digits
}

fn cut_off(bytes: u64, announced: Option<u64>, why: &str) -> String {
    match announced {
        Some(announced) => format!("it stopped after {bytes} of {announced} bytes ({why})"),
        None => format!("it stopped after {bytes} bytes ({why})"),
    }
}

fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::StatusCode(status) => format!("it answered with status {status}"),
        ureq::Error::HostNotFound => "its name can't be looked up; is there a network?".to_owned(),
        ureq::Error::Io(error) => format!("it can't be reached ({error}); is there a network?"),
        ureq::Error::ConnectionFailed => "it can't be reached; is there a network?".to_owned(),
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        other => other.to_string(),
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;

    pub(in crate::import) fn md5(bytes: &[u8]) -> String {
        hexadecimal(Md5::new_with_prefix(bytes))
    }

    /// MD5 of `CONTENT`, by md5sum.
    const MD5: &str = "9e107d9d372bb6826bd81d3542a419d6";
    const CONTENT: &[u8] = b"The quick brown fox jumps over the lazy dog";

    /// Answers every request on this machine as `answer` says of its path; gives the address.
    pub(in crate::import) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let first = lines.next().unwrap().unwrap();
                while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                stream.write_all(&answer(first.split(' ').nth(1).unwrap())).unwrap();
            }
        });
        format!("http://{address}")
    }

    pub(in crate::import) fn ok(length: usize, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").as_bytes(), body]
            .concat()
    }

    fn fetch_from(urls: Vec<String>, cancelled: bool) -> (Result<Vec<u8>, String>, u64) {
        // Addresses are part of the program elsewhere; a test's few may stay until it ends.
        let urls: Vec<&'static str> = urls.into_iter().map(|url| &*url.leak()).collect();
        let file = Remote { urls: urls.leak(), bytes: CONTENT.len() as u64, md5: MD5 };
        let (folder, told) = (tempfile::tempdir().unwrap(), Cell::new(0));
        let result =
            download("The fox", "hunt it", &file, folder.path(), &|bytes| told.set(bytes), &|| cancelled);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        let read = result.map(|()| std::fs::read(folder.path().join("fox.txt")).unwrap());
        assert!(read.is_ok() || cancelled || left == 0, "{left} files left");
        (read.map_err(|error| error.to_string()), told.get())
    }

    fn refusal(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        fetch_from(vec![serve(answer) + "/fox.txt"], false).0.unwrap_err()
    }

    #[test]
    fn a_good_file_comes_whole() {
        let address = serve(|_| ok(CONTENT.len(), CONTENT));
        assert_eq!(
            fetch_from(vec![address + "/a/fox.txt"], false),
            (Ok(CONTENT.to_vec()), CONTENT.len() as u64)
        );
    }

    #[test]
    fn a_redirect_is_followed() {
        let address = serve(|path| match path {
            "/fox.txt" => {
                b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .to_vec()
            }
            _ => ok(CONTENT.len(), CONTENT),
        });
        assert_eq!(fetch_from(vec![address + "/fox.txt"], false).0, Ok(CONTENT.to_vec()));
    }

    #[test]
    fn the_next_place_is_tried() {
        let bad = serve(|_| ok(3, b"bad"));
        let good = serve(|_| ok(CONTENT.len(), CONTENT));
        assert_eq!(fetch_from(vec![bad + "/fox.txt", good + "/fox.txt"], false).0, Ok(CONTENT.to_vec()));
    }

    #[test]
    fn what_goes_wrong_is_said_in_one_sentence() {
        let error = refusal(|_| ok(5, b"a cat"));
        assert!(error.starts_with("The fox could not be fetched from 127.0.0.1:"), "{error}");
        assert!(error.contains("what came (5 bytes, MD5 ") && error.contains(MD5), "{error}");
        assert!(error.ends_with(" – try again later, or hunt it."), "{error}");
        let error = refusal(|_| ok(CONTENT.len(), &CONTENT[..20]));
        assert!(error.contains("it stopped after 20 of 43 bytes"), "{error}");
        let error =
            refusal(|_| b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec());
        assert!(error.contains("it answered with status 404"), "{error}");
        let error = refusal(|_| ok(1000, &[7; 1000]));
        assert!(error.contains("more than twice the 43 bytes"), "{error}");
        let error = refusal(|_| Vec::new());
        assert!(error.contains("could not be fetched"), "{error}");
        // Nobody listens there, and nobody else can have the port as long as the socket lives.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap();
        let error = fetch_from(vec![format!("http://{address}/fox.txt")], false).0.unwrap_err();
        assert!(error.contains("is there a network?"), "{error}");
    }

    #[test]
    fn it_can_be_cancelled() {
        let address = serve(|_| ok(CONTENT.len(), CONTENT));
        let error = fetch_from(vec![address + "/fox.txt"], true).0.unwrap_err();
        assert_eq!(error, ImportError::Cancelled.to_string());
    }
}
