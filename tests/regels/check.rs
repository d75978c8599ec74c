//! What `check` finds, and how it shows what is allowed.

use jiff::civil::{Date, date};
use ketenpoort::{
    check::{bevindingen::bevindingen, mermaid::mermaid, rij::rijen, svg::svg, tabel::tabel},
    domain::{
        Berichtsoort, Bewaar, Convenant, Deelnemers, Doelgroep, Mandaathouder, Regel, Status, Termijn, VanKracht,
        matrix::matrix,
    },
};

use crate::bouw::{acceptatie, convenant, deelnemers, mandaat, patroon, regel, van_kracht};

const TODAY: Date = date(2026, 6, 1);

/// Code and sentence of everything that is said about these convenanten, but for the unused grondslag b.
fn told(convenanten: Vec<Convenant>) -> Vec<String> {
    let found = bevindingen(&van_kracht(convenanten), TODAY);
    let told = found.iter().map(|(_, found)| format!("{}: {}", found.code(), found.uitleg()));
    told.filter(|told| !told.starts_with("grondslag_ongebruikt")).collect()
}

fn answered(id: &str) -> Vec<Regel> {
    let back = Regel {
        berichtsoort: Berichtsoort::Contextinformatie,
        van: vec![patroon("zvh")],
        naar: vec![patroon("zsm")],
        ..regel("antwoord")
    };
    vec![regel(id), back]
}

#[track_caller]
fn only(told: &[String], begin: &str, naming: &[&str]) {
    let [one] = told else { panic!("expected one finding, found {told:#?}") };
    assert!(one.starts_with(&format!("{begin}: ")), "{one}");
    assert!(naming.iter().all(|word| one.contains(word)), "{one} does not name {naming:?}");
}

#[test]
fn nothing_is_said_about_what_needs_no_second_look() {
    assert_eq!(told(vec![convenant(answered("r"))]), Vec::<String>::new());
}

#[test]
fn two_convenanten_on_one_exchange_are_told_once_with_who_stamps_and_what_can_be_chosen() {
    let mut other = answered("ander");
    other[0] = Regel { grondslagen: vec!["b".to_owned()], bsn_toegestaan: true, ..other[0].clone() };
    other.truncate(1);
    let two = |regels| vec![convenant(answered("r")), Convenant { naam: "twee".to_owned(), ..convenant(regels) }];
    let naming = [
        "contextinformatieverzoek van zsm naar zvh: stempelt convenant test (grondslag a",
        "krijgt alleen wie grondslag b of convenant twee noemt",
        "wat alleen twee toestaat of zij al langer toestaat (met BSN) stempelt twee",
    ];
    only(&told(two(other.clone())), "overlap", &naming);
    // The same on the same terms is told too: who reads must know which of both to change.
    only(&told(two(vec![regel("zelfde")])), "overlap", &["wie convenant twee noemt"]);
    let later = Convenant {
        naam: "later".to_owned(),
        geldig_van: date(2026, 8, 1),
        ..convenant(vec![Regel { houdbaarheid: Termijn::Maanden(6), ..regel("langer") }])
    };
    let naming =
        ["vanaf 2026-08-01 stempelt convenant test", "Won de langste termijn, dan werd dit grondslag a en 6 maanden"];
    only(&told(vec![convenant(answered("r")), later]), "overlap", &naming);
    other[0].berichtsoort = Berichtsoort::BijMelding;
    assert_eq!(told(two(other)), Vec::<String>::new());
}

#[test]
fn seven_convenanten_on_one_exchange_are_not_hundreds_of_lines() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let all = names.map(|naam| Convenant { naam: naam.to_owned(), ..convenant(answered("r")) });
    assert_eq!(told(all.to_vec()).len(), 12, "each of six others, for each of two berichtsoorten");
}

#[test]
fn a_rule_of_one_convenant_that_always_loses_is_unreachable() {
    let with = |extra: Regel| {
        let mut regels = answered("r");
        regels.push(extra);
        told(vec![convenant(regels)])
    };
    let shorter = Regel { houdbaarheid: Termijn::Dagen(14), ..regel("kort") };
    only(&with(shorter.clone()), "onbereikbaar", &["test/kort", "test/r"]);
    only(&with(Regel { doelgroep: Some(Doelgroep::Volwassen), ..regel("deel") }), "onbereikbaar", &["test/deel"]);
    // What it alone allows keeps it reachable, and so does another convenant: a sender can name it.
    only(&with(Regel { bsn_toegestaan: true, ..shorter.clone() }), "overbodig", &["test/kort"]);
    let other = Convenant { naam: "twee".to_owned(), ..convenant(vec![shorter]) };
    only(&told(vec![convenant(answered("r")), other]), "overlap", &["wie convenant twee noemt"]);
}

#[test]
fn a_convenant_behind_one_that_is_not_there_is_told() {
    let behind = Convenant { staat_achter: vec!["weg".to_owned()], ..convenant(answered("r")) };
    only(&told(vec![behind]), "staat_achter_onbekend", &["convenant test staat achter weg"]);
}

#[test]
fn a_deviating_term_shows_its_reason() {
    let afwijking = Some("zo lang duurt de nazorg".to_owned());
    let long = Regel { houdbaarheid: Termijn::Maanden(6), afwijking, ..regel("r") };
    let van_kracht = van_kracht(vec![convenant(vec![long])]);
    assert!(svg(&van_kracht, TODAY).contains("afwijking: zo lang duurt de nazorg"));
    let row = tabel(&van_kracht, TODAY).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(row.contains("afwijking: zo"), "{row}");
    assert_eq!(matrix(&van_kracht, TODAY)[0].afwijking.as_deref(), Some("zo lang duurt de nazorg"));
}

#[test]
fn what_a_rule_cannot_mean_is_told() {
    let with = |change: fn(&mut Regel)| {
        let mut regels = answered("r");
        change(&mut regels[0]);
        told(vec![convenant(regels)])
    };
    only(&with(|regel| regel.max_verlengingen = 2), "verlengen_past_niet", &["test/r", "contextinformatieverzoek"]);
    only(&with(|regel| regel.mede_ontvanger = vec![patroon("zvh/jeugd")]), "mede_ontvanger_vanzelf", &["zvh/jeugd"]);
    let kept_short = Regel {
        berichtsoort: Berichtsoort::Scenario,
        bewaar_inhoud: Bewaar::Bevestiging,
        max_verlengingen: 2,
        ..regel("scenario")
    };
    let all = told(vec![convenant(vec![kept_short])]);
    assert!(all.iter().any(|told| told.starts_with("scenario_niet_bewaard")), "{all:?}");
    assert!(!all.iter().any(|told| told.starts_with("verlengen_past_niet")), "{all:?}");
}

#[test]
fn two_rules_of_one_convenant_that_say_the_same_are_one_too_many() {
    let mut regels = answered("r");
    regels[0].van = vec![patroon("zsm/jeugd"), patroon("zsm/algemeen")];
    regels[0].naar = vec![patroon("zvh/jeugd")];
    regels.push(Regel { van: vec![patroon("zsm/jeugd")], ..regel("half") });
    only(&told(vec![convenant(regels)]), "overbodig", &["test/half", "test/r"]);
}

#[test]
fn who_asks_and_is_never_answered_is_told_with_the_pairs() {
    let mut regels = answered("r");
    regels[1].van = vec![patroon("zvh/jeugd")];
    let naming = ["zsm mag contextinformatieverzoek sturen aan zvh/algemeen", "contextinformatie"];
    only(&told(vec![convenant(regels)]), "nooit_beantwoord", &naming);
    // An answer follows the doelgroep of its question.
    let mut regels = answered("r");
    regels[0].doelgroep = Some(Doelgroep::Minderjarig);
    regels[1].doelgroep = Some(Doelgroep::Volwassen);
    only(&told(vec![convenant(regels)]), "nooit_beantwoord", &["zsm mag"]);
}

#[test]
fn grondslagen_are_told_when_unused_unconfirmed_or_at_their_end() {
    let found = bevindingen(&van_kracht(vec![convenant(answered("r"))]), TODAY);
    let [(_, unused)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(unused.code(), "grondslag_ongebruikt");
    assert!(unused.uitleg().contains("rust op b"), "{}", unused.uitleg());
    let with = |status, tot| {
        let mut convenant = convenant(answered("r"));
        convenant.grondslagen[0].status = status;
        convenant.grondslagen[0].geldig_tot_en_met = tot;
        told(vec![convenant])
    };
    let accepted = Status::TeBevestigen(Some(acceptatie()));
    only(&with(accepted, None), "grondslag_aanvaard", &["FG", "2026-02-01"]);
    let doubted = with(Status::TeBevestigen(None), None);
    assert!(doubted[0].starts_with("grondslag_onbevestigd"), "{doubted:?}");
    assert!(doubted.iter().any(|told| told.starts_with("niets_toegestaan")), "{doubted:?}");
    only(&with(Status::Bevestigd, Some(date(2026, 7, 30))), "loopt_af", &["grondslag test/a", "2026-07-30"]);
    assert_eq!(with(Status::Bevestigd, Some(date(2026, 7, 31))), Vec::<String>::new());
    let lapsed = with(Status::Bevestigd, Some(date(2026, 5, 31)));
    assert!(lapsed.iter().any(|told| told.starts_with("verlopen: grondslag test/a gold tot")), "{lapsed:?}");
}

#[test]
fn a_mandaat_that_a_rule_asks_for_and_nobody_holds_is_told() {
    let mut regels = answered("r");
    regels[0].mandaat = Some(Mandaathouder::Afzender);
    assert!(told(vec![convenant(regels.clone())])[0].starts_with("mandaat_ontbreekt: regel test/r"));
    let deelnemers = Deelnemers { mandaten: vec![mandaat("m", "zsm")], ..deelnemers() };
    let held = VanKracht::new(1, true, deelnemers, vec![convenant(regels)]);
    let found = bevindingen(&held, TODAY);
    assert!(found.iter().all(|(_, found)| !found.code().starts_with("mandaat")), "{found:?}");
    let rij = &rijen(&held, TODAY)[0];
    assert_eq!(rij.mandaten, ["m"]);
}

#[test]
fn a_partner_stands_for_all_its_loketten_and_no_less() {
    let all = rijen(&van_kracht(vec![convenant(vec![regel("r")])]), TODAY);
    assert_eq!((all.len(), all[0].van[0].to_string(), all[0].naar[0].to_string()), (1, "zsm".into(), "zvh".into()));
    let loket = Regel { van: vec![patroon("zsm/jeugd")], ..regel("r") };
    assert_eq!(rijen(&van_kracht(vec![convenant(vec![loket])]), TODAY)[0].van[0].to_string(), "zsm/jeugd");
}

#[test]
fn what_is_shown_escapes_what_stands_in_it() {
    let evil = Convenant { titel: "<script>\"&\u{1}".to_owned(), ..convenant(vec![regel("r")]) };
    let drawn = svg(&van_kracht(vec![evil]), TODAY);
    assert!(drawn.contains("&lt;script&gt;&quot;&amp; </text>"), "{drawn}");
    well_formed(&drawn);
    let odd = Regel { grondslagen: vec!["a".to_owned()], ..regel("r") };
    let diagram = mermaid(&van_kracht(vec![convenant(vec![odd])]), TODAY);
    assert!(diagram.contains("n0 -->|\"contextinformatieverzoek: a, 3 maanden vanaf aanvaarding\"| n1"), "{diagram}");
}

/// Every element is closed in its order, and no bare `<` or `&` is left: enough of XML for what we write.
pub fn well_formed(xml: &str) {
    let mut open = Vec::new();
    for part in xml.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("<{part} is not closed"));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap());
        }
        for entity in text.split('&').skip(1) {
            let name = entity.split_once(';').unwrap_or_else(|| panic!("&{entity} is no entity")).0;
            assert!(["amp", "lt", "gt", "quot"].contains(&name), "&{name};");
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[test]
fn the_table_fits_a_terminal_of_120_columns_and_loses_nothing() {
    let parsed = crate::files::voorbeeld().unwrap();
    let van_kracht = VanKracht::new(1, false, parsed.deelnemers, parsed.convenanten);
    let shown = tabel(&van_kracht, TODAY);
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    for id in ["zvh-midden-brabant", "contextinformatieverzoek", "afspraken-zsm-jeugd", "minderjarigen"] {
        assert!(shown.contains(id), "{id} is not in {shown}");
    }
}
