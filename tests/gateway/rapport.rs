//! The report of a period: it counts what happened, tells only what may be seen, names nobody, and is proven.

use std::collections::BTreeMap;

use jiff::{SignedDuration, ToSpan, civil::Date};
use ketenpoort::{
    domain::{Clock, houdbaarheid::amsterdam_date},
    logboek::{self, Logregel, Soort, verify_consistency},
    proto::{self, GetRapportResponse, RedenIntrekking},
};
use tonic::Status;

use crate::{
    harness::{Receiver, TestGateway, check, send, until, weigering},
    scenario::{fetch, scenario, search, sent},
    zoeken::{ZVH, busy},
};

pub async fn asked(
    gateway: &TestGateway,
    who: &str,
    van: &str,
    tot_en_met: &str,
) -> Result<GetRapportResponse, Status> {
    let inzage = proto::Inzage { medewerker: "fg-007".to_owned(), reden: "het kwartaal".to_owned() };
    let (van, tot_en_met) = (van.to_owned(), tot_en_met.to_owned());
    let request = proto::GetRapportRequest { inzage: Some(inzage), van, tot_en_met };
    Ok(gateway.toezicht(who).await.get_rapport(request).await?.into_inner())
}

pub fn today(gateway: &TestGateway) -> Date {
    amsterdam_date(gateway.clock.now())
}

pub async fn of_today(gateway: &TestGateway, who: &str) -> GetRapportResponse {
    let today = today(gateway).to_string();
    asked(gateway, who, &today, &today).await.unwrap()
}

/// The rows of a table, each by its columns.
pub fn table(rapport: &GetRapportResponse, naam: &str) -> Vec<BTreeMap<String, String>> {
    let tabel = rapport.afdelingen.iter().flat_map(|of| &of.tabellen).find(|tabel| tabel.naam == naam);
    let tabel = tabel.unwrap_or_else(|| panic!("no table {naam}"));
    let row = |rij: &proto::Rij| tabel.kolommen.iter().cloned().zip(rij.waarden.iter().cloned()).collect();
    tabel.rijen.iter().map(row).collect()
}

/// What is counted, by what these columns say.
fn counted(rapport: &GetRapportResponse, naam: &str, columns: &[&str]) -> BTreeMap<Vec<String>, u64> {
    let mut counted = BTreeMap::new();
    for row in table(rapport, naam) {
        let key = columns.iter().map(|column| row[*column].clone()).collect();
        *counted.entry(key).or_default() += row["aantal"].parse::<u64>().unwrap();
    }
    counted
}

fn sentences(rapport: &GetRapportResponse, naam: &str) -> String {
    rapport.afdelingen.iter().find(|afdeling| afdeling.naam == naam).unwrap().zinnen.join("\n")
}

/// Holds the proof of a report to the key of the gateway. Gives the sizes from which and to which.
fn proven(gateway: &TestGateway, rapport: &GetRapportResponse) -> Vec<(u64, u64)> {
    let opened = |nota: &str| {
        let key = gateway.vkey().named(nota.lines().next().unwrap()).unwrap();
        logboek::open(nota, &key).unwrap()
    };
    let of = |schakel: &proto::Schakel| {
        let new = opened(&schakel.tot_checkpoint);
        let Some(old) = &schakel.van_checkpoint else { return (0, new.size) };
        let old = opened(old);
        let hashes: Vec<[u8; 32]> = schakel.hashes.iter().map(|hash| hash.as_slice().try_into().unwrap()).collect();
        verify_consistency(old.size, &old.root, new.size, &new.root, &hashes).unwrap();
        (old.size, new.size)
    };
    rapport.keten.iter().map(of).collect()
}

const ZSM_OIN: &str = "00000099000000105000";

#[tokio::test(flavor = "multi_thread")]
async fn a_report_counts_what_a_look_at_each_regel_counts_and_only_what_may_be_seen() {
    let gateway = busy().await;
    for (who, oin) in [("auditor", ""), ("fg-zsm", ZSM_OIN), ("fg-dji", "00000099000000103000")] {
        let rapport = of_today(&gateway, who).await;
        let regels = gateway.regels().await;
        let is_seen = |of: &&Logregel| {
            let parties = [&of.afzender, &of.ontvanger, &of.actor];
            parties.into_iter().flatten().any(|party| party.starts_with(oin))
        };
        let of_soort = |soort: Soort| regels.iter().filter(is_seen).filter(move |of| of.soort == soort);
        let mut by_soort: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for regel in of_soort(Soort::Aanvaard) {
            *by_soort.entry(vec![regel.berichtsoort.clone().unwrap()]).or_default() += 1;
        }
        assert_eq!(counted(&rapport, "stromen", &["berichtsoort"]), by_soort, "{who}");
        let mut refused: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        // What was refused before it was a bericht is of who tried it.
        for regel in of_soort(Soort::Geweigerd).filter(|of| of.actor.as_ref().unwrap().starts_with(oin)) {
            *refused.entry(vec![regel.weigering.clone().unwrap()]).or_default() += 1;
        }
        assert_eq!(counted(&rapport, "weigeringen", &["weigering"]), refused, "{who}");
        let said = sentences(&rapport, "omvang");
        let berichten: std::collections::BTreeSet<_> = of_soort(Soort::Aanvaard).map(|of| &of.bericht).collect();
        let expected = format!("Berichten aanvaard: {},", berichten.len());
        assert!(said.contains(&expected), "{who}: {said}");
        // Nothing of others, in whatever table.
        if who == "fg-dji" {
            let all = rapport.afdelingen.iter().filter(|of| !["blikken", "wijzigingen"].contains(&of.naam.as_str()));
            let all = format!("{:?}", all.collect::<Vec<_>>());
            assert!(!all.contains("zsm") && !all.contains("baronie"), "{all}");
        }
    }
    // Berichten and people are counted apart: the check is about one, the scenario about another and her brother.
    let said = sentences(&of_today(&gateway, "auditor").await, "omvang");
    assert!(said.contains("Personen over wie zij gingen: 3,"), "{said}");
    // Each report is a look.
    let looks = gateway.regels().await.into_iter().filter(|of| of.soort == Soort::Ingezien);
    assert_eq!(looks.filter(|of| of.reden.is_some() && of.medewerker.is_some()).count(), 4);
}

/// A leak, a verzoek that nobody answers, eleven searches for nobody and five refusals, under a convenant that was changed. Gives the leak
/// and the verzoek.
async fn a_bad_day(gateway: &TestGateway) -> (String, String) {
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let shorter = gateway.edited(
        "convenanten/zvh-baronie-breda.toml",
        "houdbaarheid_maanden = 3",
        "houdbaarheid_maanden = 2\nafwijking = \"twee maanden | is genoeg\"",
    );
    gateway.load(vec![shorter]).await.unwrap();
    let leaked = sent(&mut zvh, scenario()).await;
    let mut receiver = Receiver::open(&mut zsm, "volwassenen", 1).await.unwrap();
    receiver.bericht().await;
    receiver.confirm(&leaked).await;
    let withdraw = proto::WithdrawRequest {
        bericht: leaked.clone(),
        loket: String::new(),
        reden: RedenIntrekking::VerkeerdGeadresseerd.into(),
        toelichting: None,
        medewerker: "bb-regie-03".to_owned(),
    };
    zvh.withdraw(withdraw).await.unwrap();
    let open = send(&mut zsm, check()).await.unwrap().bericht;
    for _ in 0..11 {
        let nobody = search(|persoon| persoon.naam = Some("Iemand Die Nergens Staat".to_owned()));
        zsm.find_scenario(nobody).await.unwrap();
    }
    for _ in 0..5 {
        let mut wrong = check();
        wrong.ontvangers[0].partner = "dji".to_owned();
        assert_eq!(weigering(send(&mut zsm, wrong).await), "geen_regel");
    }
    (leaked, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_leaked_changed_and_is_unusual_is_told() {
    let gateway = TestGateway::start().await;
    let (leaked, open) = a_bad_day(&gateway).await;
    let rapport = of_today(&gateway, "auditor").await;
    let [leak] = &table(&rapport, "lekken")[..] else { panic!("{rapport:?}") };
    assert_eq!((&*leak["bericht"], &*leak["ontvangen"]), (&*leaked, "ja"));
    assert!(["nog 71 uur", "nog 72 uur"].contains(&&*leak["tijd"]), "{leak:?}");
    let story = table(&rapport, "lekken_verloop");
    let story: Vec<_> = story.iter().map(|row| (&*row["wat"], &*row["door"])).collect();
    assert_eq!(story, [("aanvaard", ZVH), ("afgeleverd", "zsm"), ("bevestigd", "zsm"), ("vernietiging_gevraagd", ZVH)]);
    for naam in ["niet_opgehaald", "niet_beantwoord"] {
        assert!(table(&rapport, naam).iter().any(|row| row["bericht"] == open), "{naam}");
    }
    let [deviates, ..] = &table(&rapport, "termijnen")[..] else { panic!("{rapport:?}") };
    assert_eq!((&*deviates["houdbaarheid"], &*deviates["afwijking"]), ("2 maanden", "twee maanden | is genoeg"));

    let changes = table(&rapport, "wijzigingen");
    let change = changes.last().unwrap();
    assert_eq!((&*change["wie"], &*change["rol"], &*change["reden"]), ("beheer", "beheer", "een test"));
    assert_eq!(change["document"], "convenant/zvh-baronie-breda");
    let meaning = table(&rapport, "wijzigingen_betekenis");
    let meaning: Vec<_> = meaning.iter().filter(|row| row["logregel"] == change["logregel"]).collect();
    assert!(meaning.iter().any(|row| row["zin"].contains("2 maanden")), "{meaning:?}");

    let odd: Vec<_> = table(&rapport, "opvallend").into_iter().map(|row| row["zin"].clone()).collect();
    let odd = odd.join("\n");
    assert!(
        odd.contains("zocht 11 keer naar een scenario dat er niet was, en 0 keer naar een dat er wel was"),
        "{odd}"
    );
    assert!(odd.contains("5 keer achter elkaar geweigerd"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_was_read_or_was_held_back_is_told_as_what_it_was() {
    let gateway = TestGateway::start().await;
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let (taken_back, read) = (sent(&mut zvh, scenario()).await, sent(&mut zvh, scenario()).await);
    for bericht in [&taken_back, &read] {
        let fetch = proto::FetchRequest {
            bericht: bericht.clone(),
            loket: "volwassenen".to_owned(),
            medewerker: "zsm-nacht-02".to_owned(),
        };
        zsm.fetch(fetch).await.unwrap();
    }
    let withdraw = proto::WithdrawRequest {
        bericht: taken_back.clone(),
        loket: String::new(),
        reden: RedenIntrekking::Onjuist.into(),
        toelichting: None,
        medewerker: "bb-regie-03".to_owned(),
    };
    zvh.withdraw(withdraw.clone()).await.unwrap();
    // Asked again it is one request, and one end.
    let leak = proto::WithdrawRequest { reden: RedenIntrekking::VerkeerdGeadresseerd.into(), ..withdraw };
    zvh.withdraw(leak).await.unwrap();
    // Three refusals, something that goes well, three refusals: no row of five.
    for _ in 0..2 {
        for _ in 0..3 {
            let mut wrong = check();
            wrong.ontvangers[0].partner = "dji".to_owned();
            assert_eq!(weigering(send(&mut zsm, wrong).await), "geen_regel");
        }
        zsm.find_scenario(search(|_| ())).await.unwrap();
    }
    // What an FG types wrong is not what its partner was refused.
    for _ in 0..6 {
        assert_eq!(weigering(asked(&gateway, "fg-zsm", "gisteren", "vandaag").await), "ongeldig_veld");
    }
    // A check that may not be handed out any more when somebody comes for it.
    let held = send(&mut zsm, check()).await.unwrap().bericht;
    gateway.lapse().await;
    let mut receiver = Receiver::open(&mut zvh, "algemeen", 1).await.unwrap();
    receiver.empty().await;

    let rapport = of_today(&gateway, "auditor").await;
    let in_table = |naam: &str, bericht: &str| table(&rapport, naam).iter().any(|row| row["bericht"] == bericht);
    for (bericht, wanted) in [(&taken_back, ""), (&read, "niet_bevestigd"), (&held, "tegengehouden")] {
        for naam in ["niet_opgehaald", "niet_bevestigd", "tegengehouden"] {
            assert_eq!(in_table(naam, bericht), naam == wanted, "{naam} {wanted}");
        }
    }
    let ended = counted(&rapport, "einde", &["wat"]);
    assert_eq!(ended.get(&vec!["ingetrokken na ontvangst".to_owned()]), Some(&1), "{ended:?}");
    assert_eq!(counted(&rapport, "vernietiging_gevraagd", &["reden van intrekking"]).into_values().sum::<u64>(), 1);
    assert_eq!(counted(&rapport, "weigeringen", &["weigering"]), [(vec!["geen_regel".to_owned()], 6)].into());
    let held_back = counted(&rapport, "geweigerd_bij_aflevering", &["afzender", "ontvanger"]);
    let route = vec!["zsm/volwassenen".to_owned(), format!("{ZVH}/algemeen")];
    assert_eq!(held_back, [(route, 1)].into());
    let odd = format!("{:?}", table(&rapport, "opvallend"));
    assert!(!odd.contains("achter elkaar geweigerd"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_names_nobody_and_its_own_making_is_in_the_next() {
    let gateway = TestGateway::start().await;
    a_bad_day(&gateway).await;
    let rapport = of_today(&gateway, "auditor").await;
    let all = format!("{rapport:?}");
    for name in ["Verzonnenhove", "Nergens Staat", "7310482", "zsm-nacht-02", "bb-regie-03", "beheer-7", "fg-007"] {
        assert!(!all.contains(name), "{name}");
    }
    // The code of an employee is the same each time.
    let again = of_today(&gateway, "auditor").await;
    assert_eq!(table(&rapport, "geweigerd_wie"), table(&again, "geweigerd_wie"));
    let code = table(&rapport, "geweigerd_wie")[0]["medewerker"].clone();
    assert_eq!(code.len(), 8, "{code}");
    let look = table(&again, "blikken");
    assert!(look.iter().any(|row| row["wie"] == "auditor" && row["wat"] == "ingezien"), "{look:?}");
    for afdeling in &rapport.afdelingen {
        assert!(!afdeling.zinnen.is_empty(), "{} says nothing", afdeling.naam);
    }
}

/// A scenario at ZSM that it read, taken back as wrongly addressed.
async fn leaked(gateway: &TestGateway) -> String {
    let (mut zvh, mut zsm) = (gateway.client(ZVH).await, gateway.client("zsm").await);
    let bericht = sent(&mut zvh, scenario()).await;
    zsm.fetch(fetch(&bericht)).await.unwrap();
    let withdraw = proto::WithdrawRequest {
        bericht: bericht.clone(),
        reden: RedenIntrekking::VerkeerdGeadresseerd.into(),
        medewerker: "bb-regie-03".to_owned(),
        ..Default::default()
    };
    zvh.withdraw(withdraw).await.unwrap();
    bericht
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_in_an_earlier_period_is_told_in_that_in_which_it_ended_or_still_waits() {
    let gateway = TestGateway::start().await;
    let mut zvh = gateway.client(ZVH).await;
    let (mut soon, first) = (scenario(), today(&gateway).to_string());
    soon["houdbaar_tot_en_met"] = today(&gateway).saturating_add(1.day()).to_string().into();
    let never_read = sent(&mut zvh, soon).await;
    let silent = leaked(&gateway).await;
    let mut zsm = gateway.client("zsm").await;
    let asked_then = send(&mut zsm, check()).await.unwrap().bericht;
    gateway.clock.advance(SignedDuration::from_hours(72));
    until(&mut zvh, &never_read, proto::Toestand::Vervallen).await;
    let later = of_today(&gateway, "auditor").await;
    let lapsed = table(&later, "ongelezen_vervallen");
    assert_eq!(
        lapsed.iter().map(|row| (&*row["berichtsoort"], &*row["aantal"])).collect::<Vec<_>>(),
        [("scenario", "1")]
    );
    for still in ["niet_opgehaald", "niet_beantwoord"] {
        let berichten: Vec<String> = table(&later, still).iter().map(|row| row["bericht"].clone()).collect();
        assert!(berichten.contains(&asked_then), "{still}: {berichten:?}");
    }
    let waiting = table(&later, "vernietiging_zonder_antwoord");
    assert_eq!(waiting.iter().map(|row| &row["bericht"]).collect::<Vec<_>>(), [&silent]);
    // What the gateway sent about it is no bericht of a partner.
    // So does a day on which nothing was written yet, and a longer period.
    gateway.clock.advance(SignedDuration::from_hours(24));
    let quiet = of_today(&gateway, "auditor").await;
    assert_eq!(table(&quiet, "niet_beantwoord"), table(&later, "niet_beantwoord"));
    let still = asked(&gateway, "auditor", &first, &today(&gateway).to_string()).await.unwrap();
    assert_eq!(table(&still, "niet_beantwoord"), table(&later, "niet_beantwoord"));
    let of_first = asked(&gateway, "auditor", &first, &first).await.unwrap();
    let told = sentences(&of_first, "omvang");
    assert!(told.starts_with("Berichten aanvaard: 3,"), "{told}");
    assert!(told.contains("De poort maakte daarnaast 1 keer"), "{told}");
    assert_eq!(table(&of_first, "stromen").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_is_proven_between_two_checkpoints_also_over_a_logboek_that_was_closed() {
    let mut gateway = TestGateway::start().await;
    let mut zsm = gateway.client("zsm").await;
    send(&mut zsm, check()).await.unwrap();
    let first = today(&gateway);
    gateway.stop().await;
    gateway.clock.advance(SignedDuration::from_hours(48));
    gateway.restart_with(|_| ()).await;
    let mut zvh = gateway.client(ZVH).await;
    sent(&mut zvh, scenario()).await;
    let second = today(&gateway);
    let asked =
        async |van: Date, tot: Date| asked(&gateway, "auditor", &van.to_string(), &tot.to_string()).await.unwrap();
    let (one, other) = (asked(first, first).await, asked(second, second).await);
    let ([(begin, middle)], [(from, end)]) = (&proven(&gateway, &one)[..], &proven(&gateway, &other)[..]) else {
        panic!("{one:?} {other:?}")
    };
    assert_eq!((*begin, one.eerste_index, one.tot_index), (0, 0, other.eerste_index));
    assert!(middle >= &one.tot_index && from <= &other.eerste_index && end >= &other.tot_index);
    // A first time is told only where there was a time before.
    let odd = |of: &GetRapportResponse| format!("{:?}", table(of, "opvallend"));
    assert!(odd(&other).contains("voor het eerst een scenario van zvh-baronie-breda naar zsm"), "{}", odd(&other));
    assert!(!odd(&one).contains("voor het eerst"));
    assert!(!odd(&other).contains("bekendheidscheck"), "{}", odd(&other));
    // What a period held stays the same, whatever comes after it.
    let held = |of: &GetRapportResponse| (of.tot_index, table(of, "stromen"), table(of, "niet_opgehaald"));
    assert_eq!(held(&one), held(&asked(first, first).await));
    let close = proto::CloseLogboekRequest { reden: "een test".into(), medewerker: "beheer-7".into() };
    gateway.beheer().await.close_logboek(close).await.unwrap();
    sent(&mut gateway.client(ZVH).await, scenario()).await;
    let whole = asked(first, second).await;
    let pieces = proven(&gateway, &whole);
    assert_eq!(pieces.len(), 2, "{pieces:?}");
    assert!(whole.vkey.starts_with(whole.keten[1].tot_checkpoint.lines().next().unwrap()));
    // A period in which nothing was written says so.
    let nothing = asked("2020-01-01".parse().unwrap(), "2020-03-31".parse().unwrap()).await;
    assert!(nothing.keten.is_empty() && sentences(&nothing, "integriteit").contains("geen enkele logregel"));
    let tomorrow = second.tomorrow().unwrap().to_string();
    let backwards = (second.to_string(), first.to_string());
    for (van, tot_en_met) in [
        (second.to_string(), tomorrow),
        backwards,
        ("2025-01-01".to_owned(), "2026-01-02".to_owned()),
        (String::new(), second.to_string()),
        ("2026-02-30".to_owned(), second.to_string()),
    ] {
        let refused = self::asked(&gateway, "auditor", &van, &tot_en_met).await;
        assert_eq!(weigering(refused), "ongeldig_veld", "{van} {tot_en_met}");
    }
}
