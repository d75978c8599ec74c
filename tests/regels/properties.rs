//! What must hold for every convenant that anybody can write, tried on random ones.

use jiff::{
    Timestamp,
    civil::{Date, date},
};
use ketenpoort::{
    documenten::{Bron, Omgeving, hash, parse, print::print},
    domain::{
        Adres, Bericht, BerichtId, Convenant, Eerdere, Identiteit, Ontvanger, Regel, Rol, Stroom, TeltVanaf, Termijn,
        Toegelaten, VanKracht, Weigering, Zicht, admit,
        convenant::{matches_any, overlapping},
        matrix,
        verschil::verschil,
    },
};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest},
};
use uuid::Uuid;

use crate::{
    bouw::eerder,
    random::{LOKETTEN, NOON, Stand, TODAY, a_bericht, a_convenant, deelnemers, situation},
};

fn judge(van: &Adres, bericht: &Bericht, van_kracht: &VanKracht) -> Result<Toegelaten, Weigering> {
    let identiteit = Identiteit {
        partner: van.partner.clone(),
        oin: "00000099000000000001".parse().unwrap(),
        rol: Rol::Partner,
        loketten: LOKETTEN.map(|loket| loket.parse().unwrap()).into(),
        ziet: Zicht::default(),
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
