//! What keeps a gateway in production from starting, unless somebody accepts it by name: the same that `check` tells.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use jiff::SignedDuration;
use ketenpoort::{clock::SystemClock, domain::Clock, pki::DevCa};

use crate::{
    production::{Prepared, own_leaf, prepare},
    served::{Served, expect, ketenpoort, stderr, until},
};

impl Prepared {
    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
    }

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} is not in {name}");
        self.write(name, text.replace(from, to));
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn accept(&self, codes: &str) {
        let text = self.read("ketenpoort.toml");
        self.write("ketenpoort.toml", format!("aanvaard = [{codes}]\n{text}"));
    }

    /// What `serve` says when it refuses to start.
    fn refusal(&self) -> String {
        let output = ketenpoort().args(["serve", "--config"]).arg(self.at("ketenpoort.toml")).output().unwrap();
        assert_eq!(expect(&output, 2), "");
        assert!(!self.at("ketenpoort.db").exists(), "it left a database behind");
        stderr(&output)
    }

    fn check(&self) -> String {
        stderr(&ketenpoort().args(["check", "--config"]).arg(self.at("ketenpoort.toml")).output().unwrap())
    }

    /// Both `serve` and `check` tell these codes, and only these.
    #[track_caller]
    fn assert_refused(&self, codes: &[&str]) {
        let (refused, checked) = (self.refusal(), self.check());
        for code in ALL {
            let told = format!("({code})");
            assert_eq!(refused.contains(&told), codes.contains(&code), "{code}: {refused}");
            assert_eq!(checked.contains(&told), codes.contains(&code), "{code}: {checked}");
        }
    }
}

/// Every code that can keep a gateway from starting.
const ALL: [&str; 9] = [
    "crl_ontbreekt",
    "crl_verlopen",
    "certificaat_verlopen",
    "certificaat_nog_niet_geldig",
    "keten_zonder_ca",
    "sleutel_open",
    "sleutel_past_niet",
    "certificaat_onleesbaar",
    "ca_dubbel",
];

/// Something that is wrong, and the codes of it.
type Case = (&'static str, fn(&Prepared), &'static [&'static str]);

fn lists(prepared: &Prepared, from_hours: i64, until_hours: i64) -> String {
    let at = |hours| SystemClock.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
    prepared.ca.crl_pem(&[], at(from_hours), at(until_hours)).unwrap()
}

fn own(prepared: &Prepared, from_hours: i64, until_hours: i64) {
    let at = |hours| SystemClock.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
    let mut leaf = own_leaf();
    (leaf.not_before, leaf.not_after) = (at(from_hours), at(until_hours));
    let issued = prepared.ca.issue(&leaf).unwrap();
    prepared.write("gateway/cert.pem", &issued.chain_pem);
    prepared.write("gateway/key.pem", &issued.key_pem);
}

/// The first block of a file of several.
fn first_block(text: &str) -> String {
    format!("-----BEGIN{}", text.split("-----BEGIN").nth(1).unwrap())
}

/// What is wrong one thing at a time.
const CASES: [Case; 17] = [
    ("no list at all", |p| p.change("ketenpoort.toml", "crl = [\"lijsten.pem\"]", ""), &["crl_ontbreekt"]),
    (
        "the list of the issuing CA missing",
        |p| p.write("lijsten.pem", first_block(&lists(p, -1, 240))),
        &["crl_ontbreekt"],
    ),
    ("lists that ended an hour ago", |p| p.write("lijsten.pem", lists(p, -9, -1)), &["crl_verlopen"]),
    ("lists of tomorrow", |p| p.write("lijsten.pem", lists(p, 24, 48)), &["crl_ontbreekt"]),
    ("an own certificate that ended", |p| own(p, -48, -1), &["certificaat_verlopen"]),
    ("an own certificate of tomorrow", |p| own(p, 24, 2400), &["certificaat_nog_niet_geldig"]),
    (
        "a leaf without its chain",
        // The list of the issuing CA is one more that nobody asks for then.
        |p| p.write("gateway/cert.pem", first_block(&p.read("gateway/cert.pem"))),
        &["keten_zonder_ca"],
    ),
    ("a TLS key that others can read", |p| p.mode("gateway/key.pem", 0o640), &["sleutel_open"]),
    ("a directory in which others can put a key", |p| p.mode("gateway", 0o777), &["sleutel_open"]),
    (
        "a key of another certificate",
        |p| p.write("gateway/key.pem", p.ca.issue(&own_leaf()).unwrap().key_pem),
        &["sleutel_past_niet"],
    ),
    (
        "one CA under two names",
        |p| {
            let ca = "[[ca]]\nnaam = \"twee\"\nbestand = \"ca.pem\"\ncrl = [\"lijsten.pem\"]\n";
            p.write("ketenpoort.toml", p.read("ketenpoort.toml") + ca);
        },
        &["ca_dubbel"],
    ),
    (
        "a CA behind a byte order mark",
        |p| p.write("ca.pem", format!("\u{feff}{}", p.read("ca.pem"))),
        &["certificaat_onleesbaar"],
    ),
    (
        "a chain without a newline between",
        |p| p.write("gateway/cert.pem", p.read("gateway/cert.pem").replace("-----\n-----", "----------")),
        &["certificaat_onleesbaar"],
    ),
    (
        "a list that is a certificate",
        |p| p.write("lijsten.pem", p.read("lijsten.pem") + &p.read("ca.pem")),
        &["certificaat_onleesbaar"],
    ),
    (
        "a certificate that is no CA in the place of one",
        |p| p.write("ca.pem", p.read("ca.pem") + &first_block(&p.read("gateway/cert.pem"))),
        &["certificaat_onleesbaar"],
    ),
    (
        "a link to a key in a directory in which others can put one",
        |p| {
            fs::create_dir(p.at("open")).unwrap();
            p.mode("open", 0o777);
            fs::rename(p.at("gateway/key.pem"), p.at("open/key.pem")).unwrap();
            std::os::unix::fs::symlink(p.at("open/key.pem"), p.at("gateway/key.pem")).unwrap();
        },
        &["sleutel_open"],
    ),
    (
        "a database whose own CA cannot be read whole, and a key of another certificate for it",
        |p| {
            p.write("db.pem", format!("\u{feff}{}", p.read("ca.pem")));
            p.write("ik.pem", p.read("gateway/cert.pem"));
            p.write("ik.key", p.ca.issue(&own_leaf()).unwrap().key_pem);
            p.mode("ik.key", 0o644);
            let url = "postgres://kp@127.0.0.1:1/keten?sslrootcert=db.pem&sslcert=ik.pem&sslkey=ik.key";
            p.change("ketenpoort.toml", "sqlite:ketenpoort.db", url);
        },
        &["certificaat_onleesbaar", "sleutel_open"],
    ),
];

#[test]
fn a_start_in_production_refuses_what_check_tells() {
    for (what, spoil, codes) in CASES {
        let prepared = prepare();
        spoil(&prepared);
        println!("{what}");
        prepared.assert_refused(codes);
    }
}

#[test]
fn a_database_that_others_can_read_is_told() {
    let prepared = prepare();
    prepared.write("ketenpoort.db", "");
    prepared.mode("ketenpoort.db", 0o666);
    let told = prepared.check();
    assert!(told.contains("de database heeft rechten 0666") && told.contains("(sleutel_open)"), "{told}");
    prepared.mode("ketenpoort.db", 0o600);
    assert!(!prepared.check().contains("(sleutel_open)"));
}

/// As at a handshake: of several lists of one issuer the newest that holds counts.
#[test]
fn a_list_that_ended_beside_one_that_holds_is_nothing_to_tell() {
    let prepared = prepare();
    prepared.write("lijsten.pem", lists(&prepared, -48, 240) + &lists(&prepared, -9, -1));
    assert!(!prepared.check().contains("crl_"), "{}", prepared.check());
    let Prepared { dir, port, .. } = prepared;
    Served::in_production(dir, port).stop();
}

/// From then on nobody gets in, the operator neither: it must be seen where somebody looks.
#[test]
fn a_list_that_ends_while_the_gateway_runs_is_said() {
    let prepared = prepare();
    let now = SystemClock.now();
    let (before, soon) = (now - SignedDuration::from_hours(1), now + SignedDuration::from_secs(6));
    prepared.write("lijsten.pem", prepared.ca.crl_pem(&[], before, soon).unwrap());
    let Prepared { dir, port, .. } = prepared;
    let mut served = Served::in_production(dir, port);
    let ended = |log: String| {
        log.lines()
            .filter(|line| line.contains("ERROR") && line.contains("has ended: a revocation list of CA pki"))
            .count()
    };
    assert_eq!(ended(served.log()), 0);
    until("it is said of both lists", || (ended(served.log()) == 2).then_some(()));
    served.stop();
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_accepting_some_of_it_leaves_the_rest() {
    let prepared = prepare();
    prepared.change("ketenpoort.toml", "crl = [\"lijsten.pem\"]", "");
    prepared.mode("gateway/key.pem", 0o644);
    own(&prepared, -48, -1);
    prepared.assert_refused(&["crl_ontbreekt", "sleutel_open", "certificaat_verlopen"]);
    prepared.accept("\"crl_ontbreekt\", \"certificaat_verlopen\"");
    let refused = prepared.refusal();
    assert!(refused.contains("(sleutel_open)") && !refused.contains("(crl_ontbreekt)"), "{refused}");
}

#[test]
fn what_is_accepted_by_name_is_a_warning_at_each_start() {
    let prepared = prepare();
    prepared.change("ketenpoort.toml", "crl = [\"lijsten.pem\"]", "");
    prepared.mode("gateway/key.pem", 0o644);
    prepared.accept("\"crl_ontbreekt\", \"sleutel_open\"");
    let Prepared { dir, port, .. } = prepared;
    let mut served = Served::in_production(dir, port);
    served.stop();
    served.serve();
    // Now the whole log is written.
    served.stop();
    let log = served.log();
    // Two issuers without a list, and two starts.
    for (code, times) in [("crl_ontbreekt", 4), ("sleutel_open", 2)] {
        let warned = |line: &&str| line.contains("WARN") && line.contains(code);
        assert_eq!(log.lines().filter(warned).count(), times, "{code}: {log}");
    }
}

#[test]
fn what_cannot_be_accepted_is_a_mistake_of_the_configuration() {
    let prepared = prepare();
    prepared.accept("\"sleutel_past_niet\", \"crl_ontbrekt\", \"crl_verlopen\"");
    let refused = prepared.refusal();
    assert!(refused.contains("sleutel_past_niet is niet te aanvaarden"), "{refused}");
    assert!(refused.contains("crl_ontbrekt is niet te aanvaarden") && refused.contains(":1: "), "{refused}");
    assert!(!refused.contains("crl_verlopen is niet"), "{refused}");
}

#[test]
fn two_authorities_of_one_name_are_a_mistake() {
    let prepared = prepare();
    let other = DevCa::create("Een ander", SystemClock.now()).unwrap();
    prepared.write("ander.pem", other.root_pem());
    let text = prepared.read("ketenpoort.toml");
    prepared.write("ketenpoort.toml", format!("{text}[[ca]]\nnaam = \"pki\"\nbestand = \"ander.pem\"\n"));
    let line = text.lines().count() + 1;
    for told in [prepared.refusal(), prepared.check()] {
        assert!(told.contains(&format!("ketenpoort.toml:{line}: [[ca]] pki staat er twee keer")), "{told}");
    }
}

/// Secrets of Kubernetes are links into a directory that is changed as a whole.
#[test]
fn certificates_and_keys_that_are_links_are_followed() {
    let prepared = prepare();
    for file in ["gateway/cert.pem", "gateway/key.pem", "ca.pem", "lijsten.pem"] {
        let real = prepared.at(&format!("{file}.echt"));
        fs::rename(prepared.at(file), &real).unwrap();
        std::os::unix::fs::symlink(&real, prepared.at(file)).unwrap();
    }
    let Prepared { dir, port, .. } = prepared;
    Served::in_production(dir, port).stop();
}

#[test]
fn a_profile_of_a_client_is_read_as_strictly() {
    let prepared = prepare();
    let profile = prepared.at("profielen/zsm");
    let file = |name: &str| format!("profielen/zsm/{name}");
    for (name, text, sign) in [
        (
            "ca.pem",
            format!("\u{feff}{}", prepared.read(&file("ca.pem"))),
            "ca.pem:1: het bestand begint met een byte order mark",
        ),
        (
            "cert.pem",
            format!("x\n{}", prepared.read(&file("cert.pem"))),
            "cert.pem:1: hier staat tekst buiten een blok",
        ),
        ("key.pem", prepared.read(&file("key.pem")).repeat(2), "tweede privesleutel"),
        ("key.pem", prepared.ca.issue(&own_leaf()).unwrap().key_pem, "hoort niet bij"),
    ] {
        let kept = prepared.read(&file(name));
        prepared.write(&file(name), text);
        let told = stderr(&loketten(&profile));
        assert!(told.contains(sign), "{name}: {told}");
        prepared.write(&file(name), kept);
    }
    let told = stderr(&loketten(&profile));
    assert!(told.contains("is niet bereikbaar"), "{told}");
}

fn loketten(profile: &Path) -> std::process::Output {
    ketenpoort().args(["loketten", "--profile"]).arg(profile).output().unwrap()
}
