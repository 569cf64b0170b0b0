//! Filters the bytes between the socket and the HTTP library. Only heads that were checked as a whole, and the bodies that belong
//! to them, pass. After an upgrade every byte passes.
//!
//! No byte of a refused head reaches the library. It reads a stand-in request instead, so that the refusal is answered in order.
//! [`WireState`] tells the handler the number of the refused request on the connection. If the two counts ever differed, the refused
//! request would be answered 404, and never processed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::Seat;
use crate::http1::head::{self, Fault, Framing};
use crate::http1::limits::HttpLimits;

/// The request that the library reads in place of a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\n\r\n";

/// Initial buffer size of a connection. The buffer grows up to the limit for a head.
const BUFFER: usize = 2 << 10;

/// After the last reply: how long, and how many bytes, are still read from the client. Otherwise the system would send a reset,
/// and the client might lose the reply.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 << 20;

/// State of the connection's bytes that the handler needs.
#[derive(Debug, Default)]
pub(crate) struct WireState {
    /// Whether any byte has arrived.
    started: AtomicBool,
    /// Whether the connection changes to another protocol after the reply.
    upgraded: AtomicBool,
    /// The number of the refused request, counted from 1, and the fault.
    refused: OnceLock<(u64, Fault)>,
}

impl WireState {
    /// Whether any byte of a request has arrived.
    pub(crate) fn started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Lets all bytes pass after the current request, without time limits.
    pub(crate) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// Why a request was refused, if it was.
    pub(crate) fn refusal(&self, request: u64) -> Option<Fault> {
        self.refused
            .get()
            .filter(|(number, _)| *number == request)
            .map(|(_, fault)| *fault)
    }
}

/// The state of the reader.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Reading a head.
    Head,
    /// This number of bytes may pass.
    Pass(u64),
    /// All bytes may pass: a chunked body. The connection ends after its reply.
    Open,
    /// All bytes may pass, at any pace: another protocol than HTTP.
    Tunnel,
    /// A head was refused. This many bytes of the stand-in have been read.
    Refused(usize),
    /// Nothing more is read.
    Ended,
}

/// The stream that the HTTP library reads from and writes to.
pub(crate) struct Wire<S> {
    inner: S,
    limits: HttpLimits,
    wired: Arc<WireState>,
    seat: Arc<Seat>,
    phase: Phase,
    /// Bytes that were read and have not passed yet: `start..end` of the buffer.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How far the head has been searched for its end, and where its last line starts.
    searched: usize,
    line: usize,
    /// The number of heads so far.
    heads: u64,
    /// Whether an empty line before the head was skipped.
    skipped: bool,
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    lingering: Option<usize>,
    /// Whether the client has yet to take the written bytes.
    flushing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Wraps a new connection.
    pub(crate) fn new(inner: S, limits: HttpLimits, seat: Arc<Seat>) -> Wire<S> {
        Wire {
            inner,
            limits,
            wired: Arc::default(),
            seat,
            phase: Phase::Head,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            line: 0,
            heads: 0,
            skipped: false,
            // The first request has the same time limit as a head.
            deadline: Some(Instant::now() + limits.head_time),
            sleep: None,
            lingering: None,
            flushing: false,
        }
    }

    /// The state that the handler needs.
    pub(crate) fn wired(&self) -> Arc<WireState> {
        self.wired.clone()
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Searches the new bytes for the end of the head.
    fn find_head(&mut self) -> Result<Option<usize>, Fault> {
        loop {
            let unsearched = self.buffer.get(self.searched..self.end).unwrap_or_default();
            let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.end;
                return Ok(None);
            };
            let feed = self.searched + at;
            let line = self.buffer.get(self.line..feed).unwrap_or_default();
            let first = self.line == self.start;
            match line {
                // RFC 9112, section 2.2: one empty line before a request is ignored.
                [b'\r'] if first && !self.skipped => {
                    self.skipped = true;
                    self.start = feed + 1;
                }
                [b'\r'] if first => return Err(Fault::RequestLine),
                [b'\r'] => return Ok(Some(feed + 1)),
                [.., b'\r'] => {}
                _ => return Err(Fault::LineEnd),
            }
            self.searched = feed + 1;
            self.line = feed + 1;
        }
    }

    /// Takes the head that ends at `end`, if it is valid.
    fn take_head(&mut self, end: usize) -> Result<(), Fault> {
        let head = self.buffer.get(self.start..end).unwrap_or_default();
        if head.len() > self.limits.head_bytes {
            return Err(Fault::TooLarge);
        }
        let length = head.len() as u64;
        self.phase = match head::check(head, &self.limits)? {
            Framing::Length(body) => Phase::Pass(length.saturating_add(body)),
            Framing::Chunked => Phase::Open,
        };
        self.heads += 1;
        self.deadline = None;
        Ok(())
    }

    fn refuse(&mut self, fault: Fault) {
        // Nothing is read after a refusal, so a connection has at most one.
        let _ = self.wired.refused.set((self.heads + 1, fault));
        self.phase = Phase::Refused(0);
        self.deadline = None;
        (self.start, self.end) = (0, 0);
    }

    /// Starts the next head, after the last byte of a request.
    fn next_head(&mut self) {
        self.phase = Phase::Head;
        self.skipped = false;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        self.searched = self.start;
        self.line = self.start;
    }

    /// Reads more of a head.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let mut into = ReadBuf::new(room);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut into))?;
        let read = into.filled().len();
        if read > 0 && self.start == self.end {
            // The first byte of a head.
            self.wired.started.store(true, Ordering::Relaxed);
            self.deadline = Some(Instant::now() + self.limits.head_time);
        }
        self.end += read;
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.line -= self.start;
            self.start = 0;
        } else {
            let size = (self.buffer.len() * 2).clamp(BUFFER, self.limits.head_bytes + 1);
            self.buffer.resize(size, 0);
        }
    }

    /// Continues reading the head. It is ready when the phase has changed.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = match self.find_head() {
            Ok(Some(_)) if !self.seat.works() => {
                // The place was given to another connection.
                self.phase = Phase::Ended;
                Ok(())
            }
            Ok(Some(end)) => self.take_head(end),
            Ok(None) if self.held().len() > self.limits.head_bytes => Err(self.too_large()),
            Ok(None) => match self.poll_fill(cx) {
                Poll::Ready(read) => {
                    if read? == 0 {
                        self.phase = Phase::Ended;
                    }
                    Ok(())
                }
                Poll::Pending => {
                    self.seat.waits();
                    // The time starts when the library first waits, so it does not run while a request is processed.
                    let limit = if self.held().is_empty() {
                        self.limits.idle_time
                    } else {
                        self.limits.head_time
                    };
                    ready!(self.poll_deadline(cx, limit));
                    if self.held().is_empty() {
                        self.phase = Phase::Ended;
                        Ok(())
                    } else {
                        Err(Fault::TooSlow)
                    }
                }
            },
            Err(fault) => Err(fault),
        };
        if let Err(fault) = outcome {
            self.refuse(fault);
        }
        Poll::Ready(Ok(()))
    }

    /// The fault of a head over the size limit: target too long, or fields too large.
    fn too_large(&self) -> Fault {
        if self.line == self.start {
            Fault::TargetTooLong
        } else {
            Fault::TooLarge
        }
    }

    /// Lets at most `limit` bytes pass.
    fn poll_pass(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>, limit: u64) -> Poll<io::Result<u64>> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX).min(out.remaining());
        let held = self.held();
        if !held.is_empty() {
            let passing = held.get(..most.min(held.len())).unwrap_or_default();
            out.put_slice(passing);
            let passed = passing.len();
            self.start += passed;
            return Poll::Ready(Ok(passed as u64));
        }
        let mut into = ReadBuf::new(out.initialize_unfilled_to(most.min(64 << 10)));
        match Pin::new(&mut self.inner).poll_read(cx, &mut into) {
            Poll::Ready(read) => {
                read?;
                let passed = into.filled().len();
                out.advance(passed);
                self.deadline = None;
                self.seat.works();
                Poll::Ready(Ok(passed as u64))
            }
            Poll::Pending => {
                self.seat.waits();
                if matches!(self.phase, Phase::Tunnel) {
                    return Poll::Pending;
                }
                ready!(self.poll_deadline(cx, self.limits.body_stall));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    /// Ready once the deadline has passed. If there is none, it is set now. The timer is only reset when necessary.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + limit);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }

    /// Records whether the client takes the written bytes.
    fn noticed(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Pending => self.seat.waits(),
            Poll::Ready(_) => {
                self.seat.works();
            }
        }
        polled
    }

    /// Reads and drops what the client still sends, within the linger limits.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.buffer.resize(self.buffer.len().max(16 << 10), 0);
        while self.lingering.is_some_and(|left| left > 0) {
            let mut into = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut self.inner).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                    let read = into.filled().len();
                    self.lingering = self.lingering.map(|left| left.saturating_sub(read));
                }
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(self.poll_deadline(cx, LINGER));
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            match this.phase {
                Phase::Head | Phase::Pass(0) if this.wired.is_upgraded() => this.phase = Phase::Tunnel,
                Phase::Head => ready!(this.poll_head(cx))?,
                Phase::Pass(0) => this.next_head(),
                Phase::Pass(left) => {
                    let passed = ready!(this.poll_pass(cx, out, left))?;
                    this.phase = Phase::Pass(left.saturating_sub(passed));
                    return Poll::Ready(Ok(()));
                }
                Phase::Open | Phase::Tunnel => {
                    ready!(this.poll_pass(cx, out, u64::MAX))?;
                    return Poll::Ready(Ok(()));
                }
                Phase::Refused(read) => {
                    let rest = STAND_IN.get(read..).unwrap_or_default();
                    let part = rest.get(..rest.len().min(out.remaining())).unwrap_or_default();
                    out.put_slice(part);
                    this.phase = Phase::Refused(read + part.len());
                    return Poll::Ready(Ok(()));
                }
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.noticed(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.noticed(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        // Under TLS the written bytes are in a buffer, so the client is waited for here. A flush without bytes does not count as
        // work.
        match polled {
            Poll::Pending => {
                self.flushing = true;
                self.seat.waits();
            }
            Poll::Ready(_) if self.flushing => {
                self.flushing = false;
                self.seat.works();
            }
            Poll::Ready(_) => {}
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            let polled = Pin::new(&mut this.inner).poll_shutdown(cx);
            if polled.is_pending() {
                this.seat.waits();
            }
            ready!(polled)?;
            // What comes now belongs to a side that may still read.
            if matches!(this.phase, Phase::Tunnel) {
                return Poll::Ready(Ok(()));
            }
            // Between two requests there is nothing left to read, unless more bytes arrived with the last one.
            if this.held().is_empty() && matches!(this.phase, Phase::Head | Phase::Pass(0) | Phase::Ended) {
                return Poll::Ready(Ok(()));
            }
            this.lingering = Some(LINGER_BYTES);
            this.deadline = None;
        }
        this.poll_linger(cx)
    }
}
