//! Which of several convenanten stamps.

use jiff::{Timestamp, civil::date};
use ketenpoort::{
    documenten::samen::undecided,
    domain::{
        Bericht, Berichtsoort, Convenant, Deelnemers, Doelgroep, Eerdere, Identiteit, Mandaathouder, Regel, Rol,
        Status, Stempel, Termijn, VanKracht, Weigering, Zicht, admit, onbeslist::onbeslist, samenloop::samenlopen,
        verschil::verschil,
    },
};

use crate::bouw::{bericht, convenant, deelnemers, grondslag, mandaat, partner, patroon, regel};

const NOON: &str = "2026-11-30T11:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A version of a convenant with one rule.
fn versie(naam: &str, versie: u8, regel: Regel) -> Convenant {
    let hash = format!("{naam}-{versie}");
    Convenant { naam: naam.to_owned(), hash, ..convenant(vec![regel]) }
}

/// The first one: three months on grondslag a.
fn eerste() -> Convenant {
    versie("eerste", 1, regel("r"))
}

/// Another one, on grondslag b for six months.
fn andere() -> Convenant {
    let afwijking = Some("nazorg duurt een half jaar".to_owned());
    let houdbaarheid = Termijn::Maanden(6);
    versie("andere", 1, Regel { grondslagen: vec!["b".to_owned()], houdbaarheid, afwijking, ..regel("lang") })
}

/// What is in force after these loads: each is everything that is in force from then on.
fn loads(all: &[(&str, Vec<Convenant>)]) -> VanKracht {
    let none = VanKracht::new(0, true, deelnemers(), Vec::new());
    all.iter().zip(1..).fold(none, |oud, ((moment, convenanten), versie)| {
        VanKracht::new(versie, true, deelnemers(), convenanten.clone()).loaded_after(&oud, at(moment))
    })
}

fn judge(bericht: Bericht, van_kracht: &VanKracht) -> Result<Stempel, Weigering> {
    let identiteit = Identiteit {
        partner: "zsm".parse().unwrap(),
        oin: "00000099000000001000".parse().unwrap(),
        rol: Rol::Partner,
        loketten: ["algemeen".parse().unwrap()].into(),
        ziet: Zicht::default(),
    };
    let toegelaten = admit(bericht, &identiteit, Eerdere::default(), van_kracht, at(NOON))?;
    Ok(toegelaten.ontvangers()[0].stempel.clone())
}

/// Which version stamps a bericht that names nothing.
fn stamps(van_kracht: &VanKracht) -> String {
    judge(bericht(), van_kracht).unwrap().convenant
}

const FIRST: &str = "2026-02-01T09:00:00Z";
const LATER: &str = "2026-05-01T09:00:00Z";
const LAST: &str = "2026-08-01T09:00:00Z";

#[test]
fn a_convenant_that_is_loaded_later_changes_no_stamp_whatever_it_gives() {
    let before = loads(&[(FIRST, vec![eerste()])]);
    // Neither a longer term, nor a name that comes first, nor a start in the past takes the stamp over.
    let backdated = Convenant { geldig_van: date(2020, 1, 1), ..andere() };
    let after = loads(&[(FIRST, vec![eerste()]), (LATER, vec![backdated, eerste()])]);
    assert_eq!(judge(bericht(), &after), judge(bericht(), &before));
    assert_eq!(stamps(&after), "eerste-1");
}

#[test]
fn another_convenant_stamps_who_names_it_by_grondslag_or_by_name() {
    let both = loads(&[(FIRST, vec![eerste()]), (LATER, vec![andere(), eerste()])]);
    let by_grondslag = Bericht { grondslag: Some("b".to_owned()), ..bericht() };
    let by_name = |naam: &str| Bericht { convenant: Some(naam.to_owned()), ..bericht() };
    for chosen in [judge(by_grondslag, &both).unwrap(), judge(by_name("andere"), &both).unwrap()] {
        assert_eq!((chosen.convenant.as_str(), chosen.grondslag.as_str()), ("andere-1", "b"));
        assert_eq!(chosen.houdbaar_tot_en_met, date(2027, 5, 30));
    }
    assert_eq!(judge(by_name("eerste"), &both).unwrap().convenant, "eerste-1");
    assert_eq!(judge(by_name("geen"), &both).unwrap_err(), Weigering::ConvenantNietToegestaan);
    // One that speaks of it and does not allow it says why.
    let mut with_bsn = by_name("andere");
    with_bsn.feiten.bevat_bsn = true;
    assert_eq!(judge(with_bsn, &both).unwrap_err(), Weigering::BsnNietToegestaan);
    let neither = Bericht { grondslag: Some("a".to_owned()), ..by_name("andere") };
    assert_eq!(judge(neither, &both).unwrap_err(), Weigering::GrondslagNietToegestaan);
}

#[test]
fn a_new_version_keeps_the_place_of_the_one_before_it() {
    let next = versie("eerste", 2, Regel { houdbaarheid: Termijn::Maanden(2), ..regel("r") });
    let loaded = loads(&[(FIRST, vec![eerste()]), (LATER, vec![andere(), eerste()]), (LAST, vec![andere(), next])]);
    assert_eq!(stamps(&loaded), "eerste-2");
}

#[test]
fn a_gap_loses_the_place() {
    let elsewhere = versie("eerste", 2, Regel { berichtsoort: Berichtsoort::BijMelding, ..regel("r") });
    let back = versie("eerste", 3, regel("r"));
    let both = || (LATER, vec![andere(), eerste()]);
    let without = loads(&[
        (FIRST, vec![eerste()]),
        both(),
        ("2026-06-01T09:00:00Z", vec![andere(), elsewhere]),
        (LAST, vec![andere(), back.clone()]),
    ]);
    assert_eq!(stamps(&without), "andere-1");
    // Withdrawn, and the same text loaded again.
    let withdrawn = loads(&[
        (FIRST, vec![eerste()]),
        both(),
        ("2026-06-01T09:00:00Z", vec![andere()]),
        (LAST, vec![andere(), eerste()]),
    ]);
    assert_eq!(stamps(&withdrawn), "andere-1");
    // A term that ended before the next one began.
    let ended = Convenant { geldig_tot_en_met: date(2026, 6, 1), ..eerste() };
    let lapsed = |van| {
        let next = Convenant { geldig_van: van, ..back.clone() };
        loads(&[
            (FIRST, vec![ended.clone()]),
            (LATER, vec![andere(), ended.clone()]),
            (van_load(), vec![andere(), next]),
        ])
    };
    assert_eq!(stamps(&lapsed(date(2026, 6, 2))), "andere-1", "it was replaced after its end");
    let joined = Convenant { geldig_van: date(2026, 6, 2), ..back };
    let before_its_end = loads(&[
        (FIRST, vec![Convenant { geldig_tot_en_met: date(2026, 6, 1), ..eerste() }]),
        (LATER, vec![andere(), Convenant { geldig_tot_en_met: date(2026, 6, 1), ..eerste() }]),
        // From midnight to midnight in Amsterdam.
        ("2026-06-01T22:00:00Z", vec![andere(), joined]),
    ]);
    assert_eq!(stamps(&before_its_end), "eerste-3");
}

fn van_load() -> &'static str {
    "2026-06-10T09:00:00Z"
}

#[test]
fn a_term_that_starts_later_counts_from_its_start() {
    let later = Convenant { geldig_van: date(2026, 7, 1), ..eerste() };
    let loaded = loads(&[(FIRST, vec![later.clone()]), (LATER, vec![andere(), later])]);
    assert_eq!(stamps(&loaded), "andere-1");
    // So does that of a grondslag.
    let mut later = eerste();
    later.grondslagen[0].geldig_van = Some(date(2026, 7, 1));
    assert_eq!(stamps(&loads(&[(FIRST, vec![later.clone()]), (LATER, vec![andere(), later])])), "andere-1");
}

#[test]
fn what_a_version_did_not_allow_counts_for_nothing() {
    // On a grondslag that nobody answered for yet, it stamped nothing.
    let mut doubted = eerste();
    doubted.grondslagen[0].status = Status::TeBevestigen(None);
    let confirmed = versie("eerste", 2, regel("r"));
    let loaded =
        loads(&[(FIRST, vec![doubted.clone()]), (LATER, vec![andere(), doubted]), (LAST, vec![andere(), confirmed])]);
    assert_eq!(stamps(&loaded), "andere-1");
    // For a BSN the other one was first.
    let with_bsn = |naam: &str, number, of: &Convenant| {
        versie(naam, number, Regel { bsn_toegestaan: true, ..of.regels[0].clone() })
    };
    let wider = with_bsn("eerste", 2, &eerste());
    let other = with_bsn("andere", 1, &andere());
    let loaded = loads(&[(FIRST, vec![eerste()]), (LATER, vec![other.clone(), eerste()]), (LAST, vec![other, wider])]);
    let mut bsn = bericht();
    bsn.feiten.bevat_bsn = true;
    assert_eq!((stamps(&loaded), judge(bsn, &loaded).unwrap().convenant), ("eerste-2".into(), "andere-1".into()));
}

#[test]
fn where_the_senior_one_leaves_a_choice_nobody_else_stamps_who_makes_none() {
    let choice = versie("eerste", 1, Regel { grondslagen: vec!["a".into(), "b".into()], ..regel("r") });
    let third = Regel { grondslagen: vec!["c".into()], houdbaarheid: Termijn::Maanden(9), ..regel("lang") };
    let mut other = versie("andere", 1, third);
    other.grondslagen.push(grondslag("c"));
    for other in [other.clone(), behind(other, "eerste")] {
        let before = loads(&[(FIRST, vec![choice.clone()])]);
        let both = loads(&[(FIRST, vec![choice.clone()]), (LATER, vec![other, choice.clone()])]);
        assert_eq!(judge(bericht(), &both).unwrap_err(), Weigering::GrondslagKiezen);
        for (id, stamps) in [("a", "eerste-1"), ("b", "eerste-1"), ("c", "andere-1")] {
            let chosen = Bericht { grondslag: Some(id.to_owned()), ..bericht() };
            assert_eq!(judge(chosen, &both).unwrap().convenant, stamps, "{id}");
        }
        let named = Bericht { convenant: Some("andere".to_owned()), ..bericht() };
        assert_eq!(judge(named, &both).unwrap().convenant, "andere-1");
        let said = verschil(&before, &both, date(2026, 11, 30));
        let met = said.iter().filter(|zin| zin.starts_with("Meer dan een convenant: ")).collect::<Vec<_>>();
        let [one] = met.as_slice() else { panic!("{said:?}") };
        assert!(one.contains("stempelt convenant eerste (grondslag a of b"), "{one}");
        assert!(one.contains("krijgt alleen wie grondslag c of convenant andere noemt"), "{one}");
        assert!(!said.iter().any(|zin| zin.contains("te kiezen")), "{said:?}");
    }
}

#[test]
fn who_had_to_choose_nothing_and_must_now_is_told() {
    let choice = versie("eerste", 1, Regel { grondslagen: vec!["a".into(), "b".into()], ..regel("r") });
    let both = loads(&[(FIRST, vec![andere()]), (LATER, vec![andere(), choice.clone()])]);
    let without = loads(&[(FIRST, vec![andere()]), (LATER, vec![andere(), choice.clone()]), (LAST, vec![choice])]);
    assert_eq!(stamps(&both), "andere-1");
    assert_eq!(judge(bericht(), &without).unwrap_err(), Weigering::GrondslagKiezen);
    let said = verschil(&both, &without, date(2026, 11, 30));
    assert!(said.iter().any(|zin| zin.starts_with("Afzender moet nu zelf een grondslag kiezen: ")), "{said:?}");
}

#[test]
fn two_that_come_together_need_a_word_too_where_one_leaves_a_choice() {
    let choice = versie("eerste", 1, Regel { grondslagen: vec!["a".into(), "b".into()], ..regel("r") });
    let count = |convenanten: Vec<Convenant>| onbeslist(&loads(&[(FIRST, convenanten)]), date(2026, 11, 30)).len();
    assert_eq!(count(vec![andere(), choice.clone()]), 1);
    assert_eq!(count(vec![behind(andere(), "eerste"), choice]), 0);
}

/// The second one allows BSN, and has for longer than the first one, which stamps everything else.
#[test]
fn what_another_one_has_allowed_longer_is_told_as_it_is_stamped() {
    let with_bsn =
        |naam, number, of: &Convenant| versie(naam, number, Regel { bsn_toegestaan: true, ..of.regels[0].clone() });
    let (wider, other) = (with_bsn("eerste", 2, &eerste()), with_bsn("andere", 1, &andere()));
    let before = loads(&[(FIRST, vec![eerste()]), (LATER, vec![other.clone(), eerste()])]);
    let after = loads(&[(FIRST, vec![eerste()]), (LATER, vec![other.clone(), eerste()]), (LAST, vec![other, wider])]);
    for van_kracht in [&before, &after] {
        let told = samenlopen(van_kracht, date(2026, 11, 30));
        let [(samenloop, ..)] = told.as_slice() else { panic!("{told:?}") };
        let expected = "wat alleen andere toestaat of zij al langer toestaat (met BSN) stempelt andere";
        assert!(samenloop.tekst().contains(expected), "{}", samenloop.tekst());
    }
    // Where the first one has allowed it longer, there is nothing of the kind.
    let own = loads(&[
        (FIRST, vec![with_bsn("eerste", 1, &eerste())]),
        (LATER, vec![with_bsn("andere", 1, &andere()), with_bsn("eerste", 1, &eerste())]),
    ]);
    let told = samenlopen(&own, date(2026, 11, 30));
    assert!(!told[0].0.tekst().contains("met BSN"), "{}", told[0].0.tekst());
}

fn behind(convenant: Convenant, other: &str) -> Convenant {
    Convenant { staat_achter: vec![other.to_owned()], ..convenant }
}

#[test]
fn two_that_come_together_need_a_word_which_one_stands_behind() {
    let count = |convenanten: Vec<Convenant>| onbeslist(&loads(&[(FIRST, convenanten)]), date(2026, 11, 30)).len();
    assert_eq!(count(vec![andere(), eerste()]), 1);
    // The same on the same terms is no question.
    assert_eq!(count(vec![versie("andere", 1, regel("r")), eerste()]), 0);
    let longer = versie("andere", 1, Regel { houdbaarheid: Termijn::Maanden(4), ..regel("r") });
    assert_eq!(count(vec![longer, eerste()]), 1, "another term");
    for (front, all) in [
        ("eerste-1", vec![behind(andere(), "eerste"), eerste()]),
        ("andere-1", vec![andere(), behind(eerste(), "andere")]),
    ] {
        assert_eq!(count(all.clone()), 0);
        assert_eq!(stamps(&loads(&[(FIRST, all)])), front);
    }
    // With the same start in the future it is asked before it counts; with another start it is not.
    let starts = |convenant, van| Convenant { geldig_van: van, ..convenant };
    let (july, august) = (date(2027, 7, 1), date(2027, 8, 1));
    let long = |convenant: Convenant| Convenant { geldig_tot_en_met: date(2030, 1, 1), ..convenant };
    let loaded = |other| {
        let one = starts(long(eerste()), july);
        let van_kracht = loads(&[(FIRST, vec![one.clone()]), (LATER, vec![starts(long(andere()), other), one])]);
        onbeslist(&van_kracht, date(2026, 11, 30)).len()
    };
    assert_eq!((loaded(july), loaded(august)), (1, 0));
    // One that is in force is senior: no mistake, and no word takes its stamp away.
    let after =
        loads(&[(FIRST, vec![behind(eerste(), "andere")]), (LATER, vec![andere(), behind(eerste(), "andere")])]);
    assert_eq!(onbeslist(&after, date(2026, 11, 30)), []);
    assert_eq!(stamps(&after), "eerste-1");
    assert!(undecided(&after, &[], date(2026, 11, 30)).is_empty());
}

#[test]
fn a_change_says_what_stays_what_can_be_chosen_and_what_another_stamps() {
    let day = date(2026, 11, 30);
    let first = loads(&[(FIRST, vec![eerste()])]);
    let both = loads(&[(FIRST, vec![eerste()]), (LATER, vec![andere(), eerste()])]);
    let said = verschil(&first, &both, day);
    let met: Vec<&String> = said.iter().filter(|zin| zin.starts_with("Meer dan een convenant: ")).collect();
    assert_eq!(
        met,
        ["Meer dan een convenant: contextinformatieverzoek van zsm naar zvh: stempelt convenant eerste (grondslag a, \
          houdbaar 3 maanden vanaf aanvaarding); convenant andere (grondslag b, houdbaar 6 maanden vanaf aanvaarding, \
          afwijking: nazorg duurt een half jaar) krijgt alleen wie grondslag b of convenant andere noemt. Won de langste \
          termijn, dan werd dit grondslag b en 6 maanden vanaf aanvaarding, afwijking: nazorg duurt een half jaar."]
    );
    assert!(!said.iter().any(|zin| zin.starts_with("Ander stempel")), "{said:?}");
    let alone = loads(&[(FIRST, vec![eerste()]), (LATER, vec![andere(), eerste()]), (LAST, vec![andere()])]);
    let said = verschil(&both, &alone, day);
    let other = "Ander stempel: contextinformatieverzoek van zsm naar zvh: nu convenant andere (grondslag b, houdbaar 6 \
                 maanden vanaf aanvaarding, afwijking: nazorg duurt een half jaar) (was convenant eerste (grondslag a, \
                 houdbaar 3 maanden vanaf aanvaarding)).";
    assert!(said.iter().any(|zin| zin == other), "{said:?}");
    let said = verschil(&both, &first, day);
    assert!(said.iter().any(|zin| zin.starts_with("Niet meer te kiezen: ") && zin.contains("andere")), "{said:?}");
    assert!(!said.iter().any(|zin| zin.starts_with("Ander stempel")), "{said:?}");
}

/// Two partners send to two, and of the senders only zsm has a mandaat, of the ontvangers only zvh.
fn met_mandaten() -> Deelnemers {
    let mut deelnemers = deelnemers();
    for (naam, oin) in [("om", "00000099000000003000"), ("wacht", "00000099000000004000")] {
        let partner = partner(naam, oin, &["algemeen"]);
        deelnemers.partners.insert(partner.naam.clone(), partner);
    }
    deelnemers.mandaten = vec![mandaat("m1", "zsm"), mandaat("m2", "zvh")];
    deelnemers
}

#[test]
fn convenanten_meet_only_where_both_mandaten_are_there() {
    let wide = |regel: Regel| Regel {
        van: ["om", "zsm"].map(patroon).into(),
        naar: ["wacht", "zvh"].map(patroon).into(),
        ..regel
    };
    for (houder, route) in [
        (None, "van om en zsm naar wacht en zvh"),
        (Some(Mandaathouder::Afzender), "van zsm naar wacht en zvh"),
        (Some(Mandaathouder::Ontvanger), "van om en zsm naar zvh"),
    ] {
        let een = versie("eerste", 1, wide(Regel { mandaat: houder, ..regel("r") }));
        let ander = versie("andere", 1, wide(Regel { grondslagen: vec!["b".to_owned()], ..regel("r") }));
        let van_kracht = VanKracht::new(1, true, met_mandaten(), vec![een, ander]).loaded_at(at(FIRST));
        let found = samenlopen(&van_kracht, date(2026, 11, 30));
        let routes: Vec<&Vec<String>> = found.iter().map(|(_, routes, _)| routes).collect();
        assert_eq!(routes, [&[route]], "{houder:?}");
    }
}

#[test]
fn who_it_is_about_decides_where_only_the_past_tells_people_apart() {
    let minors = versie("eerste", 1, Regel { doelgroep: Some(Doelgroep::Minderjarig), ..regel("r") });
    let second = versie("eerste", 2, regel("r"));
    let van_kracht =
        loads(&[(FIRST, vec![minors.clone()]), (LATER, vec![andere(), minors]), (LAST, vec![andere(), second])]);
    let found = samenlopen(&van_kracht, date(2026, 11, 30));
    let told: Vec<(&str, &Vec<String>)> =
        found.iter().map(|(samenloop, routes, _)| (&*samenloop.stempelt.convenant, routes)).collect();
    let adults = vec!["van zsm naar zvh over volwassenen en mensen van onbekende leeftijd".to_owned()];
    let minors = vec!["van zsm naar zvh over minderjarigen".to_owned()];
    assert_eq!(told, [("andere", &adults), ("eerste", &minors)]);
}

#[test]
fn who_is_the_mede_ontvanger_itself_needs_no_other_one() {
    let asks = || versie("eerste", 1, Regel { mede_ontvanger: vec![patroon("zvh/jeugd")], ..regel("r") });
    let both = loads(&[(FIRST, vec![asks()]), (LATER, vec![andere(), asks()])]);
    let alone = loads(&[(FIRST, vec![asks()]), (LATER, vec![andere(), asks()]), (LAST, vec![asks()])]);
    let said = verschil(&both, &alone, date(2026, 11, 30));
    let gone: Vec<&String> = said.iter().filter(|zin| zin.contains("zonder mede-ontvanger")).collect();
    assert_eq!(
        gone,
        ["Niet meer toegestaan: contextinformatieverzoek van zsm naar zvh/algemeen (zonder mede-ontvanger)."]
    );
}
