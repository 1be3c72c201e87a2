//! A body that is written by a thread while it is sent, so that any length of it passes through little memory.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Bytes that are gathered before they are sent.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait to be sent.
const CHUNKS_WAITING_MAX: usize = 4;

/// The body.
pub(super) struct Streamed(Receiver<io::Result<Bytes>>);

impl MessageBody for Streamed {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.get_mut().0.poll_recv(context)
    }
}

/// Where the thread writes to.
struct Pipe {
    sender: Sender<io::Result<Bytes>>,
    gathered: Vec<u8>,
}

impl Pipe {
    fn send(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::replace(&mut self.gathered, Vec::with_capacity(CHUNK_BYTES)));
        self.sender.blocking_send(Ok(chunk)).map_err(|_gone| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// A body that `write` writes. If it fails, the connection is broken off, so that nobody takes a part for the whole.
pub(super) fn streamed<E: std::error::Error>(
    write: impl FnOnce(&mut dyn Write) -> Result<(), E> + Send + 'static,
) -> Streamed {
    let (sender, receiver) = channel(CHUNKS_WAITING_MAX);
    let mut pipe = Pipe { sender, gathered: Vec::with_capacity(CHUNK_BYTES) };
    actix_web::rt::task::spawn_blocking(move || {
        let failed = match write(&mut pipe) {
            Ok(()) => pipe.flush().err(),
            Err(error) => Some(io::Error::other(error.to_string())),
        };
        if let Some(error) = failed.filter(|it| it.kind() != io::ErrorKind::BrokenPipe) {
            tracing::warn!(error = %error, "an export was broken off");
            // Whoever is gone needs no answer.
            let _ = pipe.sender.blocking_send(Err(error));
        }
    });
    Streamed(receiver)
}
