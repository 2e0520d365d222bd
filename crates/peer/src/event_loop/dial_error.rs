//! Why a dial failed, in words for people.

use std::error::Error;
use std::io;

use libp2p::core::transport::TransportError;
use libp2p::swarm::DialError;
use libp2p::{Multiaddr, PeerId};

use crate::mesh::DialFailure;

/// One reason per address that was tried.
pub(crate) fn failures(error: DialError, tried: &[Multiaddr]) -> Vec<DialFailure> {
    match error {
        DialError::Transport(errors) => errors
            .into_iter()
            .map(|(address, error)| failure(address, transport_reason(error)))
            .collect(),
        DialError::WrongPeerId { obtained, address } => {
            vec![failure(address, wrong_peer(obtained))]
        }
        DialError::LocalPeerId { address } => {
            vec![failure(address, "that is this peer itself".to_owned())]
        }
        DialError::Denied { cause } => all(tried, &format!("refused by own limits: {cause}")),
        DialError::Aborted => all(tried, "given up"),
        DialError::NoAddresses => all(tried, "no address to dial"),
        DialError::DialPeerConditionFalse(_) => all(tried, "a connection was made meanwhile"),
    }
}

fn all(tried: &[Multiaddr], reason: &str) -> Vec<DialFailure> {
    let failures = tried.iter().cloned();
    failures
        .map(|address| failure(address, reason.to_owned()))
        .collect()
}

fn failure(address: Multiaddr, reason: String) -> DialFailure {
    DialFailure {
        address: Some(address),
        reason,
    }
}

fn wrong_peer(obtained: PeerId) -> String {
    format!("another peer answers there: {obtained}")
}

fn transport_reason(error: TransportError<io::Error>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => {
            "no transport here for this kind of address".to_owned()
        }
        TransportError::Other(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)".into(),
            io::ErrorKind::TimedOut => "no answer in time".into(),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                "no route to that host".into()
            }
            io::ErrorKind::PermissionDenied => "this host does not permit it".into(),
            // Not an enum of ours: every other kind speaks for itself.
            _ => innermost(&error),
        },
    }
}

/// Transports wrap errors many times over; the innermost one says what happened.
fn innermost(error: &io::Error) -> String {
    let mut inner: &dyn Error = error;
    let mut refused = false;
    // An io::Error's own source skips the error that it wraps.
    let mut next = error.get_ref().map(|error| error as &dyn Error);
    while let Some(error) = next {
        inner = error;
        let wrapped = error.downcast_ref::<io::Error>();
        refused |= wrapped.is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused);
        next = wrapped
            .and_then(|error| error.get_ref())
            .map(|error| error as &dyn Error)
            .or_else(|| error.source());
    }
    match refused {
        true => "nobody listens there (connection refused)".to_owned(),
        false => inner.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Multiaddr {
        "/ip4/127.0.0.1/tcp/1".parse().unwrap()
    }

    fn reason(error: io::Error) -> String {
        let error = DialError::Transport(vec![(address(), TransportError::Other(error))]);
        let [failure] = failures(error, &[]).try_into().unwrap();
        assert_eq!(failure.address, Some(address()));
        failure.reason
    }

    #[test]
    fn wrapped_errors_say_what_happened() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(reason(refused()).contains("refused"));
        let wrapped = io::Error::other(io::Error::other(refused()));
        assert!(reason(wrapped).contains("nobody listens"));
        let odd = io::Error::other(io::Error::other("handshake said no"));
        assert_eq!(reason(odd), "handshake said no");
    }

    #[test]
    fn every_address_gets_its_reason() {
        let tried = [address(), "/memory/1".parse().unwrap()];
        let failures = failures(DialError::Aborted, &tried);
        assert_eq!(failures.len(), 2);
        assert_eq!(failures[1].address.as_ref(), Some(&tried[1]));
    }
}
