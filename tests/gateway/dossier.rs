//! Dossiers of people who ask what was exchanged about them: each partner sees and decides its own, nobody sees more, and the person gets
//! what everybody released.

mod calls;
mod namesakes;

use jiff::SignedDuration;
use ketenpoort::{
    domain::{Clock, houdbaarheid::amsterdam_date},
    logboek::{Logregel, Soort},
    proto::{self, Grond, RijSoort},
};

use self::calls::{
    bram, bram_with_skn, close, decide, exchanged, extend, get, inzage, list, open, opening, released, rows, text,
    withheld,
};
use crate::{
    harness::{Receiver, TestGateway, check, send, weigering},
    wis::{erase, withdrawn},
    zoeken::{ZVH, asked, found},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_one_counts_for_all_and_each_partner_sees_what_it_took_part_in() {
    let gateway = TestGateway::start().await;
    let bericht = exchanged(&gateway).await;
    let mut receiver = Receiver::open(&mut gateway.client("zsm").await, "volwassenen", 1).await.unwrap();
    assert_eq!(receiver.bericht().await.bericht, bericht);
    receiver.confirm(&bericht).await;

    // A request to the police counts for all, also where the police knows nothing.
    let opened = open(&gateway, "contact-politie", opening(&gateway, bram_with_skn())).await.unwrap();
    let nummer = opened.dossier;
    // Who has something is its own secret; that somebody of toezicht searched is nobody's.
    assert_eq!((opened.gevraagd.len(), opened.nog_te_besluiten), (0, 2));
    assert_eq!(rows(&opened).iter().map(|(_, soort)| *soort).collect::<Vec<_>>(), [RijSoort::Toezicht]);
    assert!(text(&opened).contains("Concept") && !text(&opened).contains("scenario"));
    let regels = gateway.regels().await;
    let of_dossier: Vec<&Logregel> = regels.iter().filter(|regel| regel.soort == Soort::InzageGevraagd).collect();
    let [first, second, third] = of_dossier[..] else { panic!("{of_dossier:?}") };
    assert_eq!((first.betrokkene.len(), first.tot, first.rol.as_deref()), (1, Some(nummer), Some("contact")));
    assert_eq!((second.dossier, third.dossier), (Some(nummer), Some(nummer)));
    assert!(second.betrokkene.is_empty() && second.ontvanger.as_deref() == Some("00000099000000105000/"));

    // ZSM sees the exchange and its searches, the ZVH the exchange, the search that found it, and its refusal.
    let of_zsm = get(&gateway, "contact-zsm", nummer).await.unwrap();
    let [(exchanged, RijSoort::Uitwisseling), (searched, RijSoort::Zoekvraag)] = rows(&of_zsm)[..] else {
        panic!("{:?}", of_zsm.rijen)
    };
    let of_zvh = get(&gateway, &format!("contact-{ZVH}"), nummer).await.unwrap();
    let [(one, RijSoort::Uitwisseling), (other, RijSoort::Zoekvraag), (_, RijSoort::Weigering)] = rows(&of_zvh)[..]
    else {
        panic!("{:?}", of_zvh.rijen)
    };
    assert_eq!((one, other), (exchanged, searched));
    assert_eq!(of_zsm.verzoek.as_ref().unwrap().naam, bram().naam.unwrap());
    assert!(of_zsm.gevraagd.len() == 1 && of_zsm.overzicht.is_none());
    // What is said of the exchange: what, on which grondslag, until when, who read it.
    let said = of_zvh.rijen[0].zinnen.join(" ");
    let parts = [
        "Zorg- en Veiligheidshuis Baronie Breda aan ZSM",
        "De grondslag",
        "haalde het op",
        "bewaart de inhoud tot en met",
    ];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    for who in ["contact-dji", "fg-dji", "fg-om"] {
        assert_eq!(weigering(get(&gateway, who, nummer).await), "dossier_onbekend", "{who}");
    }
    assert_eq!(weigering(get(&gateway, "contact-zsm", nummer + 1).await), "dossier_onbekend");
    assert_eq!(weigering(get(&gateway, "contact-zsm", u64::MAX).await), "dossier_onbekend");
}

/// A dossier of the police about what the ZVH and ZSM exchanged. Gives its number, and the rows: the exchange, the search that found it, the
/// refusal of the ZVH, and the look of the FG of ZSM.
async fn asked_at_the_police(gateway: &TestGateway) -> (u64, [u64; 4]) {
    exchanged(gateway).await;
    let nummer = open(gateway, "contact-politie", opening(gateway, bram_with_skn())).await.unwrap().dossier;
    let of_police = rows(&get(gateway, "contact-politie", nummer).await.unwrap());
    let of_zvh = rows(&get(gateway, &format!("contact-{ZVH}"), nummer).await.unwrap());
    (nummer, [of_zvh[0].0, of_zvh[1].0, of_zvh[2].0, of_police[0].0])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_gets_what_all_released_and_hears_of_the_rest_what_may_be_said() {
    let gateway = TestGateway::start().await;
    let (nummer, [exchanged, searched, refused, looked]) = asked_at_the_police(&gateway).await;
    // Nobody closes it before they decided, and only who opened it closes it at all.
    assert_eq!(weigering(close(&gateway, "contact-politie", nummer).await), "besluit_ontbreekt");
    assert_eq!(weigering(close(&gateway, "contact-zsm", nummer).await), "besluit_niet_gevraagd");
    assert_eq!(
        weigering(decide(&gateway, "contact-politie", nummer, (&[], Some(released()))).await),
        "besluit_niet_gevraagd"
    );
    let decided = decide(&gateway, "contact-zsm", nummer, (&[], Some(released()))).await.unwrap();
    assert!(decided.rijen.iter().all(|rij| rij.oordelen[0].oordeel.as_ref().unwrap().vrijgeven));
    // What one released stays hidden until the other did.
    assert_eq!(rows(&get(&gateway, "contact-politie", nummer).await.unwrap()), [(looked, RijSoort::Toezicht)]);
    let silent = withheld(Grond::StrafbareFeiten, "", true);
    let told = withheld(Grond::RechtenVanAnderen, "er staat een ander in", false);
    decide(&gateway, &format!("contact-{ZVH}"), nummer, (&[(refused, silent), (searched, told)], Some(released())))
        .await
        .unwrap();
    let shown = get(&gateway, "contact-politie", nummer).await.unwrap();
    assert_eq!(rows(&shown), [(exchanged, RijSoort::Uitwisseling), (looked, RijSoort::Toezicht)]);
    let closed = close(&gateway, "contact-politie", nummer).await.unwrap();
    let overview = text(&closed);
    for part in [
        "VERZONNENHOVE, Bram van, geboren op 12 mei 1987",
        "Van: de politie, het contactpunt",
        "stuurde Zorg- en Veiligheidshuis Baronie Breda aan ZSM: een plan",
        "Zorg- en Veiligheidshuis Baronie Breda laat 1 gegeven niet zien, omdat dat nodig is om de rechten van andere mensen",
        "er staat een ander in",
        "zocht een functionaris gegevensbescherming op wat er over u is uitgewisseld",
        "Autoriteit Persoonsgegevens",
    ] {
        assert!(overview.contains(part), "{part} is not in {overview}");
    }
    // What is withheld in silence is not told, nor is what it was.
    for part in ["Concept", "misdrijven", "De poort hield dat tegen", "zocht ZSM", "niet besloten"] {
        assert!(!overview.contains(part), "{part} is in {overview}");
    }
    for outcome in [
        decide(&gateway, "contact-zsm", nummer, (&[], Some(released()))).await,
        extend(&gateway, "contact-politie", nummer, "druk").await,
        close(&gateway, "contact-politie", nummer).await,
    ] {
        assert_eq!(weigering(outcome), "dossier_gesloten");
    }
    assert_eq!(
        (list(&gateway, "contact-politie", false).await, list(&gateway, "contact-zsm", true).await),
        (vec![], vec![nummer])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_in_silence_is_not_for_who_could_tell_it() {
    let gateway = TestGateway::start().await;
    let (nummer, [_, searched, refused, _]) = asked_at_the_police(&gateway).await;
    let silent = withheld(Grond::StrafbareFeiten, "", true);
    let told = withheld(Grond::RechtenVanAnderen, "er staat een ander in", false);
    decide(&gateway, &format!("contact-{ZVH}"), nummer, (&[(refused, silent), (searched, told)], Some(released())))
        .await
        .unwrap();
    let withheld_by = async |who: &str| {
        let shown = get(&gateway, who, nummer).await.unwrap();
        let of_zvh = shown.gevraagd.into_iter().find(|of| of.partner == ZVH).unwrap();
        of_zvh.achtergehouden.into_iter().map(|of| (of.grond(), of.rijen, of.verzwegen)).collect::<Vec<_>>()
    };
    let (said, unsaid) = ((Grond::RechtenVanAnderen, 1, false), (Grond::StrafbareFeiten, 1, true));
    assert_eq!(withheld_by("contact-politie").await, [said]);
    assert_eq!(withheld_by("fg-politie").await, [said]);
    assert_eq!(withheld_by(&format!("fg-{ZVH}")).await, [unsaid, said]);
    assert_eq!(withheld_by(&format!("contact-{ZVH}")).await, [unsaid, said]);
}

#[tokio::test(flavor = "multi_thread")]
async fn toezicht_oversees_dossiers_of_its_partners_decides_nothing_and_a_contactpunt_sees_nothing_else() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let nummer = open(&gateway, &format!("contact-{ZVH}"), opening(&gateway, bram_with_skn())).await.unwrap().dossier;
    decide(&gateway, "contact-zsm", nummer, (&[], Some(withheld(Grond::Toezichtstaak, "", false)))).await.unwrap();
    // Who oversees the contactpunt sees of all whether they decided; who oversees a partner that is asked sees its own.
    for (who, partners, seen) in
        [(format!("fg-{ZVH}"), 2, 4), ("fg-zsm".to_owned(), 1, 3), ("auditor".to_owned(), 2, 4)]
    {
        let dossier = get(&gateway, &who, nummer).await.unwrap();
        assert_eq!((dossier.gevraagd.len(), dossier.rijen.len()), (partners, seen), "{who}: {dossier:?}");
        assert_eq!((&dossier.verzoek, &dossier.overzicht), (&None, &None));
        assert_eq!(list(&gateway, &who, false).await, [nummer]);
        for outcome in [
            open(&gateway, &who, opening(&gateway, bram())).await,
            decide(&gateway, &who, nummer, (&[], Some(released()))).await,
            extend(&gateway, &who, nummer, "druk").await,
            close(&gateway, &who, nummer).await,
        ] {
            assert_eq!(weigering(outcome), "verkeerde_rol", "{who}");
        }
    }
    // Of a withheld row an FG sees that and why.
    let seen = get(&gateway, "fg-zsm", nummer).await.unwrap();
    assert_eq!(seen.rijen[0].oordelen[0].oordeel.as_ref().unwrap().grond(), Grond::Toezichtstaak);
    // A contactpunt has no other sight, and each look is a regel.
    let mut contact = gateway.toezicht("contact-zsm").await;
    assert_eq!(weigering(contact.search_logregels(asked(proto::Zoekfilter::default())).await), "verkeerde_rol");
    let request = proto::GetCheckpointRequest { inzage: Some(inzage()) };
    assert_eq!(weigering(contact.get_checkpoint(request).await), "verkeerde_rol");
    let before = gateway.regels().await.len();
    get(&gateway, "contact-zsm", nummer).await.unwrap();
    list(&gateway, "contact-zsm", false).await;
    let regels = gateway.regels().await;
    let looks: Vec<_> =
        regels[before..].iter().map(|regel| (regel.soort, regel.rol.as_deref(), regel.bekeken.is_some())).collect();
    let look = |at_one| (Soort::Ingezien, Some("contact"), at_one);
    assert_eq!(looks, [look(true), look(false)]);
    // Every FG sees that the contactpunt looked, and nobody by that regel at which dossier.
    assert!(regels[before..].iter().all(|regel| regel.dossier.is_none()));
    // FGs find the dossier by the person, and see that the contactpunt looked.
    let filter = proto::Zoekfilter {
        betrokkene: Some(bram_with_skn()),
        soort: vec!["inzage_gevraagd".to_owned()],
        ..Default::default()
    };
    assert_eq!(found(&gateway, &format!("fg-{ZVH}"), filter).await, [nummer]);
    let filter =
        proto::Zoekfilter { rol: vec!["contact".to_owned()], soort: vec!["ingezien".to_owned()], ..Default::default() };
    assert_eq!(found(&gateway, "fg-dji", filter).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_term_is_watched_and_who_stays_silent_holds_nothing_up() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let contact = format!("contact-{ZVH}");
    let first = open(&gateway, &contact, opening(&gateway, bram_with_skn())).await.unwrap();
    let second = open(&gateway, &contact, opening(&gateway, bram_with_skn())).await.unwrap();
    decide(&gateway, &contact, first.dossier, (&[], Some(released()))).await.unwrap();
    assert_eq!(weigering(extend(&gateway, &contact, second.dossier, "").await), "ongeldig_veld");
    let extended = extend(&gateway, &contact, second.dossier, "veel partners").await.unwrap();
    assert!(extended.verlengd && extended.antwoord_voor > second.antwoord_voor);
    assert!(extended.besluiten_voor > second.besluiten_voor);
    assert_eq!(weigering(extend(&gateway, &contact, second.dossier, "nog meer").await), "termijn_vast");
    assert_eq!(list(&gateway, &contact, false).await, [first.dossier, second.dossier], "what ends first comes first");
    // Half of a month is over: who did not decide is late, and the overview goes without it.
    gateway.clock.advance(SignedDuration::from_hours(24 * 17));
    let late = get(&gateway, &contact, first.dossier).await.unwrap();
    let zsm = late.gevraagd.iter().find(|of| of.partner == "zsm").unwrap();
    assert!(zsm.te_laat && !late.te_laat, "{late:?}");
    gateway.clock.advance(SignedDuration::from_hours(24 * 16));
    assert!(get(&gateway, "fg-zsm", first.dossier).await.unwrap().te_laat);
    assert_eq!(weigering(extend(&gateway, &contact, first.dossier, "te laat").await), "termijn_vast");
    let closed = close(&gateway, &contact, first.dossier).await.unwrap();
    assert!(closed.te_laat && text(&closed).contains("hebben niet besloten"), "{}", text(&closed));
    assert!(text(&closed).contains("De poort hield dat tegen"), "its own refusal needs nobody else: {}", text(&closed));
    // The report of the period tells it.
    let today = amsterdam_date(gateway.clock.now());
    let request = proto::GetRapportRequest {
        inzage: Some(inzage()),
        van: today.saturating_sub(jiff::Span::new().days(40)).to_string(),
        tot_en_met: today.to_string(),
    };
    let report = gateway.toezicht("auditor").await.get_rapport(request).await.unwrap().into_inner();
    let section = report.afdelingen.iter().find(|of| of.naam == "inzage").unwrap();
    assert!(section.zinnen[0].contains("Dossiers geopend: 2, gesloten: 1"), "{section:?}");
    assert_eq!(section.tabellen[0].rijen.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_says_what_became_of_each_and_can_be_erased_once_it_is_closed() {
    let gateway = TestGateway::start().await;
    let bericht = exchanged(&gateway).await;
    let contact = format!("contact-{ZVH}");
    let nummer = open(&gateway, &contact, opening(&gateway, bram_with_skn())).await.unwrap().dossier;
    withdrawn(&mut gateway.client(ZVH).await, bericht.clone()).await;
    for who in ["contact-zsm", contact.as_str()] {
        decide(&gateway, who, nummer, (&[], Some(released()))).await.unwrap();
    }
    // What happened to it later is told, what was exchanged later is not in it.
    let shown = get(&gateway, &contact, nummer).await.unwrap();
    assert!(text(&shown).contains("trok het in"), "{}", text(&shown));
    assert_eq!(shown.rijen.iter().filter(|rij| rij.soort() == RijSoort::Uitwisseling).count(), 1);
    assert_eq!(weigering(erase(&gateway, bram_with_skn()).await), "dossier_open");
    let handed_over = close(&gateway, &contact, nummer).await.unwrap();
    // What happens after that is not in what was handed over, also not when it is printed again.
    let late = proto::FetchRequest { bericht, loket: "volwassenen".to_owned(), medewerker: "zsm-1".to_owned() };
    let late = gateway.client("zsm").await.fetch(late).await.map(drop);
    assert_eq!(weigering(late), "ingetrokken");
    let again = get(&gateway, &contact, nummer).await.unwrap();
    assert_eq!((again.overzicht, again.rijen), (handed_over.overzicht, handed_over.rijen));
    let erased = erase(&gateway, bram_with_skn()).await.unwrap();
    // The openings of the exchange, the search, the refusal, the look, the dossier, both decisions, its end, and the looks of erasing.
    assert!(erased.openingen >= 8, "{erased:?}");
    let regels = gateway.regels().await;
    let [said] = erased.logregels[..] else { panic!("{erased:?}") };
    let gewist = &regels[usize::try_from(said).unwrap()].gewist;
    assert_eq!(gewist.iter().filter(|of| of.ends_with("/besluit")).count(), 2);
    let empty = get(&gateway, &contact, nummer).await.unwrap();
    assert_eq!((&empty.verzoek, empty.rijen.len()), (&None, 0));
    assert_eq!(empty.overzicht, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_told_field_by_field_and_nothing_is_opened() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let good = || opening(&gateway, bram_with_skn());
    let person = |of: proto::Zoekpersoon| proto::OpenDossierRequest { persoon: Some(of), ..good() };
    let day = |day: &str| proto::OpenDossierRequest { ontvangen_op: day.to_owned(), ..good() };
    let tomorrow = amsterdam_date(gateway.clock.now()).tomorrow().unwrap().to_string();
    let wrong = [
        proto::OpenDossierRequest { persoon: None, ..good() },
        person(proto::Zoekpersoon { skn: Some("7310482".to_owned()), ..Default::default() }),
        person(proto::Zoekpersoon { geboortedatum: Some("1987".to_owned()), ..bram() }),
        proto::OpenDossierRequest { kenmerk: String::new(), ..good() },
        proto::OpenDossierRequest { kenmerk: "x".repeat(65), ..good() },
        proto::OpenDossierRequest { kenmerk: "k\n\n## Kop".to_owned(), ..good() },
        proto::OpenDossierRequest { kenmerk: "\u{200b}".to_owned(), ..good() },
        person(proto::Zoekpersoon { naam: Some("Bram\u{202e}marB".to_owned()), ..bram() }),
        person(proto::Zoekpersoon { geboortedatum: Some("2999-01-01".to_owned()), ..bram() }),
        person(proto::Zoekpersoon { geboortedatum: Some("1899-12-31".to_owned()), ..bram() }),
        proto::OpenDossierRequest { inzage: None, ..good() },
        day(""),
        day("gisteren"),
        day("2020-01-01"),
        day(&tomorrow),
    ];
    for request in wrong {
        assert_eq!(weigering(open(&gateway, "contact-zsm", request.clone()).await), "ongeldig_veld", "{request:?}");
    }
    assert!(!gateway.soorten().await.contains(&"inzage_gevraagd".to_owned()));
    // By name and birthday alone these are two people: whose data would they be?
    assert_eq!(weigering(open(&gateway, "contact-zsm", opening(&gateway, bram())).await), "ongeldig_veld");
    assert!(!gateway.soorten().await.contains(&"inzage_gevraagd".to_owned()));
    // Partners and operators have no business here.
    for who in ["zsm", "beheer"] {
        let mut client = gateway.inzage(who).await;
        let refused = client.open_dossier(good()).await;
        assert!(["methode_onbekend", "verkeerde_rol"].contains(&weigering(refused).as_str()), "{who}");
    }
    // Nothing known of somebody is an answer too, which needs nobody's decision.
    let nobody = proto::Zoekpersoon { naam: Some("Niemand Bekend".to_owned()), skn: None, ..bram() };
    let nobody = open(&gateway, "contact-dji", person(nobody)).await.unwrap();
    assert_eq!((nobody.gevraagd.len(), nobody.rijen.len()), (0, 0));
    assert!(
        text(&close(&gateway, "contact-dji", nobody.dossier).await.unwrap()).contains("geen berichten over u gevonden")
    );
    send(&mut gateway.client("zsm").await, check()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_wrongly_is_told_and_decides_nothing() {
    let gateway = TestGateway::start().await;
    exchanged(&gateway).await;
    let nummer = open(&gateway, "contact-zsm", opening(&gateway, bram_with_skn())).await.unwrap().dossier;
    let mine = get(&gateway, "contact-zsm", nummer).await.unwrap().rijen[0].log_index;
    let twice = (mine, released());
    let ground = proto::Oordeel { vrijgeven: true, grond: Grond::Toezichtstaak.into(), ..Default::default() };
    let without_ground = proto::Oordeel::default();
    let unknown = proto::Oordeel { grond: 99, ..Default::default() };
    for (rows, others) in [
        (vec![], None),
        (vec![(mine, released())], None),
        (vec![twice.clone(), twice], Some(released())),
        (vec![(nummer, released())], Some(released())),
        (vec![], Some(ground)),
        (vec![], Some(without_ground)),
        (vec![], Some(unknown)),
        (vec![], Some(withheld(Grond::Toezichtstaak, "waarom", true))),
        (vec![], Some(withheld(Grond::Toezichtstaak, &"x".repeat(501), false))),
        (vec![], Some(withheld(Grond::Toezichtstaak, "twee\nregels", false))),
        (vec![], Some(withheld(Grond::Toezichtstaak, "twee\u{2028}regels", false))),
    ] {
        let outcome = decide(&gateway, "contact-zsm", nummer, (&rows, others.clone())).await;
        assert_eq!(weigering(outcome), "ongeldig_veld", "{rows:?} {others:?}");
    }
    assert!(!gateway.soorten().await.contains(&"inzage_besloten".to_owned()));
}
