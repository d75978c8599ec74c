//! A gateway in production: without `--dev`, with certificates outside the series for tests and a directory made by hand.

use std::{fs, path::Path, process::Output};

use jiff::SignedDuration;
use ketenpoort::{
    clock::SystemClock,
    documenten::{Bron, Omgeving, parse},
    domain::Clock,
    files,
    pki::{DevCa, LeafSpec},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    served::{Served, expect, free_port, ketenpoort, stderr},
    traffic::template,
};

const ZSM: &str = "00000001800000001000";
const ZVH: &str = "00000001800000002000";
const BEHEER: &str = "00000001800000003000";
const POORT: &str = "00000001800000004000";

const DEELNEMERS: &str = r#"
[[partner]]
naam = "zsm"
oin = ["00000001800000001000"]
loketten = ["volwassenen"]

[[partner]]
naam = "zvh-baronie-breda"
oin = ["00000001800000002000"]

[[identiteit]]
ca = "pki"
oin = "00000001800000001000"
partner = "zsm"
rol = "partner"

[[identiteit]]
ca = "pki"
oin = "00000001800000002000"
partner = "zvh-baronie-breda"
rol = "partner"

[[identiteit]]
ca = "pki"
oin = "00000001800000003000"
partner = "beheer"
rol = "beheer"
"#;

const CONVENANT: &str = r#"
naam = "proef"
titel = "Proef"
versie = "1"
partijen = ["zsm", "zvh-baronie-breda"]
geldig_van = 2026-01-01
geldig_tot_en_met = 2099-12-31

[[grondslag]]
id = "samenwerking"
citaat = "Samenwerkingsconvenant"
omschrijving = "Nagaan of iemand bekend is."
bron = "Concept"
status = "te_bevestigen"
verwerkingsactiviteit = "https://register.voorbeeld.test/samenwerking"

[[regel]]
id = "bekendheid"
berichtsoort = "bekendheidscheck"
van = ["zsm"]
naar = ["zvh-baronie-breda"]
grondslag = ["samenwerking"]
houdbaarheid_maanden = 3
telt_vanaf = "aanvaarding"
bsn_toegestaan = true
"#;

/// Who answers for the grondslag, right below its status.
const AANVAARD: &str = r#"aanvaard = { door = "FG", op = 2026-02-01, waarom = "advies volgt" }"#;

/// A certificate of the gateway itself, for a hundred days.
pub fn own_leaf() -> LeafSpec {
    LeafSpec { server: true, ..leaf(POORT, "127.0.0.1") }
}

fn leaf(oin: &str, san: &str) -> LeafSpec {
    let now = SystemClock.now();
    LeafSpec {
        organisation: san.to_owned(),
        serial_numbers: vec![oin.to_owned()],
        sans: vec![san.to_owned()],
        server: false,
        not_before: now.checked_sub(SignedDuration::from_hours(1)).unwrap(),
        not_after: now.checked_add(SignedDuration::from_hours(2400)).unwrap(),
    }
}

/// Writes the certificate and key of one, and for a client its profile.
fn issue(ca: &DevCa, dir: &Path, oin: &str, san: &str, adres: Option<u16>) {
    let leaf = LeafSpec { server: adres.is_none(), ..leaf(oin, san) };
    let issued = ca.issue(&leaf).unwrap();
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("cert.pem"), &issued.chain_pem).unwrap();
    files::create(&dir.join("key.pem"), issued.key_pem.as_bytes()).unwrap();
    if let Some(port) = adres {
        fs::write(dir.join("ca.pem"), ca.root_pem()).unwrap();
        let profile = format!("adres = \"https://127.0.0.1:{port}\"\nloket = \"algemeen\"\nmedewerker = \"m-1\"\n");
        fs::write(dir.join("profiel.toml"), profile).unwrap();
    }
}

/// A directory made by hand, for a gateway that nothing keeps from starting.
pub struct Prepared {
    pub dir: TempDir,
    pub ca: DevCa,
    pub port: u16,
}

/// For a gateway with two partners and an operator, on a convenant whose grondslag nobody confirmed yet.
pub fn prepare() -> Prepared {
    let (dir, port, beheer) = (tempfile::tempdir().unwrap(), free_port(), free_port());
    let at = |name: &str| dir.path().join(name);
    let ca = DevCa::create("Uitgever", SystemClock.now()).unwrap();
    fs::write(at("ca.pem"), ca.root_pem()).unwrap();
    let now = SystemClock.now();
    fs::write(
        at("lijsten.pem"),
        ca.crl_pem(&[], now, now.checked_add(SignedDuration::from_hours(240)).unwrap()).unwrap(),
    )
    .unwrap();
    issue(&ca, &at("gateway"), POORT, "127.0.0.1", None);
    for (profile, oin, port) in [("zsm", ZSM, port), ("zvh", ZVH, port), ("beheer", BEHEER, beheer)] {
        issue(&ca, &at("profielen").join(profile), oin, &format!("{profile}.voorbeeld.test"), Some(port));
    }
    fs::write(at("deelnemers.toml"), DEELNEMERS).unwrap();
    fs::write(at("proef.toml"), CONVENANT).unwrap();
    let config = format!(
        "logboek = \"productie.test/2026\"\ndeelnemers = \"deelnemers.toml\"\nconvenanten = [\"proef.toml\"]\n\
         [opslag]\nurl = \"sqlite:ketenpoort.db\"\n[sleutels]\nmap = \"sleutels\"\n\
         [grpc]\nadres = \"127.0.0.1:{port}\"\n[beheer]\nadres = \"127.0.0.1:{beheer}\"\n\
         [tls]\ncertificaat = \"gateway/cert.pem\"\nsleutel = \"gateway/key.pem\"\n\
         [[ca]]\nnaam = \"pki\"\nbestand = \"ca.pem\"\ncrl = [\"lijsten.pem\"]\n"
    );
    fs::write(at("ketenpoort.toml"), config).unwrap();
    Prepared { dir, ca, port }
}

fn production() -> Served {
    let Prepared { dir, port, .. } = prepare();
    Served::in_production(dir, port)
}

fn send(served: &Served) -> Output {
    let file = served.path().join("bericht.json");
    fs::write(&file, template("bekendheidscheck").to_string()).unwrap();
    served.partner("send", "zsm", &[file.to_str().unwrap()])
}

/// Loads a text, as the operator.
fn load(served: &Served, tekst: &str) -> Output {
    let file = served.path().join("nieuw.toml");
    fs::write(&file, tekst).unwrap();
    let mut command = ketenpoort();
    command.args(["beheer", "load", "--reden", "besluit", "--profile"]).arg(served.profile_dir("beheer"));
    command.arg(file).output().unwrap()
}

#[test]
fn in_production_an_unconfirmed_grondslag_counts_only_when_somebody_answers_for_it() {
    let served = production();
    assert!(!served.log().contains("LET OP"), "{}", served.log());
    let refused = send(&served);
    assert_eq!(expect(&refused, 1), "");
    assert!(stderr(&refused).contains("geweigerd (grondslag_onbevestigd)"), "{}", stderr(&refused));

    let status = "status = \"te_bevestigen\"";
    let accepted = CONVENANT.replace(status, &format!("{status}\n{AANVAARD}"));
    let loaded = load(&served, &accepted);
    let told = expect(&loaded, 0);
    assert!(told.contains("Nieuw toegestaan: bekendheidscheck van zsm naar zvh-baronie-breda"), "{told}");
    // What is in force rests on somebody's word, and who loads it hears that.
    assert!(stderr(&loaded).contains("door FG aanvaard op 2026-02-01"), "{}", stderr(&loaded));

    let bewijs: Value = serde_json::from_str(&expect(&send(&served), 0)).unwrap();
    assert_eq!(bewijs["aanvaardingen"][0]["stempel"]["grondslag"], "samenwerking");
    let received = expect(&served.partner("receive", "zvh", &[]), 0);
    let received: Value = serde_json::from_str(&received).unwrap();
    assert_eq!(received["bericht"], bewijs["bericht"]);
    let regels = expect(&served.logboek("search", &["--soort", "geweigerd"]), 0);
    assert!(regels.lines().count() == 1 && regels.contains("grondslag_onbevestigd"), "{regels}");

    // Without that word it stops again, for the next bericht.
    expect(&load(&served, CONVENANT), 0);
    let refused = send(&served);
    assert!(stderr(&refused).contains("geweigerd (grondslag_onbevestigd)"), "{}", stderr(&refused));
}

#[test]
fn in_production_an_oin_for_tests_never_comes_in_force() {
    let served = production();
    let test =
        "\n[[identiteit]]\nca = \"pki\"\noin = \"00000099000000402000\"\npartner = \"beheer\"\nrol = \"beheer\"\n";
    let refused = load(&served, &format!("{DEELNEMERS}{test}"));
    assert_eq!(expect(&refused, 1), "");
    let told = stderr(&refused);
    assert!(told.contains("geweigerd (document_onjuist)"), "{told}");
    let line = DEELNEMERS.lines().count() + 4;
    let at = format!("nieuw.toml:{line}: ");
    assert!(
        told.lines().any(|said| said.contains(&at) && said.contains("OIN 00000099000000402000 is voor tests")),
        "{told}"
    );
    let bron = Bron { herkomst: "nieuw.toml".into(), tekst: format!("{DEELNEMERS}{test}") };
    let error = parse(&[bron], &Omgeving { cas: vec!["pki".to_owned()], productie: true }).unwrap_err();
    let found: Vec<_> = error.0.iter().map(|mistake| (mistake.line, mistake.fout.code())).collect();
    assert_eq!(found, [(line, "ontwikkelcertificaat")]);
    // The same text with an OIN of its own is fine: only that was wrong with it.
    let real = test.replace("00000099000000402000", "00000001800000005000");
    expect(&load(&served, &format!("{DEELNEMERS}{real}")), 0);
}
