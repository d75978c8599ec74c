//! The berichten of the bench: about as large as each other, and about nobody.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{Timestamp, ToSpan};
use ketenpoort::{
    clock::{SystemClock, SystemRng},
    domain::{Clock, Rng},
    proto::{self, inhoud::Soort},
};
use prost::Message;

use crate::SIZE;

/// A partner, by the name of its profile, and a loket of it.
pub type Plaats = (&'static str, &'static str);

pub const GEBOORTEDATUM: &str = "1987-05-12";
/// The longest that a casusnummer may be, so that the size does not change with its number.
const CASUSNUMMER: usize = 64;

/// A number that no other bericht of this run has.
pub fn casusnummer() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:0>CASUSNUMMER$}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A name that nobody else has, in letters: 26 to the power of 12 of them, each as long.
pub fn naam(prefix: &str, number: usize) -> String {
    let mut letters = [b'a'; 12];
    let mut rest = number;
    for letter in &mut letters {
        *letter += u8::try_from(rest % 26).expect("less than 26");
        rest /= 26;
    }
    format!("{prefix} {}", String::from_utf8_lossy(&letters))
}

fn text(length: usize) -> String {
    "Voorbeeld ".chars().cycle().take(length).collect()
}

fn request_id() -> String {
    let mut random = [0; 16];
    SystemRng.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

/// So many hours from now, by the second.
fn in_hours(hours: i64) -> Timestamp {
    let then = SystemClock.now().saturating_add(hours.hours()).expect("a clock that reads this century");
    Timestamp::from_second(then.as_second()).expect("it was a moment")
}

/// A bericht about a person and two of the household, whose last name is as long as it takes to come near [`SIZE`].
pub fn bericht(van: Plaats, naar: Plaats, soort: &Soort) -> proto::SendRequest {
    fitting(200, |length| request(van, naar, inhoud(soort.clone(), length)))
}

/// The largest that is no larger than [`SIZE`].
fn fitting(longest: usize, with_length: impl Fn(usize) -> proto::SendRequest) -> proto::SendRequest {
    let small = (1..=longest).map(with_length).take_while(|request| request.encoded_len() <= SIZE);
    small.last().expect("with one letter it is small")
}

fn request(van: Plaats, naar: Plaats, inhoud: proto::Inhoud) -> proto::SendRequest {
    proto::SendRequest {
        request_id: request_id(),
        loket: van.1.to_owned(),
        ontvangers: vec![proto::Adres { partner: naar.0.to_owned(), loket: naar.1.to_owned() }],
        inhoud: Some(inhoud),
        ..proto::SendRequest::default()
    }
}

/// The same as a new one: its own request, its own casusnummer.
pub fn again(example: &proto::SendRequest, casusnummer: String) -> proto::SendRequest {
    let mut request = example.clone();
    request.request_id = request_id();
    if let Some(inhoud) = &mut request.inhoud {
        inhoud.casusnummer_afzender = casusnummer;
    }
    request
}

fn inhoud(soort: Soort, last_naam: usize) -> proto::Inhoud {
    proto::Inhoud {
        betrokkenen: vec![
            betrokkene(proto::BetrokkeneRol::Hoofdpersoon, text(200)),
            betrokkene(proto::BetrokkeneRol::Gezinslid, text(200)),
            betrokkene(proto::BetrokkeneRol::Gezinslid, text(last_naam)),
        ],
        casusnummer_afzender: text(CASUSNUMMER),
        contact: Some(proto::Contact { functie: text(100), telefoon: "076 000 0000".to_owned() }),
        medewerker: "medewerker-001".to_owned(),
        verder_verstrekken: proto::VerderVerstrekken::Verboden.into(),
        soort: Some(soort),
        ..proto::Inhoud::default()
    }
}

fn betrokkene(rol: proto::BetrokkeneRol, naam: String) -> proto::Betrokkene {
    let geboortedatum = GEBOORTEDATUM.to_owned();
    proto::Betrokkene { rol: rol.into(), naam, geboortedatum, ..proto::Betrokkene::default() }
}

pub fn bekendheidscheck() -> Soort {
    Soort::Bekendheidscheck(proto::Bekendheidscheck {
        zaaknummer: text(64),
        antwoord_nodig_voor: in_hours(24).to_string(),
    })
}

pub fn bekendheidsantwoord() -> Soort {
    Soort::Bekendheidsantwoord(proto::Bekendheidsantwoord { uitkomst: proto::BekendheidUitkomst::Bekend.into() })
}

pub fn verrijkingsverzoek() -> Soort {
    Soort::Verrijkingsverzoek(proto::Verrijkingsverzoek {
        vraag: text(200),
        antwoord_nodig_voor: in_hours(24).to_string(),
    })
}

/// A scenario about one person of this name, and nobody else.
pub fn scenario(van: Plaats, naar: Plaats, wie: &str) -> proto::SendRequest {
    let peildatum = in_hours(-24).to_string()[..10].to_owned();
    fitting(2000, |length| {
        let scenario = proto::Scenario {
            als: text(100),
            dan: text(length),
            afgestemd_met: vec!["politie".to_owned()],
            ..proto::Scenario::default()
        };
        let inhoud = proto::Inhoud {
            betrokkenen: vec![betrokkene(proto::BetrokkeneRol::Hoofdpersoon, wie.to_owned())],
            peildatum: Some(peildatum.clone()),
            ..inhoud(Soort::Scenario(scenario), 1)
        };
        request(van, naar, inhoud)
    })
}
