//! The direct protocol between neighbours, `/statemesh/catch-up/1`: a stream for each question and its answer, each with
//! its length before it.
//!
//! ```text
//! ask -> stream, question -> Word::Asked -> Responder -> answer -> Word::Told
//!                                      or whatever went wrong  -> Word::Untold
//! ```
//!
//! What the bytes mean is core's; here they are bounded, in time, too. An empty answer is a refusal. Kept apart from the
//! topic: whoever does not speak it is introduced to everything there.
//!
//! Here is what happens on one connection. Each stream is a future, and they are so few that all are polled: some of our
//! own questions, and at most [`STREAMS`] of the neighbour's. What it opens beyond these is dropped, which tells it at
//! once.

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;

use std::collections::VecDeque;
use std::future::{Future, ready};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, select};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::swarm::handler::ConnectionEvent;
use libp2p::swarm::{ConnectionHandler, ConnectionHandlerEvent, Stream, SubstreamProtocol};
use statemesh_core::mesh::catch_up::{MAX_REPLY, MAX_REQUEST};

use crate::transport::Timer;

/// Name of the protocol, as peers tell it in identify.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/statemesh/catch-up/1");

/// What a stream brought.
#[derive(Debug)]
pub(crate) enum Word {
    /// A question, and where its answer goes.
    Asked(Vec<u8>, Responder),
    /// The answer to the question of ours.
    Told(Vec<u8>),
    /// There will be none. Every question ends in this or in an answer.
    Untold,
}

/// Takes the answer to a question; dropped, it refuses.
pub(crate) type Responder = oneshot::Sender<Vec<u8>>;

/// The streams of one connection.
#[derive(Default)]
pub(crate) struct Handler {
    /// Our questions that no stream was asked for yet.
    waiting: VecDeque<Vec<u8>>,
    asking: Vec<Work>,
    answering: Vec<Work>,
}

/// What is done with one stream.
type Work = BoxFuture<'static, Step>;

/// How far it came.
enum Step {
    Say(Word),
    /// The question was read, the stream waits for its answer.
    Read(Vec<u8>, Stream, Timer),
    End,
}

/// A question of ours and the time it has.
pub(crate) struct Question(Vec<u8>, Timer);

impl ConnectionHandler for Handler {
    type FromBehaviour = Vec<u8>;
    type ToBehaviour = Word;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Question;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn on_behaviour_event(&mut self, question: Vec<u8>) {
        self.waiting.push_back(question);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), Question>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(opened) if self.answering.len() < STREAMS => {
                let question = listen(opened.protocol, Timer::new(LIMIT));
                self.answering.push(Box::pin(question));
            }
            ConnectionEvent::FullyNegotiatedOutbound(opened) => {
                let answer = ask(opened.protocol, opened.info);
                self.asking.push(Box::pin(answer));
            }
            ConnectionEvent::DialUpgradeError(_) => {
                let failed = ready(Step::Say(Word::Untold));
                self.asking.push(Box::pin(failed));
            }
            // Not an enum of ours, and the others are not about streams of ours, or about one too many.
            _ => {}
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Question, Word>> {
        if let Some(question) = self.waiting.pop_front() {
            let question = Question(question, Timer::new(LIMIT));
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), question);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: protocol.with_timeout(LIMIT),
            });
        }
        while let Some(step) = next(&mut self.asking, cx).or_else(|| next(&mut self.answering, cx))
        {
            let word = match step {
                Step::Say(word) => word,
                Step::Read(question, stream, timer) => {
                    let (responder, answered) = oneshot::channel();
                    let answer = answer(stream, timer, answered);
                    self.answering.push(Box::pin(answer));
                    Word::Asked(question, responder)
                }
                Step::End => continue,
            };
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(word));
        }
        Poll::Pending
    }
}

/// The step of some stream that made one; the stream is taken out.
fn next(works: &mut Vec<Work>, cx: &mut Context<'_>) -> Option<Step> {
    let mut places = works.iter_mut().enumerate();
    let (at, step) = places.find_map(|(at, work)| match work.as_mut().poll(cx) {
        Poll::Ready(step) => Some((at, step)),
        Poll::Pending => None,
    })?;
    drop(works.swap_remove(at));
    Some(step)
}

async fn ask(mut stream: Stream, Question(question, mut timer): Question) -> Step {
    let answer = within(&mut timer, async {
        write(&mut stream, &question).await?;
        read(&mut stream, MAX_REPLY).await
    });
    Step::Say(answer.await.map_or(Word::Untold, Word::Told))
}

async fn listen(mut stream: Stream, mut timer: Timer) -> Step {
    let question = within(&mut timer, read(&mut stream, MAX_REQUEST)).await;
    match question {
        Ok(question) => Step::Read(question, stream, timer),
        Err(error) => {
            tracing::debug!(%error, "a neighbour's question was not read");
            Step::End
        }
    }
}

async fn answer(mut stream: Stream, mut timer: Timer, answer: oneshot::Receiver<Vec<u8>>) -> Step {
    let told = within(&mut timer, async {
        write(&mut stream, &answer.await.unwrap_or_default()).await
    });
    if let Err(error) = told.await {
        // A neighbour that does not take its answer has lost it.
        tracing::debug!(%error, "a neighbour's question was not answered");
    }
    Step::End
}

async fn within<T>(timer: &mut Timer, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match select(pin!(work), timer).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Four bytes of length, then that many bytes. Room is made as bytes come, not as their length promises.
async fn read<T: AsyncRead + Unpin>(io: &mut T, most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length);
    if length as usize > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    io.take(length.into()).read_to_end(&mut bytes).await?;
    if bytes.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Nothing is written on the stream after it. In one piece: what is written on a WebRTC stream before it is flushed goes out
/// as one message, and one that does not fit 16 KiB fails, as a length and a full part behind it would.
async fn write<T: AsyncWrite + Unpin>(io: &mut T, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let framed = [&length.to_be_bytes(), bytes].concat();
    io.write_all(&framed).await?;
    io.close().await
}

/// For a question and its answer. Core gives a neighbour up after ten seconds.
const LIMIT: Duration = Duration::from_secs(8);
/// Questions of a neighbour at the same time.
const STREAMS: usize = 4;
