//! What must hold for every convenant that anybody can write, tried on random ones.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use ketenpoort::{
    documenten::{Bron, Omgeving, hash, parse, print::print},
    domain::{
        Adres, Adrespatroon, Bericht, BerichtId, Berichtsoort, Bewaar, Categorie, Convenant, Deelnemers, Doelgroep,
        Eerdere, Feiten, Grondslag, Identiteit, Mandaat, Mandaathouder, Ontvanger, Regel, Rol, Sluiting, Status,
        Stroom, TeltVanaf, Termijn, Toegelaten, VanKracht, Weigering, admit,
        convenant::{matches_any, overlapping},
        matrix,
        verschil::verschil,
    },
};
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    sample::{select, subsequence},
};
use uuid::Uuid;

use crate::bouw::{acceptatie, eerder, partner, patroon};

const TODAY: Date = date(2026, 11, 30);
const NOON: &str = "2026-11-30T11:00:00Z";
const PARTNERS: [&str; 3] = ["zsm", "zvh", "dji"];
const LOKETTEN: [&str; 2] = ["algemeen", "jeugd"];
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

fn a_convenant(naam: &'static str) -> impl Strategy<Value = Convenant> {
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
type Stand = (Vec<Mandaat>, Vec<(Adres, Sluiting)>);

fn deelnemers((mandaten, closed): Stand) -> Deelnemers {
    let partners = PARTNERS.iter().zip(1..).map(|(naam, at): (_, u32)| {
        let mut partner = partner(naam, &format!("00000099{at:012}"), &LOKETTEN);
        for (adres, sluiting) in closed.iter().filter(|(adres, _)| adres.partner == partner.naam) {
            partner.loketten.get_mut(&adres.loket).unwrap().sluiting = Some(sluiting.clone());
        }
        (partner.naam.clone(), partner)
    });
    Deelnemers { partners: partners.collect(), toegangen: Vec::new(), mandaten }
}

fn situation() -> impl Strategy<Value = (bool, Stand, Vec<Convenant>)> {
    let convenanten = subsequence(vec![0, 1, 2], 1..=3).prop_flat_map(|which| {
        which.into_iter().map(|at| a_convenant(["een", "twee", "drie"][at])).collect::<Vec<_>>()
    });
    (any::<bool>(), (vec(a_mandaat(), 0..5), closings()), convenanten)
}

/// A bericht and its sender.
fn a_bericht() -> impl Strategy<Value = (Adres, Bericht)> {
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

fn judge(van: &Adres, bericht: &Bericht, van_kracht: &VanKracht) -> Result<Toegelaten, Weigering> {
    let identiteit = Identiteit {
        partner: van.partner.clone(),
        oin: "00000099000000000001".parse().unwrap(),
        rol: Rol::Partner,
        loketten: LOKETTEN.map(|loket| loket.parse().unwrap()).into(),
    };
    let id = BerichtId(Uuid::from_u128(7));
    let asked = |soort| eerder(id, soort, &bericht.ontvangers[0].to_string(), &[&van.to_string()]);
    let verzoek = bericht.feiten.soort.answers().map(asked);
    admit(
        bericht.clone(),
        &identiteit,
        Eerdere { verzoek, vervangt: None },
        van_kracht,
        NOON.parse::<Timestamp>().unwrap(),
    )
}

/// Until when a flow of the matrix would keep this bericht usable for one ontvanger; written from the convenant's words, not
/// from the code of `admission`.
fn allowed_until(stroom: &Stroom, van: &Adres, naar: &Adres, bericht: &Bericht) -> Option<Date> {
    let chosen = bericht.grondslag.is_some() || !stroom.keuze;
    spoken_of_until(stroom, van, naar, bericht).filter(|_| chosen)
}

/// The same, also where the sender must choose a grondslag first.
fn spoken_of_until(stroom: &Stroom, van: &Adres, naar: &Adres, bericht: &Bericht) -> Option<Date> {
    let doelgroep = bericht.feiten.geboortedatum.and_then(|born| born.doelgroep_on(TODAY));
    let fits = stroom.berichtsoort == bericht.feiten.soort
        && stroom.van == *van
        && stroom.naar == *naar
        && (stroom.doelgroep.is_none() || stroom.doelgroep == doelgroep)
        && (stroom.categorie.is_none() || stroom.categorie == bericht.feiten.categorie)
        && bericht.grondslag.as_ref().is_none_or(|chosen| *chosen == stroom.grondslag)
        && (stroom.bsn_toegestaan || !bericht.feiten.bevat_bsn)
        && (stroom.mede_ontvanger.is_empty()
            || bericht.ontvangers.iter().any(|adres| matches_any(&stroom.mede_ontvanger, adres)));
    let start = match (stroom.telt_vanaf, bericht.feiten.peildatum) {
        (TeltVanaf::Peildatum, Some(peildatum)) => peildatum.min(TODAY),
        _ => TODAY,
    };
    let until = last_day(stroom.houdbaarheid, start);
    (fits && until >= TODAY).then_some(until)
}

/// The end of a term by a table of the lengths of months.
fn last_day(termijn: Termijn, start: Date) -> Date {
    let Termijn::Maanden(maanden) = termijn else {
        let Termijn::Dagen(dagen) = termijn else { unreachable!() };
        return (0..dagen).fold(start, |day, _| day.tomorrow().unwrap());
    };
    let months = i32::from(start.year()) * 12 + i32::from(start.month()) - 1 + i32::from(maanden);
    let (year, month) = (months / 12, months % 12);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let day = i32::from(start.day()).min(length[usize::try_from(month).unwrap()]);
    date(i16::try_from(year).unwrap(), i8::try_from(month + 1).unwrap(), i8::try_from(day).unwrap())
}

/// Noon of the day before [`TODAY`] is day 9, and that of the day before it day 8.
fn moment(day: i64) -> Timestamp {
    NOON.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_hours(24 * (10 - day))
}

/// These convenanten loaded one after the other: the first ones at first with fewer rules, and loaded again with all of them.
fn history(productie: bool, stand: &Stand, convenanten: &[Convenant]) -> VanKracht {
    let of = |versie, some: Vec<Convenant>| VanKracht::new(versie, productie, deelnemers(stand.clone()), some);
    let half = |convenant: &Convenant| Convenant {
        hash: hash(&format!("{} eerst", convenant.naam)),
        regels: convenant.regels[..convenant.regels.len().div_ceil(2)].to_vec(),
        ..convenant.clone()
    };
    let mut so_far: Vec<Convenant> = convenanten.iter().take(2).map(half).collect();
    let mut newest = of(1, so_far.clone()).loaded_at(moment(0));
    for (at, convenant) in convenanten.iter().enumerate() {
        match so_far.get_mut(at) {
            Some(known) => *known = convenant.clone(),
            None => so_far.push(convenant.clone()),
        }
        let day = i64::try_from(at).unwrap() + 1;
        newest = of(day.unsigned_abs() + 1, so_far.clone()).loaded_after(&newest, moment(day));
    }
    newest
}

/// Seeds of failures are kept nowhere: what fails here becomes a test of its own.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn the_matrix_shows_what_admit_does_no_more_and_no_less(
        (productie, stand, convenanten) in situation(),
        berichten in vec(a_bericht(), 8),
    ) {
        let van_kracht = VanKracht::new(1, productie, deelnemers(stand), convenanten);
        let stromen = matrix(&van_kracht, TODAY);
        for (van, bericht) in berichten {
            // All of these came in force together: of several the first one speaks, and in it the longest rule stamps.
            let best = |naar| {
                let fits = |stroom: &&Stroom| spoken_of_until(stroom, &van, naar, &bericht).is_some();
                let first = &stromen.iter().find(fits)?.convenant;
                let own = stromen.iter().filter(|stroom| stroom.convenant == *first);
                own.filter_map(|stroom| allowed_until(stroom, &van, naar, &bericht)).max()
            };
            let shown: Vec<Option<Date>> = bericht.ontvangers.iter().map(best).collect();
            let wish = |until: &Option<Date>| {
                until.is_some_and(|until| bericht.houdbaar_tot_en_met.is_none_or(|wish| wish <= until))
            };
            match judge(&van, &bericht, &van_kracht) {
                Err(weigering) => prop_assert!(!shown.iter().all(wish), "{weigering:?} {bericht:?}, shown {shown:?}"),
                Ok(toegelaten) => {
                    for (ontvanger, shown) in toegelaten.ontvangers().iter().zip(&shown) {
                        let until = shown.map(|shown| bericht.houdbaar_tot_en_met.unwrap_or(shown));
                        prop_assert_eq!(Some(ontvanger.stempel.houdbaar_tot_en_met), until, "{:?}", bericht);
                    }
                }
            }
        }
    }

    #[test]
    fn another_convenant_changes_no_stamp_and_forbids_nothing(
        (productie, stand, convenanten) in situation(),
        extra in a_convenant("andere"),
        berichten in vec(a_bericht(), 8),
    ) {
        let before = history(productie, &stand, &convenanten);
        let all = convenanten.into_iter().chain([extra]).collect();
        // On the day itself: what starts today was allowed before it.
        let loaded = NOON.parse::<Timestamp>().unwrap() - jiff::SignedDuration::from_mins(1);
        let more = VanKracht::new(9, productie, deelnemers(stand), all).loaded_after(&before, loaded);
        for (van, bericht) in berichten {
            let Ok(was) = judge(&van, &bericht, &before) else { continue };
            let is = judge(&van, &bericht, &more);
            prop_assert!(is.is_ok(), "{is:?} forbids {bericht:?}");
            let is = is.unwrap();
            prop_assert_eq!(was.ontvangers(), is.ontvangers(), "{:?}", bericht);
        }
    }

    #[test]
    fn removing_a_convenant_does_only_what_the_difference_said(
        (productie, stand, convenanten) in situation(),
        berichten in vec(a_bericht(), 12),
        which in any::<proptest::sample::Index>(),
    ) {
        let before = history(productie, &stand, &convenanten);
        let removed = which.get(before.convenanten()).clone();
        let rest = before.convenanten().iter().filter(|of| of.naam != removed.naam).cloned().collect();
        let after = VanKracht::new(9, productie, deelnemers(stand), rest).loaded_after(&before, moment(8));
        let said = verschil(&before, &after, TODAY);
        for (van, bericht) in berichten {
            let (was, is) = (judge(&van, &bericht, &before), judge(&van, &bericht, &after));
            let was = match was {
                Ok(was) => was,
                // Its sender asked for longer than what stamped gave; what stamps since may last that long, which is told.
                Err(Weigering::HoudbaarheidTeLang) => continue,
                // The one that was removed left a choice, and another one leaves none.
                Err(Weigering::GrondslagKiezen) if is.is_ok() => {
                    let told = said.iter().any(|zin| zin.starts_with("Afzender hoeft geen grondslag meer te kiezen"));
                    prop_assert!(told, "{bericht:?} is allowed since, which is not told in {said:#?}");
                    continue;
                }
                Err(_) => {
                    prop_assert!(is.is_err(), "{bericht:?} is allowed since");
                    continue;
                }
            };
            for Ontvanger { adres: naar, stempel, .. } in was.ontvangers() {
                let one = Bericht { houdbaar_tot_en_met: None, ..bericht.clone() };
                let is = judge(&van, &one, &after);
                let is = is.as_ref().ok().and_then(|is| is.ontvangers().iter().find(|of| of.adres == *naar));
                if stempel.convenant != removed.hash {
                    if let Some(Ontvanger { stempel: is, .. }) = is {
                        prop_assert_eq!((&stempel.convenant, &stempel.regel), (&is.convenant, &is.regel));
                    }
                    continue;
                }
                let about = |zin: &&String| {
                    [bericht.feiten.soort.as_str(), van.partner.as_str(), naar.partner.as_str()]
                        .iter().all(|word| zin.contains(word))
                };
                let mut told = said.iter().filter(about);
                let found = match is {
                    None => told.next().is_some(),
                    Some(Ontvanger { stempel: is, .. }) => {
                        let by = after.convenanten().iter().find(|of| of.hash == is.convenant).unwrap();
                        let other = format!("nu convenant {} (grondslag {}, ", by.naam, is.grondslag);
                        told.any(|zin| zin.starts_with("Ander stempel") && zin.contains(&other))
                    }
                };
                prop_assert!(found, "{is:?} of {bericht:?} from {van} is not told in {said:#?}");
            }
        }
    }

    #[test]
    fn a_stamp_never_outlives_its_rule(
        (productie, stand, convenanten) in situation(),
        berichten in vec(a_bericht(), 8),
    ) {
        let van_kracht = VanKracht::new(1, productie, deelnemers(stand), convenanten);
        for (van, bericht) in berichten {
            let Ok(toegelaten) = judge(&van, &bericht, &van_kracht) else { continue };
            for Ontvanger { stempel, .. } in toegelaten.ontvangers() {
                let convenant = van_kracht.convenanten().iter().find(|of| of.hash == stempel.convenant).unwrap();
                let regel = convenant.regels.iter().find(|regel| regel.id == stempel.regel).unwrap();
                let last = last_day(regel.houdbaarheid, TODAY);
                prop_assert!(stempel.houdbaar_tot_en_met <= last, "{stempel:?} goes beyond {last}");
                if let (TeltVanaf::Peildatum, Some(peildatum)) = (regel.telt_vanaf, bericht.feiten.peildatum) {
                    prop_assert!(stempel.houdbaar_tot_en_met <= last_day(regel.houdbaarheid, peildatum));
                }
            }
        }
    }

    #[test]
    fn a_convenant_that_is_printed_and_read_again_is_the_same(mut convenant in a_convenant("een")) {
        // Config refuses rules that contradict each other.
        let mut kept: Vec<Regel> = Vec::new();
        for regel in convenant.regels.drain(..) {
            if !kept.iter().any(|other| overlapping(other, &regel) && other.differs_from(&regel).is_some()) {
                kept.push(regel);
            }
        }
        convenant.regels = kept;
        let tekst = print(&convenant);
        convenant.hash = hash(&tekst);
        let bronnen = [
            Bron { herkomst: "deelnemers.toml".into(), tekst: DEELNEMERS.to_owned() },
            Bron { herkomst: "convenant.toml".into(), tekst: tekst.clone() },
        ];
        let omgeving = Omgeving { cas: vec!["ca".to_owned()], productie: false };
        let parsed = parse(&bronnen, &omgeving);
        prop_assert!(parsed.is_ok(), "{parsed:?} of {tekst}");
        prop_assert_eq!(&parsed.unwrap().convenanten[0], &convenant, "{}", tekst);
    }
}

/// The partners of these tests.
const DEELNEMERS: &str = r#"
partner = [
    { naam = "zsm", oin = ["00000099000000000001"], loketten = ["algemeen", "jeugd"] },
    { naam = "zvh", oin = ["00000099000000000002"], loketten = ["algemeen", "jeugd"] },
    { naam = "dji", oin = ["00000099000000000003"], loketten = ["algemeen", "jeugd"] },
]
identiteit = [{ ca = "ca", oin = "00000099000000000009", partner = "beheer", rol = "beheer" }]
"#;

#[test]
fn months_end_as_a_table_of_their_lengths_says() {
    let mut day = date(1950, 1, 1);
    while day < date(2150, 1, 1) {
        for maanden in 1..=24 {
            let termijn = Termijn::Maanden(maanden);
            assert_eq!(termijn.last_day(day), last_day(termijn, day), "{maanden} months from {day}");
        }
        day = day.tomorrow().unwrap();
    }
}
