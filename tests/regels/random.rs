//! Random convenanten, deelnemers and berichten.

use jiff::{
    ToSpan,
    civil::{Date, date},
};
use ketenpoort::{
    documenten::hash,
    domain::{
        Adres, Adrespatroon, Bericht, BerichtId, Berichtsoort, Bewaar, Categorie, Convenant, Deelnemers, Doelgroep,
        Feiten, Grondslag, Mandaat, Mandaathouder, Regel, Sluiting, Status, TeltVanaf, Termijn,
    },
};
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::{select, subsequence},
};
use uuid::Uuid;

use crate::bouw::{acceptatie, partner, patroon};

pub const TODAY: Date = date(2026, 11, 30);
pub const NOON: &str = "2026-11-30T11:00:00Z";
const PARTNERS: [&str; 3] = ["zsm", "zvh", "dji"];
pub const LOKETTEN: [&str; 2] = ["algemeen", "jeugd"];
/// One that asks, one that answers and one with a category: few, so that rules meet.
const SOORTEN: [Berichtsoort; 3] =
    [Berichtsoort::Contextinformatieverzoek, Berichtsoort::Contextinformatie, Berichtsoort::BijMelding];

fn days_from_now(days: i64) -> Date {
    TODAY.checked_add(days.days()).unwrap()
}

fn a_patroon() -> impl Strategy<Value = Adrespatroon> {
    let texts = PARTNERS.iter().flat_map(|partner| {
        let loketten = LOKETTEN.iter().map(move |loket| format!("{partner}/{loket}"));
        loketten.chain([(*partner).to_owned(), (*partner).to_owned()])
    });
    select(texts.collect::<Vec<_>>()).prop_map(|text| patroon(&text))
}

fn an_adres() -> impl Strategy<Value = Adres> {
    (select(&PARTNERS), select(&LOKETTEN)).prop_map(|(partner, loket)| format!("{partner}/{loket}").parse().unwrap())
}

/// Text that tries what a TOML string can hold.
fn text() -> impl Strategy<Value = String> {
    "[ -~é]{0,30}[a-z\"\\\\]"
}

/// Each once, as a convenant must name them.
fn patronen() -> impl Strategy<Value = Vec<Adrespatroon>> {
    btree_set(a_patroon(), 1..6).prop_map(|set| set.into_iter().collect())
}

fn a_termijn() -> impl Strategy<Value = Termijn> {
    prop_oneof![
        Just(Termijn::Maanden(3)),
        (1_u8..=24).prop_map(Termijn::Maanden),
        (1_u16..=731).prop_map(Termijn::Dagen)
    ]
}

fn a_regel(id: usize) -> impl Strategy<Value = Regel> {
    let routes = (select(&SOORTEN), patronen(), patronen(), option::weighted(0.2, a_patroon()));
    let grondslagen = subsequence(vec!["a".to_owned(), "b".to_owned()], 1..=2);
    let times = (a_termijn(), select(&[TeltVanaf::Aanvaarding, TeltVanaf::Peildatum]), text());
    let about = (option::weighted(0.4, select(&Doelgroep::ALL)), option::weighted(0.4, select(&Categorie::ALL)));
    let houder = option::weighted(0.3, select(&[Mandaathouder::Afzender, Mandaathouder::Ontvanger]));
    let rest = (any::<bool>(), houder, 0_u8..=12, select(&Bewaar::ALL), any::<bool>());
    (routes, grondslagen, times, about, rest).prop_map(move |(routes, grondslagen, times, about, rest)| {
        let ((berichtsoort, van, naar, mede), (houdbaarheid, telt_vanaf, waarom)) = (routes, times);
        let (bsn_toegestaan, mandaat, max_verlengingen, bewaar_inhoud, eigen) = rest;
        Regel {
            id: format!("r{id}"),
            berichtsoort,
            van,
            naar,
            grondslagen,
            houdbaarheid,
            afwijking: (houdbaarheid != Termijn::Maanden(3)).then_some(waarom),
            telt_vanaf,
            doelgroep: about.0,
            categorie: about.1.filter(|_| berichtsoort.has_categorie()),
            bsn_toegestaan,
            mandaat,
            mede_ontvanger: mede.into_iter().collect(),
            max_verlengingen,
            bewaar_inhoud,
            verwerkingsactiviteit: eigen.then(|| "https://register.voorbeeld.test/eigen".to_owned()),
        }
    })
}

fn a_grondslag(id: &'static str) -> impl Strategy<Value = Grondslag> {
    let status = select(vec![
        Status::Bevestigd,
        Status::Bevestigd,
        Status::TeBevestigen(None),
        Status::TeBevestigen(Some(acceptatie())),
    ]);
    let term = (option::weighted(0.3, -9_i64..3), option::weighted(0.3, -3_i64..9));
    (status, term, text(), text()).prop_map(move |(status, (van, tot), citaat, bron)| Grondslag {
        id: id.to_owned(),
        citaat,
        omschrijving: "omschrijving".to_owned(),
        bron,
        status,
        geldig_van: van.map(days_from_now),
        // Config refuses a term that ends before it starts.
        geldig_tot_en_met: tot.map(|tot| days_from_now(tot.max(van.unwrap_or(tot)))),
        verwerkingsactiviteit: format!("https://register.voorbeeld.test/{id}"),
    })
}

pub fn a_convenant(naam: &'static str) -> impl Strategy<Value = Convenant> {
    let regels = (1_usize..9).prop_flat_map(|count| (0..count).map(a_regel).collect::<Vec<_>>());
    let term = (-40_i64..4, -4_i64..400);
    (a_grondslag("a"), a_grondslag("b"), regels, term, text()).prop_map(move |(a, b, regels, (van, tot), titel)| {
        Convenant {
            naam: naam.to_owned(),
            titel,
            versie: "1".to_owned(),
            hash: hash(naam),
            partijen: PARTNERS.map(|naam| naam.parse().unwrap()).into(),
            geldig_van: days_from_now(van),
            geldig_tot_en_met: days_from_now(tot.max(van)),
            staat_achter: Vec::new(),
            grondslagen: vec![a, b],
            regels,
        }
    })
}

fn a_mandaat() -> impl Strategy<Value = Mandaat> {
    (select(&PARTNERS), subsequence(SOORTEN.to_vec(), 1..=3), -9_i64..3, -3_i64..9).prop_map(
        |(partner, soorten, van, tot)| Mandaat {
            id: format!("m{van}{tot}"),
            gever: "burgemeester".to_owned(),
            functie: "procesregisseur".to_owned(),
            partner: partner.parse().unwrap(),
            berichtsoorten: soorten.into_iter().collect(),
            geldig_van: days_from_now(van),
            geldig_tot_en_met: days_from_now(tot.max(van)),
            bron: "besluit".to_owned(),
        },
    )
}

/// Loketten that closed some days ago, or will; dji/jeugd never does, so that all can refer to it.
fn closings() -> impl Strategy<Value = Vec<(Adres, Sluiting)>> {
    let closes = an_adres().prop_filter("it stays open", |adres| adres.to_string() != "dji/jeugd");
    let one = (closes, -3_i64..4).prop_map(|(adres, vanaf)| {
        (adres, Sluiting { vanaf: days_from_now(vanaf), verwijst_naar: "dji/jeugd".parse().unwrap() })
    });
    vec(one, 0..3)
}

/// Mandaten and closed loketten.
pub type Stand = (Vec<Mandaat>, Vec<(Adres, Sluiting)>);

pub fn deelnemers((mandaten, closed): Stand) -> Deelnemers {
    let partners = PARTNERS.iter().zip(1..).map(|(naam, at): (_, u32)| {
        let mut partner = partner(naam, &format!("00000099{at:012}"), &LOKETTEN);
        for (adres, sluiting) in closed.iter().filter(|(adres, _)| adres.partner == partner.naam) {
            partner.loketten.get_mut(&adres.loket).unwrap().sluiting = Some(sluiting.clone());
        }
        (partner.naam.clone(), partner)
    });
    Deelnemers { partners: partners.collect(), toegangen: Vec::new(), mandaten, ..Deelnemers::default() }
}

pub fn situation() -> impl Strategy<Value = (bool, Stand, Vec<Convenant>)> {
    let convenanten = subsequence(vec![0, 1, 2], 1..=3).prop_flat_map(|which| {
        which.into_iter().map(|at| a_convenant(["een", "twee", "drie"][at])).collect::<Vec<_>>()
    });
    (any::<bool>(), (vec(a_mandaat(), 0..5), closings()), convenanten)
}

/// A bericht and its sender.
pub fn a_bericht() -> impl Strategy<Value = (Adres, Bericht)> {
    let route = (select(&SOORTEN), an_adres(), vec(an_adres(), 1..3));
    let about = (
        select(vec!["1990-01-01", "2015-01-01", "2008"]),
        option::weighted(0.7, select(&Categorie::ALL)),
        any::<bool>(),
        option::weighted(0.4, select(vec!["a", "b", "c"])),
    );
    let times = (option::weighted(0.5, 0_i64..200), option::weighted(0.2, 0_i64..200));
    (route, about, times).prop_map(
        |((soort, van, mut ontvangers), (geboren, categorie, bevat_bsn, grondslag), times)| {
            ontvangers.sort();
            ontvangers.dedup();
            // An answer goes back to the one that asked.
            ontvangers.truncate(if soort.answers().is_some() { 1 } else { 3 });
            let bericht = Bericht {
                request_id: Uuid::from_u128(1),
                vingerafdruk: [0; 32],
                loket: van.loket.clone(),
                ontvangers,
                in_antwoord_op: soort.answers().map(|_| BerichtId(Uuid::from_u128(7))),
                houdbaar_tot_en_met: times.1.map(days_from_now),
                grondslag: grondslag.map(str::to_owned),
                convenant: None,
                vervangt: None,
                feiten: Feiten {
                    geboortedatum: geboren.parse().ok(),
                    categorie: categorie.filter(|_| soort.has_categorie()),
                    bevat_bsn,
                    peildatum: times.0.map(|days| days_from_now(-days)),
                    ..Feiten::new(soort)
                },
                betrokkenen: Vec::new(),
                medewerker: "m".to_owned(),
                inhoud: Vec::new(),
            };
            (van, bericht)
        },
    )
}
