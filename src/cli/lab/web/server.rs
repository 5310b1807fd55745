//! The HTTP server of the page of the lab: serves connections until a signal or a long silence.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::Semaphore;
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use super::deadline::{Deadline, Phase};
use super::requests::Requests;

/// The largest head of a request, in bytes. hyper refuses longer ones.
const MAX_HEAD: usize = 16 << 10;

/// The stack of a thread that runs a command, in bytes. In a build without optimisation, creating a lab copies its
/// 200 kB on the stack several times.
const STACK: usize = 16 << 20;

/// The largest number of commands that run at a time. Each command belongs to a different session.
const THREADS: usize = 4;

/// Why the server closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// No request arrived for a long time.
    Idle,
    /// The stream `stop` became readable.
    Stopped,
}

/// Serves connections until `stop` becomes readable or no request has arrived for `Limits::idle`. `stop` must be
/// non-blocking. A command that is still running at the end is abandoned.
///
/// # Errors
/// Fails with the error from the system call.
pub fn serve(listener: TcpListener, requests: Requests, stop: UnixStream) -> io::Result<Closed> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().thread_stack_size(STACK).max_blocking_threads(THREADS).build()?;
    let closed = LocalSet::new().block_on(&runtime, run(listener, requests.into(), stop));
    // Dropping the runtime would wait for a command that is still running. This call does not wait.
    runtime.shutdown_background();
    closed
}

/// Serves connections on the current runtime, as [`serve`] does.
///
/// # Errors
/// Fails with the error from the system call.
pub async fn run(listener: TcpListener, requests: Rc<Requests>, stop: UnixStream) -> io::Result<Closed> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let stop = tokio::net::UnixStream::from_std(stop)?;
    select! {
        never = accept(&listener, &requests) => match never {},
        () = wait_until_idle(&requests) => Ok(Closed::Idle),
        ready = stop.readable() => ready.map(|()| Closed::Stopped),
    }
}

/// Accepts connections for ever. Above the limit, a new connection replaces the oldest one that only waits for its
/// client, so that idle connections cannot keep a page from opening. If there is none, the new connection waits.
async fn accept(listener: &tokio::net::TcpListener, requests: &Rc<Requests>) -> Infallible {
    let permits = Arc::new(Semaphore::new(requests.limits.connections));
    // The deadlines of the connections, the oldest first. A deadline that only this list holds belongs to a connection
    // that is closed.
    let mut open: Vec<Rc<Deadline>> = Vec::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if permits.available_permits() == 0 {
                    // Requests that have arrived by now are received first.
                    yield_now().await;
                    let is_open = |deadline: &Rc<Deadline>| Rc::strong_count(deadline) > 1;
                    let waits = |phase| open.iter().find(|one| is_open(one) && one.phase() == phase);
                    if let Some(oldest) = waits(Phase::Receiving).or_else(|| waits(Phase::Closing)) {
                        oldest.set(Instant::now());
                    }
                }
                // `acquire_owned` cannot fail, because the semaphore is never closed.
                let permit = permits.clone().acquire_owned().await;
                open.retain(|deadline| Rc::strong_count(deadline) > 1);
                let deadline = Rc::new(Deadline::at(Instant::now() + requests.limits.request));
                open.push(deadline.clone());
                let requests = requests.clone();
                spawn_local(async move {
                    serve_connection(stream, &requests, &deadline).await;
                    drop(permit);
                });
            }
            // The client has gone, or the process has too many open files. The pause gives other connections time to
            // close their files.
            Err(error) => {
                log::warn!("a connection could not be accepted: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Waits until no request has arrived for `Limits::idle`.
async fn wait_until_idle(requests: &Requests) {
    loop {
        let end = requests.latest() + requests.limits.idle;
        if end <= Instant::now() {
            return;
        }
        sleep_until(end).await;
    }
}

/// Serves one request, then closes the connection. The connection is also closed if its deadline passes.
///
/// At first, the deadline is for receiving the request. [`Requests::answer`] then sets a new deadline, for sending the
/// answer. While a command runs, there is no deadline.
async fn serve_connection(stream: TcpStream, requests: &Requests, deadline: &Deadline) {
    let answer = async |request| Ok::<_, Infallible>(requests.answer(request, deadline).await);
    let service = service_fn(|request| Box::pin(answer(request)));
    let mut builder = http1::Builder::new();
    // `half_close`: a client that closes its own side after the request still gets the answer.
    let builder = builder.keep_alive(false).half_close(true).max_buf_size(MAX_HEAD);
    let mut connection = builder.serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|context| connection.poll_without_shutdown(context));
    select! {
        // Ignore an error: hyper has answered an invalid request, and a broken connection can carry no answer.
        _ = served => {}
        () = deadline.passed() => return,
    }
    deadline.begin(Phase::Closing);
    let mut stream = connection.into_parts().io.into_inner();
    // Read until the client has closed its side. Closing a connection with unread bytes would reset it, and the client
    // could lose the answer.
    let drain = async {
        stream.shutdown().await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        io::Result::Ok(())
    };
    select! {
        _ = drain => {}
        () = deadline.passed() => {}
    }
}
