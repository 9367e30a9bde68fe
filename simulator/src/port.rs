//! Reserves a port, even while no server listens on it.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// A port that the system assigns to no other process while this exists.
///
/// A server that goes down frees its port, and another process may be assigned it and respond instead. A socket that is
/// bound but does not listen keeps the port: connections are refused until a server listens on it, possibly in another
/// process. That server must set `SO_REUSEADDR`, as Rust's, Python's and Envoy's do.
///
/// Only Linux lets two sockets share a port this way. Elsewhere the port was merely free a moment ago.
#[derive(Debug)]
pub struct ReservedPort {
    address: SocketAddr,
    /// Closing it frees the port.
    _holder: Option<Socket>,
}

impl ReservedPort {
    /// Any free port of the loopback interface.
    ///
    /// # Errors
    /// No port is free.
    pub fn loopback() -> io::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// The port of `address`, or any if that is 0.
    ///
    /// # Errors
    /// The address is in use, or not local.
    pub fn at(address: SocketAddr) -> io::Result<Self> {
        let holder = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        holder.set_reuse_address(true)?;
        holder.bind(&address.into())?;
        let address = holder
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self {
            address,
            _holder: cfg!(target_os = "linux").then_some(holder),
        })
    }

    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::{Dialect, Provider};

    #[test]
    fn refuses_connections_until_somebody_listens() {
        let port = ReservedPort::loopback().unwrap();
        for _ in 0..2 {
            let refused = TcpStream::connect(port.address()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(port.address()).unwrap();
            TcpStream::connect(port.address()).unwrap();
            listener.accept().unwrap();
        }
    }

    #[tokio::test]
    async fn of_a_provider_that_is_down_is_given_to_nobody() {
        let provider = Provider::start("down", Dialect::OpenAi).await.unwrap();
        provider.go_down();
        while TcpStream::connect(provider.address()).is_ok() {
            tokio::task::yield_now().await;
        }
        // As many as a system usually has.
        for _ in 0..30_000 {
            let other = TcpListener::bind("127.0.0.1:0").unwrap();
            assert_ne!(other.local_addr().unwrap(), provider.address());
        }
    }
}
