//! The PROXY protocol, version 2, by which a balancer says whose connection it hands on.
//!
//! Read only from addresses that the configuration names, and then required: whoever else could write such a header would
//! choose under which address it is counted.

use std::net::IpAddr;

use ppp::v2::{Addresses, Command, Header, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Signature, version, family and length.
const FIXED: usize = 16;
/// What may follow them, bytes: addresses take 36, the rest is what balancers add.
const MOST: usize = 2048;

/// What a balancer said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It hands on the connection of this client.
    Client(IpAddr),
    /// It only looks whether the gateway is there.
    Itself,
}

/// Why a header is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ProxyError {
    #[error("the PROXY header was cut off")]
    Cut,
    #[error("no PROXY header, from an address that must send one")]
    Absent,
    #[error("a PROXY header of version 1; only version 2 is taken")]
    Version1,
    #[error("a PROXY header of {0} bytes; at most {MOST}")]
    TooLong(usize),
    #[error("a PROXY header whose parts do not fit its length")]
    Malformed,
    #[error("a PROXY header without the TCP address of a client")]
    NoAddress,
}

/// Reads the header, and not a byte more.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Said, ProxyError> {
    let mut header = vec![0; FIXED];
    let first = stream.read(&mut header).await.map_err(|_| ProxyError::Cut)?;
    if first == 0 {
        // A balancer that only looks whether the port is open.
        return Ok(Said::Itself);
    }
    stream.read_exact(&mut header[first..]).await.map_err(|_| ProxyError::Cut)?;
    if header.starts_with(b"PROXY ") {
        return Err(ProxyError::Version1);
    }
    if !header.starts_with(ppp::v2::PROTOCOL_PREFIX) {
        return Err(ProxyError::Absent);
    }
    let length = usize::from(u16::from_be_bytes([header[FIXED - 2], header[FIXED - 1]]));
    if length > MOST {
        return Err(ProxyError::TooLong(length));
    }
    header.resize(FIXED + length, 0);
    stream.read_exact(&mut header[FIXED..]).await.map_err(|_| ProxyError::Cut)?;
    parse(&header)
}

fn parse(header: &[u8]) -> Result<Said, ProxyError> {
    let header = Header::try_from(header).map_err(|_| ProxyError::Malformed)?;
    if header.tlvs().any(|part| part.is_err()) {
        return Err(ProxyError::Malformed);
    }
    match (header.command, header.protocol, header.addresses) {
        (Command::Local, ..) => Ok(Said::Itself),
        (Command::Proxy, Protocol::Stream, Addresses::IPv4(v4)) => Ok(Said::Client(v4.source_address.into())),
        (Command::Proxy, Protocol::Stream, Addresses::IPv6(v6)) => Ok(Said::Client(v6.source_address.into())),
        (Command::Proxy, ..) => Err(ProxyError::NoAddress),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of this version and command, family and protocol, with these bytes as its body.
    fn header(command: u8, family: u8, length: usize, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(length).unwrap().to_be_bytes();
        [ppp::v2::PROTOCOL_PREFIX, &[command, family], &length, body].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x30, 0x39, 0x1d, 0x13];

    async fn said(bytes: &[u8]) -> Result<Said, ProxyError> {
        read(&mut &*bytes).await
    }

    #[tokio::test]
    async fn a_header_names_the_client_and_nothing_behind_it_is_read() {
        let client = Said::Client(IpAddr::from([192, 0, 2, 7]));
        let bytes = [header(0x21, 0x11, 12, &V4), b"TLS".to_vec()].concat();
        let mut rest = bytes.as_slice();
        assert_eq!(read(&mut rest).await, Ok(client));
        assert_eq!(rest, b"TLS");
        // With a TLV, as balancers add them.
        let body = [V4.as_slice(), &[0x05, 0, 2, b'i', b'd']].concat();
        assert_eq!(said(&header(0x21, 0x11, body.len(), &body)).await, Ok(Said::Client(IpAddr::from([192, 0, 2, 7]))));
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 0x01]);
        assert_eq!(said(&header(0x21, 0x21, 36, &v6)).await, Ok(Said::Client("2001::".parse().unwrap())));
    }

    #[tokio::test]
    async fn a_header_that_lies_is_cut_or_is_another_is_refused() {
        for (bytes, error) in [
            (header(0x21, 0x11, 4, &V4), ProxyError::Malformed),
            (header(0x21, 0x21, 12, &V4), ProxyError::Malformed),
            (header(0x31, 0x11, 12, &V4), ProxyError::Malformed),
            (header(0x21, 0x11, 16, &[V4.as_slice(), &[5, 0, 9, 1]].concat()), ProxyError::Malformed),
            (header(0x21, 0x11, 13, &[V4.as_slice(), &[5]].concat()), ProxyError::Malformed),
            (header(0x21, 0x11, 40, &V4), ProxyError::Cut),
            (header(0x21, 0x11, 12, &V4)[..20].to_vec(), ProxyError::Cut),
            (header(0x21, 0x11, 12, &V4)[..7].to_vec(), ProxyError::Cut),
            (header(0x21, 0x11, 60_000, &V4), ProxyError::TooLong(60_000)),
            (header(0x21, 0x12, 12, &V4), ProxyError::NoAddress),
            (header(0x21, 0x00, 0, &[]), ProxyError::NoAddress),
            (header(0x21, 0x31, 216, &[0; 216]), ProxyError::NoAddress),
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), ProxyError::Version1),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client hello".to_vec(), ProxyError::Absent),
        ] {
            assert_eq!(said(&bytes).await, Err(error), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_balancer_that_only_looks_is_no_client() {
        assert_eq!(said(&header(0x20, 0x00, 0, &[])).await, Ok(Said::Itself));
        assert_eq!(said(&header(0x20, 0x11, 12, &V4)).await, Ok(Said::Itself));
        assert_eq!(said(b"").await, Ok(Said::Itself));
    }
}
