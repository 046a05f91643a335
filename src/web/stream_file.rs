//! A file as the body of an answer: sent piece by piece, as fast as it is taken, and never whole in memory.

use axum::body::Body;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_stream::wrappers::ReceiverStream;

/// Bytes that are sent at a time.
const CHUNK: usize = 64 * 1024;

/// The rest of an open file.
pub(super) fn stream_file(mut file: File) -> Body {
    let (send, receive) = tokio::sync::mpsc::channel::<std::io::Result<Vec<u8>>>(2);
    tokio::spawn(async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await;
            let is_last = !matches!(read, Ok(count) if count > 0);
            let chunk = read.map(|count| {
                chunk.truncate(count);
                chunk
            });
            // Nobody reads on, or it was the last.
            if send.send(chunk).await.is_err() || is_last {
                return;
            }
        }
    });
    Body::from_stream(ReceiverStream::new(receive))
}
