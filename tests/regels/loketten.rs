//! Loketten: described in the deelnemers, closed with a referral, and what `admit`, `check` and `verschil` say of it.

use jiff::{Timestamp, civil::date};
use ketenpoort::{
    check::bevindingen::bevindingen,
    documenten::parse,
    domain::{
        Bericht, BerichtId, Berichtsoort, Contact, Deelnemers, Eerdere, Feiten, Identiteit, Loket, LoketNaam,
        Ontvanger, Overtreding, Regel, Rol, Sluiting, VanKracht, Weigering, Zicht, admit, matrix, still_allowed,
        verschil::verschil,
    },
};
use uuid::Uuid;

use crate::{
    bouw::{adres, convenant, deelnemers, eerder, patroon, regel},
    files::{bron, omgeving},
};

const GOOD: &str = r#"
[[partner]]
naam = "zsm"
oin = ["00000099000000001000"]
loketten = ["algemeen"]
[[partner.loket]]
naam = "jeugd"
functie = "ZSM-coördinator jeugd"
telefoon = "076 000 00 21"

[[partner]]
naam = "zvh"
oin = ["00000099000000002000"]
[[partner.loket]]
naam = "oud"
functie = "Procesregisseur"
telefoon = "+31 76 0000022"
gesloten_vanaf = 2026-12-01
verwijst_naar = "zsm/algemeen"

[[identiteit]]
ca = "ontwikkel"
oin = "00000099000000009000"
partner = "beheer"
rol = "beheer"
"#;

fn mistakes(text: &str) -> Vec<(usize, &'static str)> {
    let parsed = parse(&[bron("deelnemers.toml", text)], &omgeving(false));
    let found = parsed.err().map(|error| error.0).unwrap_or_default();
    found.iter().map(|mistake| (mistake.line, mistake.fout.code())).collect()
}

#[test]
fn a_described_loket_is_there_beside_the_named_ones() {
    let parsed = parse(&[bron("deelnemers.toml", GOOD)], &omgeving(false)).unwrap();
    let zsm = &parsed.deelnemers.partners[&"zsm".parse().unwrap()];
    let names: Vec<&str> = zsm.loketten.keys().map(LoketNaam::as_str).collect();
    assert_eq!(names, ["algemeen", "jeugd"]);
    let contact = zsm.loketten[&"jeugd".parse().unwrap()].contact.as_ref().unwrap();
    assert_eq!((contact.functie.as_str(), contact.telefoon.as_str()), ("ZSM-coördinator jeugd", "076 000 00 21"));
    // A partner that describes its loketten has those, and no `algemeen` that nobody described.
    let zvh = &parsed.deelnemers.partners[&"zvh".parse().unwrap()];
    let oud = zvh.loketten.values().next().unwrap().sluiting.as_ref().unwrap();
    assert_eq!(
        (zvh.loketten.len(), oud.vanaf, oud.verwijst_naar.to_string()),
        (1, date(2026, 12, 1), "zsm/algemeen".into())
    );
}

#[test]
fn each_mistake_in_a_loket_has_its_code_and_line() {
    assert_eq!(mistakes(GOOD), []);
    let long = format!("functie = \"{}\"", "é".repeat(101));
    let own = "\"zvh/oud\"\n[[partner.loket]]\nnaam = \"nieuw\"\nfunctie = \"f\"\ntelefoon = \"112\"\n";
    let both =
        format!("{}gesloten_vanaf = 2027-01-01\nverwijst_naar = \"zsm/jeugd\"", own.replace("zvh/oud", "zvh/nieuw"));
    for (from, to, line, code) in [
        ("naam = \"jeugd\"", "naam = \"algemeen\"", 7, "dubbel"),
        ("loketten = [\"algemeen\"]", "loketten = [\"algemeen\", \"jeugd\"]", 7, "dubbel"),
        ("naam = \"jeugd\"\n", "", 6, "ontbreekt"),
        ("functie = \"ZSM-coördinator jeugd\"\n", "", 6, "ontbreekt"),
        ("telefoon = \"076 000 00 21\"\n", "", 6, "ontbreekt"),
        ("functie = \"ZSM-coördinator jeugd\"", &long, 8, "verkeerde_vorm"),
        ("076 000 00 21", "076 000 OO 21", 9, "verkeerde_vorm"),
        ("076 000 00 21", "11", 9, "verkeerde_vorm"),
        ("076 000 00 21", "076 000 00 21 of 076 000", 9, "verkeerde_vorm"),
        ("gesloten_vanaf = 2026-12-01\n", "", 14, "sluiting_half"),
        ("verwijst_naar = \"zsm/algemeen\"\n", "", 14, "sluiting_half"),
        ("2026-12-01", "\"morgen\"", 18, "verkeerde_vorm"),
        ("\"zsm/algemeen\"", "\"zsm/Jeugd\"", 19, "verkeerde_vorm"),
        ("\"zsm/algemeen\"", "\"zms/jeugd\"", 19, "onbekende_partner"),
        ("\"zsm/algemeen\"", "\"zsm/zorg\"", 19, "onbekend_loket"),
        ("\"zsm/algemeen\"", own, 19, "verwijst_naar_zichzelf"),
        ("\"zsm/algemeen\"", &both, 19, "verwijst_naar_gesloten"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(mistakes(&GOOD.replacen(from, to, 1)), [(line, code)], "{from} -> {to}");
    }
    let typo = parse(&[bron("d", &GOOD.replace("telefoon = \"+", "telefon = \"+"))], &omgeving(false)).unwrap_err();
    assert!(typo.to_string().contains("telefon in [[partner.loket]]; bedoelt u telefoon?"), "{typo}");
}

fn sluiting(vanaf: (i16, i8, i8), naar: &str) -> Sluiting {
    Sluiting { vanaf: date(vanaf.0, vanaf.1, vanaf.2), verwijst_naar: adres(naar) }
}

/// The deelnemers of the other tests, with one loket as given.
fn with(at: &str, loket: Loket) -> Deelnemers {
    let (mut deelnemers, at) = (deelnemers(), adres(at));
    deelnemers.partners.get_mut(&at.partner).unwrap().loketten.insert(at.loket, loket);
    deelnemers
}

fn closed(at: &str, vanaf: (i16, i8, i8), naar: &str) -> Deelnemers {
    with(at, Loket { contact: None, sluiting: Some(sluiting(vanaf, naar)) })
}

fn in_force(deelnemers: Deelnemers) -> VanKracht {
    let back = Regel {
        berichtsoort: Berichtsoort::Contextinformatie,
        van: vec![patroon("zvh")],
        naar: vec![patroon("zsm")],
        ..regel("antwoord")
    };
    VanKracht::new(1, true, deelnemers, vec![convenant(vec![regel("r"), back])])
}

fn bericht(soort: Berichtsoort, ontvangers: &[&str]) -> Bericht {
    Bericht {
        request_id: Uuid::from_u128(1),
        vingerafdruk: [0; 32],
        loket: "algemeen".parse().unwrap(),
        ontvangers: ontvangers.iter().map(|text| adres(text)).collect(),
        in_antwoord_op: soort.answers().map(|_| BerichtId(Uuid::from_u128(7))),
        houdbaar_tot_en_met: None,
        grondslag: None,
        convenant: None,
        vervangt: None,
        feiten: Feiten { geboortedatum: "1990-01-01".parse().ok(), ..Feiten::new(soort) },
        betrokkenen: Vec::new(),
        medewerker: "m".to_owned(),
        inhoud: Vec::new(),
    }
}

/// Judged as sent by a partner from `algemeen`, in answer to what zsm/jeugd asked where it is an answer.
fn judge(van: &str, bericht: Bericht, van_kracht: &VanKracht, now: &str) -> Result<Ontvanger, Weigering> {
    let van = adres(van);
    let identiteit = Identiteit {
        partner: van.partner.clone(),
        oin: "00000099000000001000".parse().unwrap(),
        rol: Rol::Partner,
        loketten: [van.loket.clone()].into(),
        ziet: Zicht::default(),
    };
    let id = BerichtId(Uuid::from_u128(7));
    let asked = |soort| eerder(id, soort, "zsm/jeugd", &[&van.to_string()]);
    let eerdere = Eerdere { verzoek: bericht.feiten.soort.answers().map(asked), vervangt: None };
    let toegelaten = admit(bericht, &identiteit, eerdere, van_kracht, now.parse::<Timestamp>().unwrap())?;
    Ok(toegelaten.ontvangers()[0].clone())
}

const VRAAG: Berichtsoort = Berichtsoort::Contextinformatieverzoek;
/// The last second before midnight in Amsterdam, and midnight.
const BEFORE: &str = "2026-11-30T22:59:59Z";
const AFTER: &str = "2026-11-30T23:00:00Z";

#[test]
fn from_its_day_in_amsterdam_a_closed_loket_takes_nothing_new_and_says_where_to_go() {
    let van_kracht = in_force(closed("zvh/jeugd", (2026, 12, 1), "zvh/algemeen"));
    let both = || bericht(VRAAG, &["zvh/algemeen", "zvh/jeugd"]);
    let open = judge("zsm/algemeen", bericht(VRAAG, &["zvh/jeugd"]), &van_kracht, BEFORE).unwrap();
    judge("zsm/algemeen", both(), &van_kracht, BEFORE).unwrap();
    let refused = judge("zsm/algemeen", both(), &van_kracht, AFTER).unwrap_err();
    let uitleg = "gesloten sinds 2026-12-01; verwijst naar zvh/algemeen";
    assert_eq!(refused, Weigering::LoketGesloten(vec![Overtreding::new("ontvangers[1]", uitleg)]));
    assert_eq!(refused.overtredingen()[0].veld, "ontvangers[1]");
    judge("zsm/algemeen", bericht(VRAAG, &["zvh/algemeen"]), &van_kracht, AFTER).unwrap();
    // What was accepted before can still be collected.
    let (van, later) = (adres("zsm/algemeen"), AFTER.parse().unwrap());
    assert_eq!(still_allowed(VRAAG, &van, &open, &van_kracht, later), Ok(()));
}

#[test]
fn an_answer_to_a_loket_that_closed_since_goes_where_it_refers_to() {
    let van_kracht = in_force(closed("zsm/jeugd", (2026, 12, 1), "zsm/algemeen"));
    let answer = |naar: &str| bericht(Berichtsoort::Contextinformatie, &[naar]);
    assert!(judge("zvh/algemeen", answer("zsm/jeugd"), &van_kracht, BEFORE).is_ok());
    // As long as the loket is open nobody else gets its answer.
    let early = judge("zvh/algemeen", answer("zsm/algemeen"), &van_kracht, BEFORE);
    assert_eq!(early.unwrap_err(), Weigering::AntwoordNietVanU);
    let refused = judge("zvh/algemeen", answer("zsm/jeugd"), &van_kracht, AFTER).unwrap_err();
    assert_eq!(refused.code(), "loket_gesloten");
    assert!(judge("zvh/algemeen", answer("zsm/algemeen"), &van_kracht, AFTER).is_ok());
    assert_eq!(
        judge("zvh/algemeen", answer("zvh/jeugd"), &van_kracht, AFTER).unwrap_err(),
        Weigering::AntwoordNietVanU
    );
}

#[test]
fn the_matrix_shows_what_a_closed_loket_sends_and_nothing_that_it_gets() {
    let van_kracht = in_force(closed("zvh/jeugd", (2026, 12, 1), "zvh/algemeen"));
    let jeugd = adres("zvh/jeugd");
    let flows = |day| {
        let stromen = matrix(&van_kracht, day);
        let count =
            |of: &dyn Fn(&ketenpoort::domain::Stroom) -> bool| stromen.iter().filter(|stroom| of(stroom)).count();
        (count(&|stroom| stroom.van == jeugd), count(&|stroom| stroom.naar == jeugd))
    };
    assert_eq!(flows(date(2026, 11, 30)), (2, 2));
    assert_eq!(flows(date(2026, 12, 1)), (2, 0));
}

/// Code and sentence of what `check` says, but for the unused grondslag b.
fn told(van_kracht: &VanKracht, day: (i16, i8, i8)) -> Vec<String> {
    let found = bevindingen(van_kracht, date(day.0, day.1, day.2));
    let told = found.iter().map(|(_, found)| format!("{}: {}", found.code(), found.uitleg()));
    told.filter(|told| !told.starts_with("grondslag_ongebruikt")).collect()
}

#[test]
fn a_rule_that_names_a_loket_that_closes_is_told_and_one_that_names_its_partner_is_not() {
    let deelnemers = || closed("zvh/jeugd", (2026, 6, 1), "zvh/algemeen");
    // That it may still ask and is answered elsewhere needs no second look.
    assert_eq!(told(&in_force(deelnemers()), (2026, 6, 1)), Vec::<String>::new());
    let asks = closed("zsm/jeugd", (2026, 6, 1), "zsm/algemeen");
    assert_eq!(told(&in_force(asks), (2026, 6, 1)), Vec::<String>::new());
    let named = Regel { naar: vec![patroon("zvh/jeugd")], ..regel("r") };
    let mut regels = in_force(deelnemers()).convenanten()[0].regels.clone();
    regels[0] = named;
    let van_kracht = VanKracht::new(1, true, deelnemers(), vec![convenant(regels)]);
    let told = told(&van_kracht, (2026, 5, 1));
    let [one] = told.as_slice() else { panic!("{told:?}") };
    assert!(one.starts_with("loket_sluit: regel test/r noemt in naar het loket zvh/jeugd"), "{one}");
    assert!(one.contains("2026-06-01") && one.contains("Noem zvh/algemeen"), "{one}");
}

fn contact(functie: &str, telefoon: &str) -> Loket {
    let contact = Contact { functie: functie.to_owned(), telefoon: telefoon.parse().unwrap() };
    Loket { contact: Some(contact), sluiting: None }
}

#[test]
fn loketten_without_a_contact_are_told_once_where_others_have_one() {
    let one = told(&in_force(with("zsm/jeugd", contact("Coördinator", "112"))), (2026, 6, 1));
    let [one] = one.as_slice() else { panic!("{one:?}") };
    assert!(
        one.starts_with("loket_zonder_contact: ") && one.contains("zsm/algemeen, zvh/algemeen, zvh/jeugd:"),
        "{one}"
    );
    assert_eq!(told(&in_force(deelnemers()), (2026, 6, 1)), Vec::<String>::new());
}

#[test]
fn partners_that_exchange_without_a_contactpunt_are_told() {
    let identity = |oin: &str, partner: &str, rol: &str| {
        format!(
            "[[identiteit]]\nca = \"ontwikkel\"\noin = \"{oin}\"\nsan = \"{rol}.test\"\npartner = \"{partner}\"\nrol = \"{rol}\"\n"
        )
    };
    let (zsm, zvh) = ("00000099000000001000", "00000099000000002000");
    let text =
        [GOOD, &identity(zsm, "zsm", "partner"), &identity(zvh, "zvh", "partner"), &identity(zvh, "zvh", "contact")];
    let said = |text: String| {
        let parsed = parse(&[bron("deelnemers.toml", &text)], &omgeving(false)).unwrap();
        let told = told(&in_force(parsed.deelnemers), (2026, 6, 1));
        told.into_iter().filter(|one| one.starts_with("contactpunt_ontbreekt")).collect::<Vec<_>>()
    };
    let one = said(text.concat());
    let [one] = one.as_slice() else { panic!("{one:?}") };
    assert!(one.starts_with("contactpunt_ontbreekt: zonder identiteit met rol contact: zsm. "), "{one}");
    assert_eq!(said([text.concat(), identity(zsm, "zsm", "contact")].concat()), Vec::<String>::new());
    // Nobody exchanges for these partners yet.
    assert_eq!(said(GOOD.to_owned()), Vec::<String>::new());
}

#[test]
fn what_happens_to_a_loket_is_told() {
    let said = |oud, nieuw| {
        let of = |deelnemers| VanKracht::new(1, true, deelnemers, Vec::new());
        verschil(&of(oud), &of(nieuw), date(2026, 6, 1))
    };
    let jeugd = |vanaf, naar| closed("zvh/jeugd", vanaf, naar);
    let (december, januari) = ((2026, 12, 1), (2027, 1, 1));
    for (oud, nieuw, zinnen) in [
        (
            deelnemers(),
            jeugd(december, "zvh/algemeen"),
            vec!["Loket zvh/jeugd sluit vanaf 2026-12-01 en verwijst naar zvh/algemeen."],
        ),
        (
            jeugd(december, "zvh/algemeen"),
            deelnemers(),
            vec!["Loket zvh/jeugd sluit niet meer (was gesloten vanaf 2026-12-01)."],
        ),
        (
            jeugd(december, "zvh/algemeen"),
            jeugd(januari, "zsm/jeugd"),
            vec![
                "Loket zvh/jeugd sluit nu vanaf 2027-01-01 (was 2026-12-01).",
                "Loket zvh/jeugd verwijst nu naar zsm/jeugd (was zvh/algemeen).",
            ],
        ),
        (
            with("zvh/jeugd", contact("Regisseur", "112")),
            with("zvh/jeugd", contact("Coördinator", "113")),
            vec![
                "Loket zvh/jeugd heeft nu als functie \"Coördinator\" (was \"Regisseur\").",
                "Loket zvh/jeugd heeft nu als telefoon \"113\" (was \"112\").",
            ],
        ),
        (
            with("zvh/jeugd", contact("Regisseur", "112")),
            deelnemers(),
            vec![
                "Loket zvh/jeugd heeft geen functie meer (was \"Regisseur\").",
                "Loket zvh/jeugd heeft geen telefoon meer (was \"112\").",
            ],
        ),
        (
            deelnemers(),
            closed("zvh/oud", december, "zvh/jeugd"),
            vec!["Partner zvh krijgt loket oud.", "Loket zvh/oud sluit vanaf 2026-12-01 en verwijst naar zvh/jeugd."],
        ),
    ] {
        assert_eq!(said(oud, nieuw), zinnen);
    }
}

#[test]
fn closing_a_loket_today_takes_along_what_was_sent_there_and_closing_it_later_does_not() {
    let said = |vanaf| {
        let nieuw = in_force(closed("zvh/jeugd", vanaf, "zvh/algemeen"));
        verschil(&in_force(deelnemers()), &nieuw, date(2026, 6, 1))
    };
    let today = said((2026, 6, 1));
    assert_eq!(today.len(), 2, "{today:?}");
    assert_eq!(today[1], "Niet meer toegestaan: contextinformatieverzoek van zsm naar zvh/jeugd, op grondslag a.");
    assert_eq!(said((2026, 6, 2)).len(), 1, "{:?}", said((2026, 6, 2)));
}
