//! Searching the logboek: what is found is what a look at each regel finds, no more is seen than may be, and pages stay right while the
//! logboek grows.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use ketenpoort::{
    domain::Clock,
    logboek::{Logregel, Soort},
    proto,
};
use tonic::Status;

use crate::{
    harness::{Receiver, TestGateway, check, known, send, weigering},
    scenario::{scenario, search as find, sent},
};

pub const ZVH: &str = "zvh-baronie-breda";

pub fn asked(filter: proto::Zoekfilter) -> proto::SearchLogregelsRequest {
    let inzage = proto::Inzage { medewerker: "fg-007".to_owned(), reden: "een klacht".to_owned() };
    proto::SearchLogregelsRequest { inzage: Some(inzage), filter: Some(filter), ..Default::default() }
}

pub async fn page(
    gateway: &TestGateway,
    who: &str,
    request: proto::SearchLogregelsRequest,
) -> Result<proto::SearchLogregelsResponse, Status> {
    Ok(gateway.toezicht(who).await.search_logregels(request).await?.into_inner())
}

/// The indexes that are found, all pages of them.
pub async fn found(gateway: &TestGateway, who: &str, filter: proto::Zoekfilter) -> Vec<u64> {
    let mut request = proto::SearchLogregelsRequest { pagina_grootte: 7, ..asked(filter) };
    let mut indexes = Vec::new();
    loop {
        let page = page(gateway, who, request.clone()).await.unwrap();
        indexes.extend(page.logregels.iter().map(|regel| regel.log_index));
        if page.volgende.is_empty() {
            assert_eq!(page.aantal, indexes.len() as u64);
            return indexes;
        }
        assert_eq!(page.logregels.len(), 7);
        request.pagina = page.volgende;
    }
}

/// A logboek in which much happened between several partners.
pub async fn busy() -> TestGateway {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    for number in 0..6 {
        send(&mut zsm, check()).await.unwrap();
        let mut receiver = Receiver::open(&mut zvh, "algemeen", 1).await.unwrap();
        let bericht = receiver.bericht().await.bericht;
        if number % 2 == 0 {
            receiver.confirm(&bericht).await;
            send(&mut zvh, known(&bericht)).await.unwrap();
        }
    }
    let mut wrong = check();
    wrong.ontvangers[0].partner = "dji".to_owned();
    assert_eq!(weigering(send(&mut zsm, wrong).await), "geen_regel");
    sent(&mut zvh, scenario()).await;
    zsm.find_scenario(find(|_| ())).await.unwrap();
    zsm.find_scenario(find(|persoon| persoon.skn = Some("99999999".to_owned()))).await.unwrap();
    gateway
}

/// What a look at each regel finds.
pub async fn naive(gateway: &TestGateway, wanted: impl Fn(&Logregel) -> bool) -> Vec<u64> {
    let regels = gateway.regels().await;
    (0..).zip(&regels).filter(|(_, regel)| wanted(regel)).map(|(index, _)| index).collect()
}

fn partner_of(adres: Option<&String>, oin: &str) -> bool {
    adres.is_some_and(|adres| adres.starts_with(oin))
}

/// Whether a regel is one of those that are searched for.
type Wanted = fn(&Logregel) -> bool;

const ZSM_OIN: &str = "00000099000000105000";

/// What is asked, and which regels a look at each finds.
fn questions() -> [(proto::Zoekfilter, Wanted); 14] {
    let text = |text: &str| vec![text.to_owned()];
    [
        (proto::Zoekfilter { soort: text("aanvaard"), ..Default::default() }, |of| of.soort == Soort::Aanvaard),
        (
            proto::Zoekfilter { soort: vec!["afgeleverd".to_owned(), "bevestigd".to_owned()], ..Default::default() },
            |of| matches!(of.soort, Soort::Afgeleverd | Soort::Bevestigd),
        ),
        (proto::Zoekfilter { afzender: text("zsm"), ..Default::default() }, |of| {
            partner_of(of.afzender.as_ref(), ZSM_OIN)
        }),
        (proto::Zoekfilter { ontvanger: text("zsm"), soort: text("aanvaard"), ..Default::default() }, |of| {
            partner_of(of.ontvanger.as_ref(), ZSM_OIN) && of.soort == Soort::Aanvaard
        }),
        (proto::Zoekfilter { loket: text("zsm/volwassenen"), ..Default::default() }, |of| {
            let loket = format!("{ZSM_OIN}/volwassenen");
            of.afzender.as_ref() == Some(&loket) || of.ontvanger.as_ref() == Some(&loket)
        }),
        (proto::Zoekfilter { weigering: text("geen_regel"), ..Default::default() }, |of| {
            of.weigering.as_deref() == Some("geen_regel")
        }),
        (proto::Zoekfilter { uitkomst: text("niet_gevonden"), rol: text("partner"), ..Default::default() }, |of| {
            of.uitkomst.as_deref() == Some("niet_gevonden") && of.rol.as_deref() == Some("partner")
        }),
        (proto::Zoekfilter { berichtsoort: text("bekendheidsantwoord"), ..Default::default() }, |of| {
            of.berichtsoort.as_deref() == Some("bekendheidsantwoord")
        }),
        (
            proto::Zoekfilter { convenant: text("zvh-baronie-breda"), soort: text("aanvaard"), ..Default::default() },
            |of| of.convenant.is_some() && of.soort == Soort::Aanvaard,
        ),
        (proto::Zoekfilter { convenant: text("bij"), soort: text("aanvaard"), ..Default::default() }, |_| false),
        (proto::Zoekfilter { houdbaar_van: "2026-01-01".to_owned(), ..Default::default() }, |of| {
            of.houdbaar_tot_en_met.is_some()
        }),
        (proto::Zoekfilter { houdbaar_tot_en_met: "2026-01-01".to_owned(), ..Default::default() }, |_| false),
        // As far as a date goes: it costs no more than any other.
        (proto::Zoekfilter { houdbaar_van: "0001-01-01".to_owned(), ..Default::default() }, |of| {
            of.houdbaar_tot_en_met.is_some()
        }),
        (proto::Zoekfilter { houdbaar_tot_en_met: "9999-12-31".to_owned(), ..Default::default() }, |of| {
            of.houdbaar_tot_en_met.is_some()
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_what_a_look_at_each_regel_finds() {
    let gateway = busy().await;
    for (filter, wanted) in questions() {
        let expected = naive(&gateway, wanted).await;
        assert_eq!(found(&gateway, "auditor", filter.clone()).await, expected, "{filter:?}");
        // An FG sees of it what its partner took part in.
        let of_zsm = |of: &Logregel| {
            let parties = [&of.afzender, &of.ontvanger, &of.actor];
            wanted(of) && parties.into_iter().any(|party| partner_of(party.as_ref(), ZSM_OIN))
        };
        assert_eq!(found(&gateway, "fg-zsm", filter.clone()).await, naive(&gateway, of_zsm).await, "{filter:?}");
    }
    // Nobody's regels are everybody's; those of others are not.
    let seen = found(&gateway, "fg-3ro", proto::Zoekfilter::default()).await;
    let nobodys = |of: &Logregel| {
        !matches!(of.rol.as_deref(), Some("partner")) && of.afzender.is_none() && of.ontvanger.is_none()
    };
    let mut expected = naive(&gateway, nobodys).await;
    // The look itself came after.
    expected.retain(|index| index <= seen.last().unwrap());
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_or_an_employee_is_found_in_all_that_happened_and_a_reason_is_asked() {
    let gateway = busy().await;
    let persoon = find(|_| ()).persoon.unwrap();
    let of_person = proto::Zoekfilter { betrokkene: Some(persoon.clone()), ..Default::default() };
    let indexes = found(&gateway, "auditor", of_person.clone()).await;
    let regels = gateway.regels().await;
    let what: BTreeSet<&str> =
        indexes.iter().map(|index| regels[usize::try_from(*index).unwrap()].soort.as_str()).collect();
    // What was accepted and what became of it, and who searched.
    for soort in ["aanvaard", "geraadpleegd"] {
        assert!(what.contains(soort), "{soort}: {what:?}");
    }
    // Each regel of a bericht about this person is found, and none of a bericht about another.
    let about: BTreeSet<&String> =
        indexes.iter().filter_map(|index| regels[usize::try_from(*index).unwrap()].bericht.as_ref()).collect();
    let of_these = naive(&gateway, |of| of.bericht.as_ref().is_some_and(|id| about.contains(id))).await;
    assert!(of_these.iter().all(|index| indexes.contains(index)));
    // Who looked is found too, with the next look.
    let again = found(&gateway, "auditor", of_person.clone()).await;
    let looked = regels.len() as u64 - 1;
    assert!(again.contains(&looked) && !indexes.contains(&looked), "a look at a person is a regel about that person");

    let employee = proto::Zoekfilter { medewerker: "medewerker-001".to_owned(), ..Default::default() };
    let by_employee = found(&gateway, "fg-zsm", employee.clone()).await;
    assert!(!by_employee.is_empty());
    let acted: BTreeSet<&str> =
        by_employee.iter().map(|index| regels[usize::try_from(*index).unwrap()].soort.as_str()).collect();
    assert!(acted.contains("aanvaard"), "{acted:?}");
    // The same reference is somebody else at another partner.
    assert_eq!(found(&gateway, "fg-dji", employee.clone()).await, Vec::<u64>::new());
    for filter in [of_person, employee] {
        let mut request = asked(filter);
        request.inzage.as_mut().unwrap().reden.clear();
        let refused = page(&gateway, "auditor", request).await;
        assert_eq!(weigering(refused), "ongeldig_veld");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_searched_for_is_found_in_what_was_refused_and_in_what_was_missed() {
    let gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    let mut refused = check();
    refused.ontvangers[0].partner = "dji".to_owned();
    assert_eq!(weigering(send(&mut zsm, refused).await), "geen_regel");
    let mut repeated = check();
    repeated.ontvangers[0].partner = "dji".to_owned();
    let ask = proto::AskRequest { verzoek: Some(repeated), wacht_seconden: 1 };
    assert_eq!(weigering(zsm.ask(ask).await), "geen_regel");
    let whom = check().inhoud.unwrap().betrokkenen.remove(0);
    let persoon = proto::Zoekpersoon {
        naam: Some(whom.naam.clone()),
        geboortedatum: Some(whom.geboortedatum.clone()),
        ..Default::default()
    };
    let missed = find(|of| *of = persoon.clone());
    assert_eq!(zsm.find_scenario(missed.clone()).await.unwrap().into_inner().scenarios.len(), 0);
    let elsewhere = proto::FindScenarioRequest { loket: "nergens".to_owned(), ..missed };
    assert_eq!(weigering(zsm.find_scenario(elsewhere).await), "loket_niet_van_u");
    let of_person = proto::Zoekfilter { betrokkene: Some(persoon), ..Default::default() };
    let indexes = found(&gateway, "fg-zsm", of_person.clone()).await;
    let regels = gateway.regels().await;
    let what = indexes.iter().map(|index| &regels[usize::try_from(*index).unwrap()]);
    let what: Vec<_> = what.map(|of| of.weigering.as_deref().or(of.uitkomst.as_deref()).unwrap()).collect();
    assert_eq!(what, ["geen_regel", "geen_regel", "niet_gevonden", "loket_niet_van_u"]);
    // Another FG finds nothing of it.
    assert_eq!(found(&gateway, "fg-dji", of_person).await, Vec::<u64>::new());
}

/// Who looked, and at whom, tells an FG nothing of people that its partner has nothing to do with.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_looks_of_others_nobody_learns_whom_they_were_about() {
    let gateway = busy().await;
    let persoon = find(|_| ()).persoon.unwrap();
    let of_person = || proto::Zoekfilter { betrokkene: Some(persoon.clone()), ..Default::default() };
    let scenario = gateway.regels().await.into_iter().find(|of| of.berichtsoort.as_deref() == Some("scenario"));
    let scenario = scenario.unwrap();
    let (bericht, gesprek) = (scenario.bericht.unwrap(), scenario.gesprek.unwrap());
    // The auditor looks at the bericht, at the person, and at somebody whom nobody knows.
    let inzage = asked(of_person()).inzage;
    let life = proto::GetLevenRequest { inzage, bericht: bericht.clone() };
    gateway.toezicht("auditor").await.get_leven(life).await.unwrap();
    assert!(!found(&gateway, "auditor", of_person()).await.is_empty());
    let nobody = || proto::Zoekfilter {
        betrokkene: Some(proto::Zoekpersoon { skn: Some("99999998".to_owned()), ..Default::default() }),
        ..Default::default()
    };
    for _ in 0..2 {
        page(&gateway, "auditor", asked(nobody())).await.unwrap();
        page(&gateway, "fg-vt", asked(nobody())).await.unwrap();
    }
    for filter in [of_person(), proto::Zoekfilter { gesprek: vec![gesprek], ..Default::default() }] {
        assert_eq!(found(&gateway, "fg-3ro", filter).await, Vec::<u64>::new());
    }
    // Its own looks an FG does see; they are no trace of whom it looked for.
    assert_eq!(page(&gateway, "fg-vt", asked(nobody())).await.unwrap().aantal, 2);
    assert_eq!(page(&gateway, "fg-dji", asked(nobody())).await.unwrap().aantal, 0);
    let regels = gateway.regels().await;
    let outcomes = regels.iter().filter(|of| of.soort == Soort::Ingezien && of.rol.as_deref() == Some("fg"));
    assert!(outcomes.clone().count() >= 5);
    assert!(outcomes.clone().all(|of| of.uitkomst.as_deref() == Some("niet_gevonden")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_right_while_the_logboek_grows_and_over_a_restart_and_open_for_nothing_else() {
    let mut gateway = busy().await;
    let filter = proto::Zoekfilter { soort: vec!["aanvaard".to_owned()], ..Default::default() };
    let request = proto::SearchLogregelsRequest { pagina_grootte: 2, ..asked(filter) };
    for nieuwste_eerst in [false, true] {
        let mut request = proto::SearchLogregelsRequest { nieuwste_eerst, ..request.clone() };
        let mut expected = naive(&gateway, |of| of.soort == Soort::Aanvaard).await;
        if nieuwste_eerst {
            expected.reverse();
        }
        let (mut seen, mut tot) = (Vec::new(), BTreeSet::new());
        loop {
            let page = page(&gateway, "auditor", request.clone()).await.unwrap();
            seen.extend(page.logregels.iter().map(|regel| regel.log_index));
            tot.insert((page.bijgewerkt_tot, page.aantal));
            if page.volgende.is_empty() {
                break;
            }
            request.pagina = page.volgende;
            send(&mut gateway.client("zsm").await, check()).await.unwrap();
            if seen.len() == 4 {
                gateway.restart_with(|_| ()).await;
            }
        }
        assert_eq!((seen, tot.len()), (expected, 1));
    }
    let first = page(&gateway, "auditor", request.clone()).await.unwrap();
    let next = proto::SearchLogregelsRequest { pagina: first.volgende.clone(), ..request.clone() };
    page(&gateway, "auditor", next.clone()).await.unwrap();
    // Another asker, another question, another order, other bytes.
    assert_eq!(weigering(page(&gateway, "fg-zsm", next.clone()).await), "pagina_ongeldig");
    let mut other = next.clone();
    other.filter.as_mut().unwrap().soort = vec!["bevestigd".to_owned()];
    assert_eq!(weigering(page(&gateway, "auditor", other).await), "pagina_ongeldig");
    let turned = proto::SearchLogregelsRequest { nieuwste_eerst: true, ..next.clone() };
    assert_eq!(weigering(page(&gateway, "auditor", turned).await), "pagina_ongeldig");
    for pagina in ["x".to_owned(), first.volgende[1..].to_owned(), format!("{}A", first.volgende)] {
        let wrong = proto::SearchLogregelsRequest { pagina, ..next.clone() };
        assert_eq!(weigering(page(&gateway, "auditor", wrong).await), "pagina_ongeldig");
    }
    // Another day.
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(24));
    gateway.restart_with(|_| ()).await;
    assert_eq!(weigering(page(&gateway, "auditor", next).await), "pagina_ongeldig");
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_those_of_amsterdam_and_what_is_no_period_is_told() {
    let mut gateway = busy().await;
    let day = |moment: Timestamp| moment.in_tz("Europe/Amsterdam").unwrap().date();
    let today = day(gateway.clock.now());
    let before = gateway.regels().await.len() as u64;
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(48));
    gateway.restart_with(|_| ()).await;
    let later = day(gateway.clock.now());
    let of_days = |van: String, tot_en_met: String| proto::Zoekfilter { van, tot_en_met, ..Default::default() };
    // The stop was written by the clock of the second day or the first.
    let first = found(&gateway, "auditor", of_days(String::new(), today.to_string())).await;
    assert!(first.len() as u64 >= before && first.iter().take(3).copied().eq(0..3), "{first:?}");
    let second = found(&gateway, "auditor", of_days(later.to_string(), later.to_string())).await;
    assert!(second.iter().all(|index| !first.contains(index)) && !second.is_empty());
    assert_eq!(found(&gateway, "auditor", of_days("2020-01-01".into(), "2020-12-31".into())).await, Vec::<u64>::new());
    for (van, tot_en_met) in
        [("2026-11-30", "2026-11-29"), ("1926-01-01", "2026-01-01"), ("2026-02-30", ""), ("gisteren", "")]
    {
        let refused = page(&gateway, "auditor", asked(of_days(van.into(), tot_en_met.into()))).await;
        assert_eq!(weigering(refused), "ongeldig_veld", "{van} {tot_en_met}");
    }
    let text = |text: &str| vec![text.to_owned()];
    for wrong in [
        proto::Zoekfilter { soort: text("geweigerdd"), ..Default::default() },
        proto::Zoekfilter { berichtsoort: text("Scenario"), ..Default::default() },
        proto::Zoekfilter { rol: text("fgs"), ..Default::default() },
        proto::Zoekfilter { loket: text("zsm"), ..Default::default() },
        proto::Zoekfilter { uitkomst: text("ja"), ..Default::default() },
        proto::Zoekfilter { bericht: text("x"), ..Default::default() },
        proto::Zoekfilter { soort: vec!["aanvaard".to_owned(); 101], ..Default::default() },
    ] {
        assert_eq!(weigering(page(&gateway, "auditor", asked(wrong.clone())).await), "ongeldig_veld", "{wrong:?}");
    }
    let stranger = proto::Zoekfilter { partner: vec!["zvh-amsterdam".to_owned()], ..Default::default() };
    assert_eq!(weigering(page(&gateway, "auditor", asked(stranger)).await), "partner_onbekend");
}
