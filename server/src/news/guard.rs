//! Which addresses may be asked: public ones, and those that the settings allow besides. Checked after resolution, so that
//! a name cannot point inside, and for literal addresses, which are not resolved.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Addresses that may be asked: every public one, and these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(Vec<Network>);

/// An address, or all that begin like it: `192.168.1.5`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// One of them, as IPv6 (IPv4 mapped into it).
    address: u128,
    /// How many of its first bits count, 0 to 128.
    n_bits: u32,
}

impl Reach {
    /// Public addresses and those of these networks.
    #[must_use]
    pub fn public_and(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// Every address.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec![Network { address: 0, n_bits: 0 }])
    }

    /// What either may ask.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn includes(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.0.iter().any(|network| network.includes(ip))
    }

    /// Checks an address before it is asked; a name in it is left to its resolution.
    ///
    /// # Errors
    /// Why it may not be asked, for a person to read.
    pub(super) fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{}: is not followed, only http: and https:", url.scheme()));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(_)) => None,
            None => return Err("the address has no host".to_owned()),
        };
        match literal.filter(|ip| !self.includes(*ip)) {
            Some(ip) => Err(format!("{ip} is no public address; news_private allows others")),
            None => Ok(()),
        }
    }

    /// The addresses of a page's host that may be asked; at least one.
    ///
    /// # Errors
    /// Why there is none, for a person to read.
    pub(super) async fn look_up(&self, url: &Url) -> Result<Vec<SocketAddr>, String> {
        self.check(url)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("the address has no host".to_owned());
        };
        self.resolve(host.trim_start_matches('[').trim_end_matches(']'), port).await
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        let found =
            tokio::net::lookup_host((host, port)).await.map_err(|error| format!("{host}: {error}"))?;
        let allowed: Vec<SocketAddr> = found.filter(|address| self.includes(address.ip())).collect();
        if allowed.is_empty() {
            return Err(format!("{host} has no public address; news_private allows others"));
        }
        Ok(allowed)
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = Self::resolve(&reach, name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Network {
    fn includes(self, ip: IpAddr) -> bool {
        let differing = self.address ^ bits(ip);
        self.n_bits <= differing.leading_zeros()
    }
}

impl FromStr for Network {
    /// What is wrong and what is allowed.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let wrong = || {
            "not an address or network: give refuse, allow, or some such as 192.168.1.5, 10.0.0.0/8 or fd00::/8"
                .to_owned()
        };
        let ip: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let n_bits_of_it = if ip.is_ipv4() { 32 } else { 128 };
        let n_bits = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| wrong())?,
            None => n_bits_of_it,
        };
        if n_bits_of_it < n_bits {
            return Err(wrong());
        }
        Ok(Self { address: bits(ip), n_bits: 128 - n_bits_of_it + n_bits })
    }
}

/// Every dress of an IPv4 address becomes the mapped one.
fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => embedded_v4(ip).map_or_else(|| ip.to_bits(), |ip| ip.to_ipv6_mapped().to_bits()),
    }
}

/// Whether an address is one of the public internet. Source: IANA's special-purpose address registries.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded_v4(ip) {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || (a == 100 && (64..128).contains(&b)) // shared by carriers
        || (a == 192 && b == 0 && (c == 0 || c == 2)) // protocol assignments, documentation
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || ip.is_documentation()
        || 224 <= a; // multicast, reserved, broadcast
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let is_global_unicast = a & 0xe000 == 0x2000;
    let is_documentation = (a == 0x2001 && b == 0x0db8) || a & 0xfff0 == 0x3ff0;
    let is_protocol = a == 0x2001 && b < 0x0200;
    is_global_unicast && !is_documentation && !is_protocol
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, by 6to4, or by NAT64.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(v4(high, low)),
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_seen_in_every_dress() {
        for private in [
            "0.0.0.0",
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "2002:101:101::"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_checked_before_it_is_asked() {
        let check = |reach: &Reach, text: &str| reach.check(&Url::parse(text).unwrap()).is_ok();
        let (public, all) = (Reach::default(), Reach::everything());
        assert!(check(&public, "https://example.org/"));
        for text in
            ["http://127.0.0.1/", "http://[::1]:80/", "http://2130706433/", "http://0x7f.1/", "http://127.1/"]
        {
            assert!(!check(&public, text), "{text}");
            assert!(check(&all, text), "{text}");
        }
        for text in ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "data:text/html,x"]
        {
            assert!(!check(&all, text), "{text}");
        }
    }

    #[test]
    fn a_network_includes_what_begins_like_it() {
        let includes =
            |network: &str, ip: &str| network.parse::<Network>().unwrap().includes(ip.parse().unwrap());
        for (network, ip, expected) in [
            ("127.0.0.2", "127.0.0.2", true),
            ("127.0.0.2", "127.0.0.3", false),
            ("127.0.0.2", "::ffff:127.0.0.2", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::1", false),
            ("0.0.0.0/0", "192.168.0.1", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("fd00::/8", "fd12:3456::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "10.0.0.1", true),
        ] {
            assert_eq!(includes(network, ip), expected, "{ip} in {network}");
        }
        for bad in ["", "local", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
