//! A gateway behind a real balancer: HAProxy, which hands TCP on and says for whom.

use std::{
    fs,
    io::Read,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::served::{Served, expect, free_port, until};

/// HAProxy in TCP mode on a port of its own, until it is dropped.
struct Balancer {
    child: Child,
    port: u16,
}

impl Balancer {
    fn before(served: &Served, gateway: u16) -> Self {
        let port = free_port();
        let config = served.path().join("haproxy.cfg");
        let text = format!(
            "global\n maxconn 500\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             frontend voor\n bind 127.0.0.1:{port}\n default_backend achter\n\
             backend achter\n server poort 127.0.0.1:{gateway} send-proxy-v2 check inter 100ms\n"
        );
        fs::write(&config, text).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut haproxy = Command::new("haproxy");
        haproxy.env("PATH", path).arg("-db").arg("-f").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = haproxy.spawn().expect("tests/run installs haproxy");
        until("the balancer opens its port", || {
            assert!(child.try_wait().unwrap().is_none(), "haproxy ended by itself");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { child, port }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn partners_get_through_a_balancer_beside_eighty_silent_sockets() {
    let mut served = Served::prepare();
    let profile = fs::read_to_string(served.profile_dir("zsm").join("profiel.toml")).unwrap();
    let gateway: u16 = profile.split("127.0.0.1:").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    let adres = format!("adres = \"127.0.0.1:{gateway}\"");
    served.configure(&adres, &format!("{adres}\nproxy_van = [\"127.0.0.1\"]"));
    served.serve();
    let balancer = Balancer::before(&served, gateway);
    let file = served.profile_dir("zsm").join("profiel.toml");
    fs::write(&file, profile.replace(&gateway.to_string(), &balancer.port.to_string())).unwrap();

    let look = || expect(&served.partner("loketten", "zsm", &[]), 0);
    look();
    for _ in 0..3 {
        let mut silent: Vec<TcpStream> =
            (0..80).map(|_| TcpStream::connect(("127.0.0.1", balancer.port)).unwrap()).collect();
        look();
        // The oldest makes room, or a second of silence is over.
        silent[0].set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(silent[0].read(&mut [0]).unwrap_or(0), 0);
    }
    served.says("dropped before its handshake");
    let log = served.log();
    assert!(log.contains("address=127.0.0.1"), "{log}");
    // That the balancer looks whether the gateway is there is no event.
    assert!(!log.contains("PROXY header"), "{log}");
}
