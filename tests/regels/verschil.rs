use jiff::civil::{Date, date};
use ketenpoort::domain::{
    Berichtsoort, Bewaar, Convenant, Deelnemers, Doelgroep, Identiteit, Mandaathouder, Regel, Rol, Status, TeltVanaf,
    Termijn, Toegang, VanKracht, Zicht, verschil::verschil,
};

use crate::bouw::{acceptatie, convenant, deelnemers, mandaat, partner, patroon, regel, van_kracht};

const TODAY: Date = date(2026, 6, 1);

fn sentences(oud: Vec<Convenant>, nieuw: Vec<Convenant>) -> Vec<String> {
    verschil(&van_kracht(oud), &van_kracht(nieuw), TODAY)
}

/// What it means that one rule becomes another.
fn change(oud: Regel, nieuw: Regel) -> Vec<String> {
    sentences(vec![convenant(vec![oud])], vec![convenant(vec![nieuw])])
}

#[test]
fn what_stays_the_same_is_not_mentioned() {
    assert_eq!(change(regel("r"), regel("een-andere-naam")), Vec::<String>::new());
    // The same, said in two rules.
    let to = |loket| Regel { naar: vec![patroon(loket)], ..regel(&loket.replace('/', "-")) };
    let split = convenant(vec![to("zvh/algemeen"), to("zvh/jeugd")]);
    assert_eq!(sentences(vec![convenant(vec![regel("r")])], vec![split]), Vec::<String>::new());
}

#[test]
fn what_is_new_and_what_is_gone_is_one_sentence_for_all_addresses() {
    let route = "contextinformatieverzoek van zsm naar zvh, op grondslag a";
    let none = || convenant(Vec::new());
    let added = sentences(vec![none()], vec![convenant(vec![regel("r")])]);
    assert_eq!(added, [format!("Nieuw toegestaan: {route}, houdbaar 3 maanden vanaf aanvaarding.")]);
    let gone = sentences(vec![convenant(vec![regel("r")])], vec![none()]);
    assert_eq!(gone, [format!("Niet meer toegestaan: {route}.")]);
    let choice = |grondslagen: &[&str]| Regel {
        grondslagen: grondslagen.iter().map(ToString::to_string).collect(),
        ..regel("r")
    };
    let other = change(choice(&["a"]), choice(&["b"]));
    assert_eq!(other.len(), 2, "another grondslag is another permission: {other:?}");
    let both = sentences(vec![none()], vec![convenant(vec![choice(&["a", "b"])])]);
    assert_eq!(both.len(), 1, "{both:?}");
    assert!(both[0].contains("op grondslag a of b"), "{both:?}");
}

#[test]
fn houdbaarheid_is_told_as_shorter_longer_or_other() {
    let with = |houdbaarheid, telt_vanaf| Regel { houdbaarheid, telt_vanaf, ..regel("r") };
    let (three, six) = (Termijn::Maanden(3), Termijn::Maanden(6));
    let (aanvaarding, peildatum) = (TeltVanaf::Aanvaarding, TeltVanaf::Peildatum);
    for (was, is, begin, end) in [
        (
            (three, aanvaarding),
            (Termijn::Dagen(14), aanvaarding),
            "Korter",
            "14 dagen vanaf aanvaarding (was 3 maanden",
        ),
        ((three, aanvaarding), (six, aanvaarding), "Langer", "6 maanden vanaf aanvaarding (was 3 maanden"),
        ((three, aanvaarding), (three, peildatum), "Korter", "3 maanden vanaf peildatum (was 3 maanden vanaf aanvaa"),
        ((three, peildatum), (three, aanvaarding), "Langer", "3 maanden vanaf aanvaarding (was 3 maanden vanaf peil"),
        ((three, aanvaarding), (six, peildatum), "Anders", "6 maanden vanaf peildatum (was 3 maanden vanaf aanvaa"),
    ] {
        let said = change(with(was.0, was.1), with(is.0, is.1));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("{begin} houdbaar: ")) && said[0].contains(end), "{said:?}");
    }
}

#[test]
fn a_change_of_conditions_is_told() {
    let mede = Regel { mede_ontvanger: vec![patroon("zvh/jeugd")], ..regel("r") };
    let bevestiging = Regel { bewaar_inhoud: Bewaar::Bevestiging, ..regel("r") };
    for (oud, nieuw, begin) in [
        (regel("r"), Regel { bsn_toegestaan: true, ..regel("r") }, "BSN nu toegestaan: "),
        (Regel { bsn_toegestaan: true, ..regel("r") }, regel("r"), "BSN niet meer toegestaan: "),
        (regel("r"), mede.clone(), "Als mede-ontvanger nu nodig zvh/jeugd: "),
        (mede, regel("r"), "Geen mede-ontvanger meer nodig: "),
        (regel("r"), Regel { max_verlengingen: 2, ..regel("r") }, "Verlengen: "),
        (regel("r"), bevestiging, "Inhoud nu vernietigd zodra de ontvanger haar bevestigt: "),
    ] {
        let said = change(oud, nieuw);
        assert!(said.len() == 1 && said[0].starts_with(begin), "{begin} is not {said:?}");
    }
}

#[test]
fn a_rule_for_one_doelgroep_less_says_for_whom_it_no_longer_holds() {
    let said = change(regel("r"), Regel { doelgroep: Some(Doelgroep::Volwassen), ..regel("r") });
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("over minderjarigen en mensen van onbekende leeftijd"), "{said:?}");
    let melding = Regel { berichtsoort: Berichtsoort::BijMelding, ..regel("r") };
    let zeden = Regel { categorie: Some(ketenpoort::domain::Categorie::Zeden), ..melding.clone() };
    let said = change(melding, zeden);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("Niet meer") && said[0].contains("(categorie ernstig_geweld)"), "{said:?}");
}

#[test]
fn another_convenant_beside_it_changes_nothing_of_what_goes() {
    let short = Regel { houdbaarheid: Termijn::Dagen(14), ..regel("kort") };
    let second = Convenant { naam: "tweede".to_owned(), ..convenant(vec![short]) };
    let one = || convenant(vec![regel("r")]);
    let said = sentences(vec![one()], vec![one(), second]);
    assert_eq!(said.len(), 2, "a shorter rule beside a longer one changes nothing: {said:?}");
    assert!(said[0].starts_with("Convenant tweede is nieuw"), "{said:?}");
    assert!(said[1].starts_with("Meer dan een convenant: "), "{said:?}");
}

#[test]
fn terms_and_versions_are_told_and_a_lapsed_convenant_takes_its_flows_along() {
    let with = |versie: &str, tot| Convenant {
        versie: versie.to_owned(),
        geldig_tot_en_met: tot,
        ..convenant(vec![regel("r")])
    };
    let (year, next) = (date(2026, 12, 31), date(2027, 12, 31));
    let longer = sentences(vec![with("1", year)], vec![with("2", next)]);
    assert_eq!(
        longer,
        [
            "Convenant test: versie 2 in plaats van versie 1.",
            "Convenant test geldt nu tot en met 2027-12-31 (was 2026-12-31).",
        ]
    );
    let lapsed = sentences(vec![with("1", year)], vec![with("1", date(2026, 5, 31))]);
    assert_eq!(lapsed.len(), 2, "{lapsed:?}");
    assert!(lapsed[1].starts_with("Niet meer toegestaan: "), "{lapsed:?}");
    let last_day = sentences(vec![with("1", year)], vec![with("1", TODAY)]);
    assert_eq!(last_day.len(), 1, "its last day still counts: {last_day:?}");
}

#[test]
fn the_status_of_a_grondslag_is_told_with_what_it_stops() {
    let with = |status| {
        let mut convenant = convenant(vec![regel("r")]);
        convenant.grondslagen[0].status = status;
        vec![convenant]
    };
    let doubted = sentences(with(Status::Bevestigd), with(Status::TeBevestigen(None)));
    assert_eq!(doubted[0], "Grondslag a in convenant test is nu te bevestigen (was bevestigd).");
    assert!(doubted[1].starts_with("Niet meer toegestaan: "), "{doubted:?}");
    let accepted = sentences(with(Status::TeBevestigen(None)), with(Status::TeBevestigen(Some(acceptatie()))));
    assert!(accepted[0].contains("aanvaard door FG op 2026-02-01"), "{accepted:?}");
    assert!(accepted[1].starts_with("Nieuw toegestaan: "), "{accepted:?}");
}

#[test]
fn who_takes_part_is_told() {
    let toegang = |rol| Toegang {
        ca: "ca".to_owned(),
        san: None,
        identiteit: Identiteit {
            partner: "zvh".parse().unwrap(),
            oin: "00000099000000002000".parse().unwrap(),
            rol,
            loketten: ["jeugd".parse().unwrap()].into(),
            ziet: Zicht::default(),
        },
    };
    let of = |deelnemers| VanKracht::new(1, true, deelnemers, Vec::new());
    let (oud, mut nieuw) = (Deelnemers { toegangen: vec![toegang(Rol::Partner)], ..deelnemers() }, deelnemers());
    nieuw.toegangen = vec![toegang(Rol::Fg)];
    nieuw.mandaten = vec![mandaat("m", "zvh")];
    for partner in [
        partner("om", "00000099000000003000", &["algemeen"]),
        partner("zvh", "00000099000000002000", &["algemeen", "zorg"]),
    ] {
        nieuw.partners.insert(partner.naam.clone(), partner);
    }
    nieuw.partners.remove(&"zsm".parse().unwrap());
    let said = verschil(&of(oud), &of(nieuw), TODAY);
    assert_eq!(
        said,
        [
            "Partner zsm is er niet meer.",
            "Partner zvh krijgt loket zorg.",
            "Partner zvh heeft niet meer loket jeugd.",
            "Partner om is nieuw, met loket algemeen.",
            "Het certificaat met OIN 00000099000000002000 van CA ca geeft nu toegang als zvh met rol fg, loket jeugd (was zvh \
         met rol partner, loket jeugd).",
            "Mandaat m is nieuw: procesregisseur van zvh handelt voor burgemeester bij contextinformatieverzoek, van 2026-01-01 \
         tot en met 2026-12-31.",
        ]
    );
}

#[test]
fn a_mandaat_that_is_withdrawn_stops_what_asks_for_it() {
    let asks = || vec![convenant(vec![Regel { mandaat: Some(Mandaathouder::Ontvanger), ..regel("r") }])];
    let with = |mandaten| VanKracht::new(1, true, Deelnemers { mandaten, ..deelnemers() }, asks());
    let said = verschil(&with(vec![mandaat("m", "zvh")]), &with(Vec::new()), TODAY);
    assert_eq!(said[0], "Mandaat m van zvh is er niet meer.");
    assert!(said[1].starts_with("Niet meer toegestaan: "), "{said:?}");
    // With a mandaat at hand the new condition itself is told.
    let open = VanKracht::new(
        1,
        true,
        Deelnemers { mandaten: vec![mandaat("m", "zvh")], ..deelnemers() },
        vec![convenant(vec![regel("r")])],
    );
    let asked = verschil(&open, &with(vec![mandaat("m", "zvh")]), TODAY);
    assert!(asked.len() == 1 && asked[0].starts_with("Mandaat van de ontvanger nu nodig: "), "{asked:?}");
}

#[test]
fn a_choice_other_alternatives_and_another_place_in_the_register_are_told() {
    let with = |grondslagen: &[&str]| Regel {
        grondslagen: grondslagen.iter().map(ToString::to_string).collect(),
        ..regel("r")
    };
    let told = change(with(&["a"]), with(&["a", "b"]));
    assert!(told.iter().any(|zin| zin.starts_with("Afzender moet nu zelf een grondslag kiezen")), "{told:?}");
    let beside =
        |names: &[&str]| Regel { mede_ontvanger: names.iter().map(|naam| patroon(naam)).collect(), ..regel("r") };
    assert_eq!(change(beside(&["zsm", "dji"]), beside(&["dji", "zsm"])), Vec::<String>::new());
    let told = change(beside(&["zsm", "dji"]), beside(&["dji"]));
    assert!(told[0].starts_with("Als mede-ontvanger nu nodig dji: "), "{told:?}");
    let register = |uri: &str| Regel { verwerkingsactiviteit: Some(uri.to_owned()), ..regel("r") };
    let told = change(register("https://r.test/een"), register("https://r.test/twee"));
    assert!(told[0].ends_with("verwerkingsactiviteit https://r.test/twee (was https://r.test/een)."), "{told:?}");
}

/// Of two rules the longest stamps, and with it comes how long the gateway keeps the content.
#[test]
fn a_shorter_rule_beside_it_does_not_change_how_long_content_is_kept() {
    let long = Regel { houdbaarheid: Termijn::Maanden(6), bewaar_inhoud: Bewaar::Bevestiging, ..regel("lang") };
    let was = vec![convenant(vec![long.clone()])];
    let is = vec![convenant(vec![long, regel("kort")])];
    assert_eq!(sentences(was, is), Vec::<String>::new());
}

#[test]
fn two_that_may_send_to_each_other_are_not_said_to_send_to_themselves() {
    let one = |van, naar, id| Regel { van: vec![patroon(van)], naar: vec![patroon(naar)], ..regel(id) };
    let both =
        convenant(vec![one("zsm/algemeen", "zvh/algemeen", "heen"), one("zvh/algemeen", "zsm/algemeen", "terug")]);
    let told = sentences(vec![convenant(Vec::new())], vec![both]);
    assert_eq!(told.len(), 2, "{told:?}");
    let kept = Regel { max_verlengingen: 2, bewaar_inhoud: Bewaar::Bevestiging, ..regel("r") };
    let told = sentences(vec![convenant(Vec::new())], vec![convenant(vec![kept])]);
    assert!(told[0].contains("hoogstens 2 keer te verlengen, inhoud vernietigd na bevestiging"), "{told:?}");
}
