//! The direct protocol between neighbours, `/statemesh/catch-up/1`: one request, one answer, each with its length before it.
//!
//! What the bytes mean is core's; here they are bounded. An empty answer is a refusal. Kept apart from the topic: whoever
//! does not speak it is introduced to everything there.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response::{self, Codec, ProtocolSupport};
use statemesh_core::mesh::catch_up::{MAX_REPLY, MAX_REQUEST};

/// Requests and answers as bytes.
pub(crate) type Behaviour = request_response::Behaviour<Lengths>;

/// What the behaviour tells.
pub(crate) type Event = request_response::Event<Vec<u8>, Vec<u8>>;

/// Where an answer goes.
pub(crate) type Channel = request_response::ResponseChannel<Vec<u8>>;

/// Name of the protocol, as peers tell it in identify.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/statemesh/catch-up/1");

pub(super) fn behaviour() -> Behaviour {
    let config = request_response::Config::default()
        .with_request_timeout(TIMEOUT)
        .with_max_concurrent_streams(STREAMS);
    Behaviour::with_codec(Lengths, [(PROTOCOL, ProtocolSupport::Full)], config)
}

/// Four bytes of length, then that many bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lengths;

impl Codec for Lengths {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_REQUEST).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_REPLY).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &request).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}

/// Room is made as bytes come, not as their length promises.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T, most: usize) -> io::Result<Vec<u8>> {
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

async fn write<T: AsyncWrite + Unpin + Send>(io: &mut T, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await?;
    io.flush().await
}

/// Core gives a neighbour up after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Requests at the same time, of one connection.
const STREAMS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;

    #[test]
    fn lengths_are_kept_and_lies_about_them_refused() {
        let mut wire = Cursor::new(Vec::new());
        block_on(write(&mut wire, b"hello")).unwrap();
        let bytes = wire.into_inner();
        let told = |bytes: &[u8], most| block_on(read(&mut Cursor::new(bytes.to_vec()), most));
        assert_eq!(told(&bytes, 5).unwrap(), b"hello");
        assert!(told(&bytes, 4).is_err(), "more than allowed");
        assert!(told(&bytes[..8], 5).is_err(), "less than promised");
        assert!(told(&[0xff; 4], MAX_REPLY).is_err());
    }
}
