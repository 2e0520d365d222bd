//! Keeps the WebRTC certificate, so that `/certhash/…` in the addresses people hold survives a restart.
//!
//! The file is what `libp2p-webrtc` writes: three PEM blocks `EXPIRES` (seconds since 1970, eight bytes little
//! endian), `PRIVATE_KEY`, `CERTIFICATE`. Validity is the library's choice, not ours: it signs until the year 4096 and
//! takes no other wish. The stamp is nevertheless obeyed: a certificate that is about to expire is replaced at start.
//! A file that cannot be read is an error; one that holds no certificate is replaced, since nothing but the hash in
//! old addresses is lost with it.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use libp2p_webrtc::tokio::Certificate;

use crate::mesh::SpawnError;
use crate::private_file;

/// The certificate kept in `dir`, or a fresh one that is kept there from now on; a passing one without `dir`.
///
/// # Errors
/// [`SpawnError::Identity`] when the file can be neither read nor written.
pub(super) fn load_or_create(
    dir: Option<&Path>,
    now: SystemTime,
) -> Result<Certificate, SpawnError> {
    let Some(dir) = dir else {
        return generate();
    };
    let path = dir.join(FILE);
    match private_file::read(&path, MAX_FILE) {
        Ok(bytes) => match parse(&bytes, now) {
            Ok(certificate) => return Ok(certificate),
            Err(reason) => {
                tracing::warn!("{}: {reason}; a fresh one takes its place", path.display());
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            tracing::warn!(
                "{}: no certificate; a fresh one takes its place",
                path.display()
            );
        }
        Err(error) => {
            return Err(SpawnError::Identity(format!(
                "cannot read the WebRTC certificate {}: {error}; make it readable for this user or name another data folder",
                path.display()
            )));
        }
    }
    let certificate = generate()?;
    private_file::write(&path, certificate.serialize_pem().as_bytes()).map_err(|error| {
        SpawnError::Identity(format!(
            "cannot write the WebRTC certificate {}: {error}; make its folder writable for this user or name another data folder",
            path.display()
        ))
    })?;
    Ok(certificate)
}

fn generate() -> Result<Certificate, SpawnError> {
    Certificate::generate(&mut rand::rng())
        .map_err(|error| SpawnError::Identity(format!("no WebRTC certificate: {error}")))
}

fn parse(bytes: &[u8], now: SystemTime) -> Result<Certificate, Unusable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unusable::Broken)?;
    // The library's own parser panics on a short EXPIRES block, so the frame is checked first.
    let blocks = pem::parse_many(text).map_err(|_| Unusable::Broken)?;
    let [expires, key, certificate] = blocks.as_slice() else {
        return Err(Unusable::Broken);
    };
    if expires.tag() != "EXPIRES"
        || key.tag() != "PRIVATE_KEY"
        || certificate.tag() != "CERTIFICATE"
    {
        return Err(Unusable::Broken);
    }
    let seconds = expires
        .contents()
        .try_into()
        .map_err(|_| Unusable::Broken)?;
    let expires = SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(u64::from_le_bytes(seconds)))
        .ok_or(Unusable::Broken)?;
    if expires < now + RENEW_BEFORE {
        return Err(Unusable::Expiring);
    }
    Certificate::from_pem(text).map_err(|_| Unusable::Broken)
}

/// Why a kept certificate is not used any more.
#[derive(Debug, PartialEq, thiserror::Error)]
enum Unusable {
    /// Cut off, edited, or something else altogether.
    #[error("no certificate")]
    Broken,
    /// Its time is (nearly) over.
    #[error("the certificate expires")]
    Expiring,
}

/// In the data folder, beside the key.
const FILE: &str = "webrtc.pem";
/// One certificate takes about 900 bytes.
const MAX_FILE: u64 = 64 * 1024;
/// A process may run this long after its start before its certificate expires.
const RENEW_BEFORE: Duration = Duration::from_secs(90 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::private_file::tests::TempDir;

    /// The year 4096, until which the library signs, as seconds since 1970.
    const LIBRARY_EXPIRY: u64 = 67_090_118_400;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn survives_a_restart_for_its_owner_only() {
        let dir = TempDir::new();
        let now = SystemTime::now();
        let first = load_or_create(Some(dir.path()), now).unwrap();
        let second = load_or_create(Some(dir.path()), now).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        assert_eq!(first, second);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let meta = std::fs::metadata(dir.path().join(FILE)).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn is_renewed_before_it_expires_and_not_earlier() {
        let dir = TempDir::new();
        let first = load_or_create(Some(dir.path()), SystemTime::now()).unwrap();
        let early = at(LIBRARY_EXPIRY) - RENEW_BEFORE - Duration::from_secs(2 * 24 * 3600);
        let kept = load_or_create(Some(dir.path()), early).unwrap();
        assert_eq!(first, kept);
        let late = at(LIBRARY_EXPIRY) - RENEW_BEFORE + Duration::from_secs(2 * 24 * 3600);
        let renewed = load_or_create(Some(dir.path()), late).unwrap();
        assert_ne!(first.fingerprint(), renewed.fingerprint());
    }

    #[test]
    fn what_is_no_certificate_is_replaced_without_a_panic() {
        let dir = TempDir::new();
        let path = dir.path().join(FILE);
        let good = load_or_create(Some(dir.path()), SystemTime::now()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let short = pem::encode(&pem::Pem::new("EXPIRES", [1, 2, 3]));
        let rest = text.split_once("\n\n").unwrap().1;
        for broken in [
            String::new(),
            "hello".to_owned(),
            text[..text.len() / 2].to_owned(),
            rest.to_owned(),
            format!("{short}\n{rest}"),
            "x".repeat(100_000),
        ] {
            std::fs::write(&path, &broken).unwrap();
            let fresh = load_or_create(Some(dir.path()), SystemTime::now()).unwrap();
            assert_ne!(fresh.fingerprint(), good.fingerprint());
            let again = load_or_create(Some(dir.path()), SystemTime::now()).unwrap();
            assert_eq!(fresh, again);
        }
    }

    #[test]
    fn an_unreadable_file_is_told() {
        let dir = TempDir::new();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        let error = load_or_create(Some(dir.path()), SystemTime::now()).unwrap_err();
        assert!(error.to_string().contains("cannot read"), "{error}");
    }
}
