//! The way to the database is verified.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::{
    poorten::Poorten,
    postgres::{Cluster, give},
};

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key of a server with this name, where the server can read them.
fn certificate(dir: &Path, ca: &CertifiedIssuer<'static, KeyPair>, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, ca).unwrap();
    for (file, text) in [("server.pem", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = dir.join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        give(&path);
    }
}

#[test]
fn over_a_network_the_database_is_verified_by_its_ca_and_its_name() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (ca, other) = (authority("CA van de database"), authority("een andere CA"));
    certificate(dir.path(), &ca, "localhost");
    let in_dir = |name: &str, file: &str| format!("{name}={}", dir.path().join(file).display());
    let settings = [in_dir("ssl_cert_file", "server.pem"), in_dir("ssl_key_file", "server.key")];
    let cluster = Cluster::start(&[&settings[0], &settings[1], "listen_addresses=127.0.0.1"]);
    cluster.set("ssl", "on");
    let database = cluster.database();

    let url = |host: &str| format!("{}?sslrootcert=db-ca.pem", cluster.url_over_tcp(host, &database));
    let mut poorten = Poorten::prepare(&[url("127.0.0.1"), url("localhost")]);
    fs::write(poorten.path().join("db-ca.pem"), ca.pem()).unwrap();
    let refused = poorten.refuses(0);
    assert!(refused.contains("not valid for name"), "{refused}");
    poorten.serve(1);
    poorten.stop(1);

    fs::write(poorten.path().join("db-ca.pem"), other.pem()).unwrap();
    let refused = poorten.refuses(1);
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    fs::write(poorten.path().join("db-ca.pem"), ca.pem()).unwrap();

    // Whoever is in between and says that there is no TLS gets nothing.
    cluster.set("ssl", "off");
    let refused = poorten.refuses(1);
    assert!(refused.to_lowercase().contains("tls"), "{}", refused);
    cluster.set("ssl", "on");
}
