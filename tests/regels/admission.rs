use jiff::{Timestamp, civil::date};
use ketenpoort::domain::{
    Adrespatroon, Bericht, BerichtId, Berichtsoort, Categorie, Deelnemers, Doelgroep, Eerder, Eerdere, Feiten,
    Identiteit, Mandaathouder, Regel, Rol, Status, TeltVanaf, Termijn, Toegelaten, VanKracht, Weigering, Zicht, admit,
    still_allowed,
};
use uuid::Uuid;

use crate::bouw::{adres, bericht, convenant, deelnemers, eerder, mandaat, regel, van_kracht};

/// The same with other facts.
fn with(change: impl FnOnce(&mut Feiten)) -> Bericht {
    let mut bericht = bericht();
    change(&mut bericht.feiten);
    bericht
}

fn identiteit() -> Identiteit {
    Identiteit {
        partner: "zsm".parse().unwrap(),
        oin: "00000099000000001000".parse().unwrap(),
        rol: Rol::Partner,
        loketten: ["algemeen".parse().unwrap(), "jeugd".parse().unwrap()].into(),
        ziet: Zicht::default(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOON: &str = "2026-11-30T11:00:00Z";

fn judge(bericht: Bericht, van_kracht: &VanKracht) -> Result<Toegelaten, Weigering> {
    admit(bericht, &identiteit(), Eerdere::default(), van_kracht, at(NOON))
}

fn stamp(bericht: Bericht, van_kracht: &VanKracht) -> (String, String, String) {
    let toegelaten = judge(bericht, van_kracht).unwrap();
    let stempel = &toegelaten.ontvangers()[0].stempel;
    (stempel.regel.clone(), stempel.grondslag.clone(), stempel.houdbaar_tot_en_met.to_string())
}

#[test]
fn the_stamp_names_rule_grondslag_and_last_day() {
    let stamp = stamp(bericht(), &van_kracht(vec![convenant(vec![regel("r")])]));
    assert_eq!(stamp, ("r".to_owned(), "a".to_owned(), "2027-02-28".to_owned()));
}

#[test]
fn of_several_rules_the_longest_counts_whatever_their_order() {
    let short = Regel { houdbaarheid: Termijn::Dagen(14), ..regel("kort") };
    for regels in [vec![short.clone(), regel("lang")], vec![regel("lang"), short.clone()]] {
        assert_eq!(stamp(bericht(), &van_kracht(vec![convenant(regels)])).0, "lang");
    }
    // In another convenant too; and adding one that refuses forbids nothing.
    let strict = convenant(vec![Regel { doelgroep: Some(Doelgroep::Minderjarig), ..regel("jeugd") }]);
    let both = van_kracht(vec![convenant(vec![short]), strict]);
    assert_eq!(stamp(bericht(), &both).0, "kort");
}

#[test]
fn where_the_rule_leaves_a_choice_the_sender_chooses() {
    let choice = van_kracht(vec![convenant(vec![Regel { grondslagen: vec!["a".into(), "b".into()], ..regel("r") }])]);
    assert_eq!(judge(bericht(), &choice).unwrap_err(), Weigering::GrondslagKiezen);
    let choosing = |id: &str| Bericht { grondslag: Some(id.to_owned()), ..bericht() };
    assert_eq!(stamp(choosing("b"), &choice).1, "b");
    assert_eq!(judge(choosing("c"), &choice).unwrap_err(), Weigering::GrondslagNietToegestaan);
}

#[test]
fn a_rule_for_a_doelgroep_looks_at_the_day_of_the_offence() {
    let minors = van_kracht(vec![convenant(vec![Regel { doelgroep: Some(Doelgroep::Minderjarig), ..regel("r") }])]);
    let born = |text: &str| with(|feiten| feiten.geboortedatum = text.parse().ok());
    // 18 on the 25th: a minor on the 20th, when it happened, and an adult today.
    assert!(judge(born("2008-11-25"), &minors).is_ok());
    assert_eq!(judge(born("2008-11-20"), &minors).unwrap_err(), Weigering::DoelgroepNietToegestaan);
    assert_eq!(judge(born("2008-11"), &minors).unwrap_err(), Weigering::DoelgroepOnbepaald);
}

#[test]
fn an_answer_follows_the_doelgroep_of_what_it_answers() {
    let mut answer = Regel { doelgroep: Some(Doelgroep::Minderjarig), ..regel("antwoord") };
    answer.berichtsoort = Berichtsoort::Contextinformatie;
    let minors = van_kracht(vec![convenant(vec![answer])]);
    let id = BerichtId(Uuid::from_u128(7));
    let verzoek = |afzender: &str, ontvanger: &str| {
        let doelgroep = Some(Doelgroep::Minderjarig);
        Eerder { doelgroep, ..eerder(id, Berichtsoort::Contextinformatieverzoek, afzender, &[ontvanger]) }
    };
    let feiten = Feiten { geboortedatum: "2008-11-25".parse().ok(), ..Feiten::new(Berichtsoort::Contextinformatie) };
    let answering = Bericht { in_antwoord_op: Some(id), feiten, ..bericht() };
    let judge = |verzoek| {
        let eerdere = Eerdere { verzoek: Some(verzoek), vervangt: None };
        admit(answering.clone(), &identiteit(), eerdere, &minors, at(NOON))
    };
    assert!(judge(verzoek("zvh", "zsm")).is_ok());
    assert_eq!(judge(verzoek("zvh", "zsm/jeugd")).unwrap_err(), Weigering::AntwoordNietVanU);
    assert_eq!(judge(verzoek("zsm/jeugd", "zsm")).unwrap_err(), Weigering::AntwoordNietVanU);
}

#[test]
fn terms_of_convenant_and_grondslag_include_their_last_day() {
    let bouw = van_kracht;
    let van_kracht = bouw(vec![convenant(vec![regel("r")])]);
    let judge_at = |moment: &str, van_kracht: &VanKracht| {
        admit(bericht(), &identiteit(), Eerdere::default(), van_kracht, at(moment))
    };
    assert!(judge_at("2026-12-31T22:59:59Z", &van_kracht).is_ok());
    let after = judge_at("2026-12-31T23:00:00Z", &van_kracht).unwrap_err();
    assert_eq!(after, Weigering::ConvenantNietVanKracht);
    let mut lapsed = convenant(vec![regel("r")]);
    lapsed.grondslagen[0].geldig_tot_en_met = Some(date(2026, 11, 29));
    assert_eq!(judge_at(NOON, &bouw(vec![lapsed])).unwrap_err(), Weigering::GrondslagNietVanKracht);
}

#[test]
fn what_was_said_by_telephone_counts_from_when_it_was_said() {
    let mondeling = Regel { berichtsoort: Berichtsoort::MondelingeVerstrekking, ..regel("r") };
    let van_kracht = van_kracht(vec![convenant(vec![mondeling])]);
    let said = |moment: &str| {
        let gegeven_op = Some(at(moment));
        let feiten = Feiten { gegeven_op, ..Feiten::new(Berichtsoort::MondelingeVerstrekking) };
        Bericht { feiten, ..bericht() }
    };
    // In the night of 14 to 15 September in Amsterdam, registered on 30 November.
    assert_eq!(stamp(said("2026-09-14T22:30:00Z"), &van_kracht).2, "2026-12-15");
    assert_eq!(judge(said("2026-08-29T10:00:00Z"), &van_kracht).unwrap_err(), Weigering::HoudbaarheidVerstreken);
}

#[test]
fn a_bsn_goes_only_where_the_rule_allows_it() {
    let with_bsn = with(|feiten| feiten.bevat_bsn = true);
    let without = van_kracht(vec![convenant(vec![regel("r")])]);
    assert_eq!(judge(with_bsn.clone(), &without).unwrap_err(), Weigering::BsnNietToegestaan);
    let allowed = van_kracht(vec![convenant(vec![Regel { bsn_toegestaan: true, ..regel("r") }])]);
    assert!(judge(with_bsn, &allowed).is_ok());
}

#[test]
fn stale_news_is_refused_and_a_sender_only_shortens() {
    let from_peildatum = Regel { telt_vanaf: TeltVanaf::Peildatum, ..regel("r") };
    let van_kracht = van_kracht(vec![convenant(vec![from_peildatum])]);
    let of = |peildatum| with(|feiten| feiten.peildatum = Some(peildatum));
    assert_eq!(stamp(of(date(2026, 9, 15)), &van_kracht).2, "2026-12-15");
    assert_eq!(judge(of(date(2026, 8, 29)), &van_kracht).unwrap_err(), Weigering::HoudbaarheidVerstreken);
    let until = |day| Bericht { houdbaar_tot_en_met: Some(day), ..bericht() };
    assert_eq!(stamp(until(date(2026, 11, 30)), &van_kracht).2, "2026-11-30");
    assert_eq!(judge(until(date(2027, 3, 1)), &van_kracht).unwrap_err(), Weigering::HoudbaarheidTeLang);
    assert!(matches!(judge(until(date(2026, 11, 29)), &van_kracht).unwrap_err(), Weigering::OngeldigVeld(_)));
}

#[test]
fn at_delivery_the_stamp_must_still_rest_on_something() {
    let at_first = van_kracht(vec![convenant(vec![regel("r")])]);
    let toegelaten = judge(bericht(), &at_first).unwrap();
    let ontvanger = toegelaten.ontvangers()[0].clone();
    let check = |van_kracht: &VanKracht, moment: &str| {
        let soort = Berichtsoort::Contextinformatieverzoek;
        still_allowed(soort, toegelaten.afzender(), &ontvanger, van_kracht, at(moment))
    };
    assert_eq!(check(&at_first, NOON), Ok(()));
    assert_eq!(check(&at_first, "2027-01-02T11:00:00Z"), Err(Weigering::ConvenantNietVanKracht));
    // A newer convenant that allows the same carries it, until its houdbaarheid.
    let mut next = convenant(vec![regel("nieuw")]);
    (next.geldig_van, next.geldig_tot_en_met) = (date(2027, 1, 1), date(2027, 12, 31));
    let both = van_kracht(vec![convenant(vec![regel("r")]), next]);
    assert_eq!(check(&both, "2027-02-28T22:59:59Z"), Ok(()));
    assert_eq!(check(&both, "2027-02-28T23:00:00Z"), Err(Weigering::Vervallen));
    let other = van_kracht(vec![convenant(vec![Regel { grondslagen: vec!["b".into()], ..regel("r") }])]);
    assert_eq!(check(&other, NOON), Err(Weigering::GeenRegel));
    let mut left = deelnemers();
    left.partners.remove(&ontvanger.adres.partner);
    let gone = VanKracht::new(2, true, left, vec![convenant(vec![regel("r")])]);
    assert_eq!(check(&gone, NOON), Err(Weigering::PartnerOnbekend));
}

#[test]
fn a_rule_that_asks_for_a_mandaat_needs_one_that_is_valid_today() {
    let asks = || vec![convenant(vec![Regel { mandaat: Some(Mandaathouder::Ontvanger), ..regel("r") }])];
    let with = |mandaten| VanKracht::new(1, true, Deelnemers { mandaten, ..deelnemers() }, asks());
    assert_eq!(judge(bericht(), &with(Vec::new())).unwrap_err(), Weigering::MandaatOntbreekt);
    let (mut yesterday, mut today) = (mandaat("gisteren", "zvh"), mandaat("vandaag", "zvh"));
    yesterday.geldig_tot_en_met = date(2026, 11, 29);
    assert_eq!(judge(bericht(), &with(vec![yesterday.clone()])).unwrap_err(), Weigering::MandaatVerlopen);
    today.geldig_tot_en_met = date(2026, 11, 30);
    assert!(judge(bericht(), &with(vec![yesterday, today])).is_ok());
    assert_eq!(judge(bericht(), &with(vec![mandaat("ander", "zsm")])).unwrap_err(), Weigering::MandaatOntbreekt);
}

#[test]
fn in_production_an_unconfirmed_grondslag_counts_only_when_it_was_accepted() {
    let with = |productie, status| {
        let mut convenant = convenant(vec![regel("r")]);
        convenant.grondslagen[0].status = status;
        judge(bericht(), &VanKracht::new(1, productie, deelnemers(), vec![convenant])).map(drop)
    };
    assert_eq!(with(true, Status::TeBevestigen(None)), Err(Weigering::GrondslagOnbevestigd));
    assert_eq!(with(false, Status::TeBevestigen(None)), Ok(()));
    assert_eq!(with(true, Status::TeBevestigen(Some(crate::bouw::acceptatie()))), Ok(()));
}

#[test]
fn categorie_and_mede_ontvanger_are_asked_of_the_bericht() {
    let of = |regel: Regel| van_kracht(vec![convenant(vec![regel])]);
    let melding = Regel { berichtsoort: Berichtsoort::BijMelding, categorie: Some(Categorie::Zeden), ..regel("r") };
    let with =
        |categorie| with(|feiten| (feiten.soort, feiten.categorie) = (Berichtsoort::BijMelding, Some(categorie)));
    assert!(judge(with(Categorie::Zeden), &of(melding.clone())).is_ok());
    let other = judge(with(Categorie::ErnstigGeweld), &of(melding)).unwrap_err();
    assert_eq!(other, Weigering::CategorieNietToegestaan);
    let zvh = Adrespatroon { partner: "zvh".parse().unwrap(), loket: Some("jeugd".parse().unwrap()) };
    let together = of(Regel { mede_ontvanger: vec![zvh], ..regel("r") });
    assert_eq!(judge(bericht(), &together).unwrap_err(), Weigering::MedeOntvangerOntbreekt);
    let both = Bericht { ontvangers: vec![adres("zvh"), adres("zvh/jeugd")], ..bericht() };
    assert!(judge(both, &together).is_ok());
}
