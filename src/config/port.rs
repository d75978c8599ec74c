//! `[grpc]`, `[toezicht]` and `[beheer]`: where a port is, and which balancers may stand before it. `[waarneming]`: where the gateway tells
//! how it stands.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;

use crate::lezen::section::{Section, Vorm};

/// A port of the gateway.
#[derive(Clone, Debug)]
pub struct Port {
    /// Where it listens.
    pub adres: SocketAddr,
    /// Who connects from here is a balancer: it says by the PROXY protocol (version 2) for whom, and must.
    pub proxy_van: Vec<IpNet>,
    /// Whether its services are described to who may call them (gRPC reflection).
    pub reflectie: bool,
}

impl Port {
    /// A port at this address, without balancers before it.
    #[must_use]
    pub fn at(adres: SocketAddr) -> Self {
        Self { adres, proxy_van: Vec::new(), reflectie: false }
    }
}

/// An address, or a network whose address is its first one: `10.0.0.7` or `10.1.0.0/16`.
struct Netwerk(IpNet);

impl FromStr for Netwerk {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| ())?,
        };
        // `10.1.0.7/16` is a typing error, or means one machine: whoever wrote it has to say which. The whole internet is no balancer:
        // then anybody could say for whom it connects.
        if network.trunc() == network && network.prefix_len() > 0 { Ok(Self(network)) } else { Err(()) }
    }
}

fn adres(section: &Section<'_>) -> Option<SocketAddr> {
    let vorm = Vorm::fixed(
        "een IP-adres met poort, zoals 127.0.0.1:7443",
        "an IP address with a port, such as 127.0.0.1:7443",
    );
    Some(section.parsed::<SocketAddr>("adres", &vorm)?.value)
}

/// The section of the port without TLS.
pub(super) fn waarneming(section: Section<'_>) -> Option<SocketAddr> {
    let adres = adres(&section);
    section.finish();
    adres
}

/// The section of a port.
pub(super) fn port(section: Section<'_>) -> Option<Port> {
    let networks = Vorm::fixed(
        "IP-adressen of netwerken, zoals 10.0.0.7 of 10.1.0.0/16",
        "IP addresses or networks, such as 10.0.0.7 or 10.1.0.0/16",
    );
    let adres = adres(&section);
    let proxy_van = section.list::<Netwerk>("proxy_van", &networks, true).into_iter().map(|network| network.value.0);
    let proxy_van = proxy_van.collect();
    let reflectie = section.flag("reflectie", false);
    section.finish();
    Some(Port { adres: adres?, proxy_van, reflectie })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_and_never_everybody() {
        for good in ["10.0.0.7", "10.1.0.0/16", "fd00::/8", "::1"] {
            assert!(good.parse::<Netwerk>().is_ok(), "{good}");
        }
        for bad in ["10.1.0.7/16", "0.0.0.0/0", "::/0", "10.1.0.0/33", "balancer", ""] {
            assert!(bad.parse::<Netwerk>().is_err(), "{bad}");
        }
    }
}
