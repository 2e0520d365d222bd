//! Catching up on a direct stream: what a newcomer asks one neighbour, and what that neighbour passes on.
//!
//! ```text
//! newcomer  -> Request { what I know, from where on } -> neighbour
//! neighbour -> Reply { signed messages of owners, verbatim; more } -> newcomer checks signatures -> first-hand
//! ```
//!
//! The topic carries only what is new: a newcomer costs the mesh one stream, not an introduction by everybody (spec P14, S8).
//! A message signed by its owner is the owner's own word whoever hands it over, so Go owners are passed on, too.
//! Bounded: a request names [`MAX_KNOWN`] owners, a reply holds [`MAX_REPLY`] bytes. Here: bytes and whom to ask when; what
//! is kept of each owner is the registry's.

use std::sync::Arc;
use std::time::Duration;

use super::wire::LinkEnd;
use crate::collections::OrderedSet;
use crate::ids::PeerId;
use crate::time::Instant;

/// A message of the topic as its author signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who signed it.
    pub author: PeerId,
    /// Its number, part of what was signed.
    pub seqno: u64,
    /// The signature; empty when it is not known, then the message is read but not passed on.
    pub signature: Vec<u8>,
    /// Payload.
    pub data: Vec<u8>,
}

impl Signed {
    /// A message whose signature was checked by somebody who did not keep it.
    #[must_use]
    pub fn without_proof(author: PeerId, data: Vec<u8>) -> Self {
        Self {
            author,
            seqno: 0,
            signature: Vec::new(),
            data,
        }
    }

    /// Bytes it takes in a reply.
    pub(crate) fn len(&self) -> usize {
        self.author.as_bytes().len() + self.signature.len() + self.data.len() + 14
    }
}

/// What somebody wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// Owners up to this one were told before.
    pub(crate) after: Option<PeerId>,
    /// Owners known first-hand, with a digest of what is known of each.
    pub(crate) known: Vec<(LinkEnd, u64)>,
}

/// What a neighbour passes on. Nothing in it is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Messages, those of one owner behind each other.
    pub messages: Vec<Arc<Signed>>,
    /// There is more behind this owner.
    pub more_after: Option<PeerId>,
}

/// Why bytes are no request or reply. The sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message about catching up")]
pub struct Malformed;

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_id(&mut out, self.after);
        for (end, digest) in self.known.iter().take(MAX_KNOWN) {
            out.extend_from_slice(&end.0.to_be_bytes());
            out.extend_from_slice(&digest.to_be_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Rest::of(bytes)?;
        let after = rest.id()?;
        if rest.0.len() > MAX_KNOWN * 16 || rest.0.len() % 16 != 0 {
            return Err(Malformed);
        }
        let mut known = Vec::with_capacity(rest.0.len() / 16);
        while !rest.0.is_empty() {
            known.push((LinkEnd(rest.number()?), rest.number()?));
        }
        Ok(Self { after, known })
    }
}

impl Reply {
    /// The bytes to send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_id(&mut out, self.more_after);
        for message in &self.messages {
            put_id(&mut out, Some(message.author));
            out.extend_from_slice(&message.seqno.to_be_bytes());
            // A signature of any key type has less than 64 KiB, and a payload less than 4 GiB.
            out.extend_from_slice(&(message.signature.len() as u16).to_be_bytes());
            out.extend_from_slice(&(message.data.len() as u32).to_be_bytes());
            out.extend_from_slice(&message.signature);
            out.extend_from_slice(&message.data);
        }
        out
    }

    /// Reads a reply. Check every signature before giving it to the node.
    ///
    /// # Errors
    /// [`Malformed`]; the neighbour's fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_REPLY {
            return Err(Malformed);
        }
        let mut rest = Rest::of(bytes)?;
        let more_after = rest.id()?;
        let mut messages = Vec::new();
        while !rest.0.is_empty() {
            let author = rest.id()?.ok_or(Malformed)?;
            let seqno = rest.number()?;
            let signature = usize::from(rest.short()?);
            let data = u32::from_be_bytes(rest.array()?) as usize;
            messages.push(Arc::new(Signed {
                author,
                seqno,
                signature: rest.take(signature)?.to_vec(),
                data: rest.take(data)?.to_vec(),
            }));
        }
        Ok(Self {
            messages,
            more_after,
        })
    }
}

fn put_id(out: &mut Vec<u8>, id: Option<PeerId>) {
    let bytes = id.as_ref().map_or(&[][..], PeerId::as_bytes);
    // A peer id has 42 bytes at most.
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match bytes {
            [VERSION, rest @ ..] => Ok(Self(rest)),
            _ => Err(Malformed),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    fn id(&mut self) -> Result<Option<PeerId>, Malformed> {
        let [len] = self.array()?;
        match self.take(usize::from(len))? {
            [] => Ok(None),
            bytes => PeerId::from_bytes(bytes).map(Some).map_err(|_| Malformed),
        }
    }
}

/// Whom to ask, and when. One request at a time.
#[derive(Debug, Default)]
pub(crate) struct Pull {
    /// Neighbours that answer. Bounded by the driver's connections.
    speakers: OrderedSet<PeerId>,
    due: Option<Instant>,
    running: Option<Running>,
    /// Whom we asked last: the next one is asked next time.
    last: Option<PeerId>,
    /// Who is known to know more.
    preferred: Option<PeerId>,
    /// Some neighbour has told everything since there is any.
    is_done: bool,
    failures: u32,
    not_before: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    from: PeerId,
    after: Option<PeerId>,
    chunks: u32,
    until: Instant,
}

impl Pull {
    /// This neighbour answers. True when it is new.
    pub(crate) fn add(&mut self, speaker: PeerId) -> bool {
        self.speakers.insert(speaker)
    }

    pub(crate) fn has(&self, speaker: PeerId) -> bool {
        self.speakers.contains(&speaker)
    }

    pub(crate) fn is_possible(&self) -> bool {
        !self.speakers.is_empty()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The neighbour is gone; what it was telling is asked of another one, from there on.
    pub(crate) fn remove(&mut self, speaker: PeerId, now: Instant) {
        self.speakers.remove(&speaker);
        self.is_done &= self.is_possible();
        self.failed(speaker, now);
    }

    /// Asks somebody by then, and not too often.
    pub(crate) fn want(&mut self, at: Instant) {
        let at = at.max(self.not_before);
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Asks that neighbour, if it answers at all.
    pub(crate) fn want_from(&mut self, speaker: PeerId, at: Instant) {
        if self.has(speaker) {
            self.preferred = Some(speaker);
            self.want(at);
        }
    }

    /// When [`Self::take_due`] has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        match self.running {
            Some(running) => Some(running.until),
            None => self.due.filter(|_| self.is_possible()),
        }
    }

    /// Whom to ask now, and from which owner on.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(PeerId, Option<PeerId>)> {
        if let Some(running) = self.running
            && running.until <= now
        {
            self.failed(running.from, now);
        }
        if self.running.is_some() || self.due.is_none_or(|due| due > now) {
            return None;
        }
        let behind = self.speakers.iter().find(|id| self.last < Some(**id));
        let preferred = self.preferred.take().filter(|id| self.has(*id));
        let from = preferred.or(behind.or_else(|| self.speakers.first()).copied())?;
        self.due = None;
        Some(self.start(from, None, 0, now))
    }

    fn start(
        &mut self,
        from: PeerId,
        after: Option<PeerId>,
        chunks: u32,
        now: Instant,
    ) -> (PeerId, Option<PeerId>) {
        self.last = Some(from);
        self.running = Some(Running {
            from,
            after,
            chunks,
            until: now + PATIENCE,
        });
        (from, after)
    }

    /// Whether an answer of this neighbour is waited for.
    pub(crate) fn is_asked(&self, neighbour: PeerId) -> bool {
        self.running
            .is_some_and(|running| running.from == neighbour)
    }

    /// The neighbour told what it had. Returns what to ask next, when there is more.
    pub(crate) fn answered(
        &mut self,
        more_after: Option<PeerId>,
        now: Instant,
    ) -> Option<(PeerId, Option<PeerId>)> {
        let running = self.running.take()?;
        self.failures = 0;
        // Whoever does not get ahead, or never ends, is not asked further.
        let more = more_after.filter(|after| running.after < Some(*after));
        if let Some(after) = more
            && running.chunks < MAX_CHUNKS
        {
            return Some(self.start(running.from, Some(after), running.chunks + 1, now));
        }
        self.is_done = true;
        self.not_before = now + GAP;
        None
    }

    /// The neighbour did not answer: another one is asked, later each time.
    pub(crate) fn failed(&mut self, neighbour: PeerId, now: Instant) {
        if self.is_asked(neighbour) {
            self.running = None;
            self.failures = (self.failures + 1).min(6);
            self.want(now + RETRY * 2_u32.pow(self.failures - 1));
        }
    }
}

/// Of the format.
const VERSION: u8 = 1;
/// Owners named in a request: as many as a registry holds.
pub(crate) const MAX_KNOWN: usize = 4096;
/// Bytes of a request: what a neighbour accepts.
pub const MAX_REQUEST: usize = 64 + 16 * MAX_KNOWN;
/// Bytes of a reply, with room for one owner's largest message behind what has gathered.
pub const MAX_REPLY: usize = 4 << 20;
/// Bytes after which no further owner is told in the same reply: a hundred signatures, which a tab checks in 20 ms.
pub(crate) const ENOUGH: usize = 64 << 10;
/// Replies taken from one neighbour in a row.
const MAX_CHUNKS: u32 = 256;
/// A neighbour answers within that time, or another one is asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// From a failure to the next try, doubled each time.
const RETRY: Duration = Duration::from_millis(100);
/// Between two rounds.
const GAP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::peer_id as id;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn requests_and_replies_survive_and_every_truncation_is_refused() {
        let request = Request {
            after: Some(id(3)),
            known: vec![(LinkEnd(1), 2), (LinkEnd(3), u64::MAX)],
        };
        let bytes = request.encode();
        assert_eq!(Request::decode(&bytes), Ok(request));
        let reply = Reply {
            messages: vec![Arc::new(Signed {
                author: id(9),
                seqno: 7,
                signature: vec![1; 64],
                data: vec![2; 300],
            })],
            more_after: Some(id(9)),
        };
        let bytes = reply.encode();
        assert_eq!(Reply::decode(&bytes), Ok(reply.clone()));
        assert!(bytes.len() <= reply.messages[0].len() + 40);
        for end in 0..bytes.len() {
            // Ends between two messages are ends.
            assert!(end == 36 || Reply::decode(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn a_failure_is_asked_of_the_next_neighbour_and_a_neighbour_that_never_ends_is_left() {
        let mut pull = Pull::default();
        pull.add(id(1));
        pull.add(id(2));
        pull.want(at(10));
        assert_eq!(pull.take_due(at(9)), None);
        assert_eq!(pull.take_due(at(10)), Some((id(1), None)));
        assert_eq!(pull.next(), Some(at(10_010)), "gives up then");
        assert_eq!(pull.take_due(at(10_010)), None);
        assert_eq!(pull.take_due(at(10_110)), Some((id(2), None)));
        assert_eq!(
            pull.answered(Some(id(5)), at(0)),
            Some((id(2), Some(id(5))))
        );
        assert_eq!(pull.answered(Some(id(5)), at(0)), None, "no progress");
        assert!(pull.is_done());
        pull.want(at(0));
        assert_eq!(pull.next(), Some(at(1000)), "not too often");
        pull.remove(id(1), at(0));
        pull.remove(id(2), at(0));
        assert_eq!((pull.next(), pull.is_done()), (None, false));
    }
}
