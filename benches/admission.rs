//! How long the gateway thinks about one bericht: `admit` with 2,000 rules in 6 convenanten between 60 partners.
//!
//! `cargo bench --bench admission -- --json` prints one line. A bericht is judged as a whole, refusals too: one in eight of
//! those tried here is refused. What is measured includes making the copy that `admit` takes.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::{Duration, Instant};

use jiff::{Timestamp, civil::date};
use ketenpoort::domain::{
    Adres, Adrespatroon, Bericht, Berichtsoort, Bewaar, Convenant, Deelnemers, Doelgroep, Eerdere, Feiten, Grondslag,
    Identiteit, Loket, Mandaat, Mandaathouder, Partner, PartnerNaam, Regel, Rol, Status, TeltVanaf, Termijn, VanKracht,
    Zicht, admit,
};
use uuid::Uuid;

const PARTNERS: usize = 60;
const CONVENANTEN: usize = 6;
const RULES: usize = 2_000;
const ROUNDS: usize = 200_000;
/// Those that need no bericht to answer.
const SOORTEN: [Berichtsoort; 5] = [
    Berichtsoort::Bekendheidscheck,
    Berichtsoort::Contextinformatieverzoek,
    Berichtsoort::Scenario,
    Berichtsoort::Melding18b,
    Berichtsoort::BijMelding,
];

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let van_kracht = van_kracht();
    let now: Timestamp = "2026-06-01T10:00:00Z".parse().expect("a moment");
    let cases: Vec<(Identiteit, Bericht)> = (0..4096).map(case).collect();
    let mut times = Vec::with_capacity(ROUNDS);
    let mut admitted = 0;
    for round in 0..ROUNDS + ROUNDS / 10 {
        let (identiteit, bericht) = &cases[round % cases.len()];
        let start = Instant::now();
        let outcome = std::hint::black_box(admit(bericht.clone(), identiteit, Eerdere::default(), &van_kracht, now));
        let took = start.elapsed();
        // The first tenth warms up.
        if round >= ROUNDS / 10 {
            times.push(took);
            admitted += usize::from(outcome.is_ok());
        }
    }
    assert!(admitted > ROUNDS / 2, "only {admitted} of {ROUNDS} were admitted: this measures refusals");
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_nanos();
    let total: Duration = times.iter().sum();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let rate = (times.len() as f64 / total.as_secs_f64()) as u64;
    let (p50, p99) = (at(50), at(99));
    if json {
        println!(r#"{{"name":"admit","rules":{RULES},"p50_ns":{p50},"p99_ns":{p99},"rate":{rate}}}"#);
    } else {
        println!(
            "admit, {RULES} rules: median {p50} ns, 99% within {p99} ns, {rate}/s; {admitted} of {ROUNDS} admitted"
        );
    }
}

fn naam(number: usize) -> PartnerNaam {
    format!("partner-{}", number % PARTNERS).parse().expect("a name")
}

fn loket(naam: &str) -> ketenpoort::domain::LoketNaam {
    naam.parse().expect("a name")
}

/// Between which two partners, and about what, a rule is; every pair that has a rule has several.
fn route(number: usize) -> (usize, usize, Berichtsoort) {
    let pair = number % (RULES / 4);
    (pair % PARTNERS, pair % PARTNERS + 1 + pair / PARTNERS, SOORTEN[number / (RULES / 4) % SOORTEN.len()])
}

fn case(number: usize) -> (Identiteit, Bericht) {
    let (van, naar, soort) = route(number % RULES);
    let identiteit = Identiteit {
        partner: naam(van),
        oin: "00000099000000000001".parse().expect("an OIN"),
        rol: Rol::Partner,
        loketten: ["algemeen", "jeugd"].map(loket).into(),
        ziet: Zicht::default(),
    };
    let bericht = Bericht {
        request_id: Uuid::from_u128(1),
        vingerafdruk: [0; 32],
        loket: loket("algemeen"),
        ontvangers: vec![Adres { partner: naam(naar), loket: loket("jeugd") }],
        in_antwoord_op: None,
        houdbaar_tot_en_met: None,
        grondslag: Some("grondslag-1".to_owned()),
        convenant: None,
        vervangt: None,
        feiten: Feiten { geboortedatum: "1990-01-01".parse().ok(), bevat_bsn: number % 8 == 7, ..Feiten::new(soort) },
        betrokkenen: vec![vec![0; 100]],
        medewerker: "medewerker-001".to_owned(),
        inhoud: vec![0; 2048],
    };
    (identiteit, bericht)
}

fn regel(number: usize) -> Regel {
    let (van, naar, berichtsoort) = route(number);
    let patroon = |number| Adrespatroon { partner: naam(number), loket: None };
    Regel {
        id: format!("regel-{number}"),
        berichtsoort,
        van: vec![patroon(van)],
        naar: vec![patroon(naar), patroon(naar + 1)],
        grondslagen: vec!["grondslag-1".to_owned(), "grondslag-2".to_owned()],
        houdbaarheid: Termijn::Maanden(3),
        afwijking: None,
        telt_vanaf: TeltVanaf::Aanvaarding,
        doelgroep: number.is_multiple_of(3).then_some(Doelgroep::Volwassen),
        categorie: None,
        bsn_toegestaan: false,
        mandaat: number.is_multiple_of(5).then_some(Mandaathouder::Ontvanger),
        mede_ontvanger: Vec::new(),
        max_verlengingen: 0,
        bewaar_inhoud: Bewaar::default(),
        verwerkingsactiviteit: None,
    }
}

fn grondslag(id: &str) -> Grondslag {
    Grondslag {
        id: id.to_owned(),
        citaat: "citaat".to_owned(),
        omschrijving: "omschrijving".to_owned(),
        bron: "bron".to_owned(),
        status: Status::Bevestigd,
        geldig_van: None,
        geldig_tot_en_met: None,
        verwerkingsactiviteit: "https://register.voorbeeld.test/a".to_owned(),
    }
}

fn van_kracht() -> VanKracht {
    let partner = |number: usize| Partner {
        naam: naam(number),
        organisatie: None,
        oins: vec![format!("00000099{number:012}").parse().expect("an OIN")],
        loketten: ["algemeen", "jeugd"].map(|naam| (loket(naam), Loket::default())).into(),
    };
    let mandaat = |number: usize| Mandaat {
        id: format!("mandaat-{number}"),
        gever: "burgemeester".to_owned(),
        functie: "procesregisseur".to_owned(),
        partner: naam(number),
        berichtsoorten: Berichtsoort::ALL.into(),
        geldig_van: date(2026, 1, 1),
        geldig_tot_en_met: date(2035, 12, 31),
        bron: "besluit".to_owned(),
    };
    let convenant = |at: usize| Convenant {
        naam: format!("convenant-{at}"),
        titel: "Convenant".to_owned(),
        versie: "1".to_owned(),
        hash: "00".repeat(32),
        partijen: (0..PARTNERS).map(naam).collect(),
        geldig_van: date(2026, 1, 1),
        geldig_tot_en_met: date(2035, 12, 31),
        staat_achter: Vec::new(),
        grondslagen: ["grondslag-1", "grondslag-2"].map(grondslag).into(),
        regels: (0..RULES).filter(|number| number % CONVENANTEN == at).map(regel).collect(),
    };
    let deelnemers = Deelnemers {
        partners: (0..PARTNERS).map(|number| (naam(number), partner(number))).collect(),
        toegangen: Vec::new(),
        mandaten: (0..PARTNERS).map(mandaat).collect(),
        ..Deelnemers::default()
    };
    VanKracht::new(1, true, deelnemers, (0..CONVENANTEN).map(convenant).collect())
}
