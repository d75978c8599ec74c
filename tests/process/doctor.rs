//! `doctor`: what is wrong between a partner and the gateway, in words.

use std::fs;

use crate::served::{Served, expect, ketenpoort, stderr, until};

fn doctor(served: &Served, profile: &str) -> std::process::Output {
    ketenpoort().arg("doctor").arg("--profile").arg(served.profile_dir(profile)).output().unwrap()
}

#[test]
fn each_part_is_looked_at_and_what_is_wrong_says_what_to_do() {
    let mut served = Served::start();
    let well = until("the gateway serves", || Some(doctor(&served, "zsm")).filter(|told| told.status.success()));
    let told = expect(&well, 0);
    for part in [
        "uw certificaat: OIN ",
        "uw sleutel: hoort",
        "de naam: 127.0.0.1",
        "de weg erheen: poort ",
        "de verbinding: TLS 1.3",
        "de dienst: de poort doet dienst",
        "uw klok: gelijk",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("FOUT"), "{told}");

    // A key of somebody else.
    let key = served.profile_dir("zsm").join("key.pem");
    let own = fs::read(&key).unwrap();
    fs::copy(served.profile_dir("om").join("key.pem"), &key).unwrap();
    let told = expect(&doctor(&served, "zsm"), 3);
    assert!(told.contains("FOUT  uw sleutel: ") && told.contains("hoort niet bij"), "{told}");
    fs::write(&key, own).unwrap();

    // A gateway whose CA is not trusted.
    let ca = served.profile_dir("zsm").join("ca.pem");
    let own = fs::read(&ca).unwrap();
    let other = Served::prepare();
    fs::copy(other.profile_dir("zsm").join("ca.pem"), &ca).unwrap();
    let told = expect(&doctor(&served, "zsm"), 3);
    assert!(told.contains("FOUT  de verbinding: ") && told.contains("ca.pem"), "{told}");
    fs::write(&ca, own).unwrap();

    // A certificate that opens nothing here: of the other gateway's CA.
    for file in ["cert.pem", "key.pem"] {
        fs::copy(other.profile_dir("om").join(file), served.profile_dir("om").join(file)).unwrap();
    }
    let told = expect(&doctor(&served, "om"), 3);
    assert!(told.contains("FOUT  de verbinding: "), "{told}");

    // Another way of naming where it is.
    let profile = served.profile_dir("dji").join("profiel.toml");
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(&profile, text.replace("127.0.0.1", "poort.invalid")).unwrap();
    let told = expect(&doctor(&served, "dji"), 3);
    assert!(told.contains("FOUT  de naam: poort.invalid is niet te vinden"), "{told}");

    served.stop();
    let gone = doctor(&served, "zsm");
    let told = expect(&gone, 3);
    assert!(told.contains("FOUT  de weg erheen: ") && told.contains("firewall"), "{told}");
    assert!(stderr(&gone).contains("de poort is zo niet te bereiken"), "{}", stderr(&gone));
}
